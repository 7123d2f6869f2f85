/**
 * Profiles for adapters that nobody has measured.
 *
 * @module
 */
import type { AdapterClass, AdapterProfile } from "./adapter_profile.ts";

/**
 * Round numbers of a typical adapter of each class. `software` is llvmpipe with eight lanes on two cores, measured;
 * the others are data sheets of 2020 (Xe of 96 units, RTX 3070) with the latencies of Vulkan.
 */
const PROFILES: Readonly<Record<AdapterClass, AdapterProfile>> = {
  software: {
    class: "software",
    source: "built-in",
    gflops: 80,
    tileGflops: 50,
    gigabytes: 5,
    operation: 0.03,
    load: 0.6,
    store: 0.375,
    workgroupLoad: 0.5,
    barrier: 400,
    subgroupLanes: 8,
    shuffle: 0.042,
    dispatch: 30_000,
    workgroup: 90,
    encode: 3000,
    submit: 100_000,
    readback: 1.1e7,
    invocations: 128,
  },
  integrated: {
    class: "integrated",
    source: "built-in",
    gflops: 2000,
    tileGflops: 1000,
    gigabytes: 50,
    operation: 1e-3,
    load: 0.03,
    store: 0.04,
    workgroupLoad: 0.01,
    barrier: 1,
    subgroupLanes: 0,
    shuffle: 0,
    dispatch: 10_000,
    workgroup: 5,
    encode: 3000,
    submit: 50_000,
    readback: 1e7,
    invocations: 4096,
  },
  discrete: {
    class: "discrete",
    source: "built-in",
    gflops: 20_000,
    tileGflops: 10_000,
    gigabytes: 400,
    operation: 1e-4,
    load: 2e-3,
    store: 2e-3,
    workgroupLoad: 5e-4,
    barrier: 0.1,
    subgroupLanes: 32,
    shuffle: 8e-4,
    dispatch: 4000,
    workgroup: 1,
    encode: 3000,
    submit: 30_000,
    readback: 1e7,
    invocations: 16_384,
  },
};

/**
 * The profile of a typical adapter of a class.
 *
 * @param kind The class.
 * @returns Its profile; measured ones are nearer to the truth.
 *
 * @example
 * ```ts
 * import { builtInProfile } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * assert(builtInProfile("discrete").gflops > builtInProfile("software").gflops);
 * ```
 */
export function builtInProfile(kind: AdapterClass): AdapterProfile {
  return PROFILES[kind];
}

/** Makers of GPUs by name and by their PCI numbers, which some drivers give instead. */
const NVIDIA = /nvidia|\b4318\b|0x10de/i;
const AMD = /\bamd\b|\bati\b|radeon|\b4098\b|0x1002/i;
const INTEL = /intel|\b32902\b|0x8086/i;

/** NVIDIA's chips for cars and boards share the memory of the CPU. */
const SHARED_NVIDIA = /tegra|orin|xavier|jetson/i;

/** AMD's with memory of their own, by their product lines: others are parts of a CPU. */
const OWN_AMD = /\brx\b|\bw[57-9]\d\d\d\b|instinct|\bmi\d\d\d?x?\b|radeon (pro|vii)/i;

/** Intel's with memory of their own. */
const OWN_INTEL = /\barc\b.*\b[ab]\d{2,3}m?\b|\bdg[12]\b|data center gpu/i;

/**
 * Tells the class of an adapter by what its driver says of it.
 *
 * @param info Vendor, architecture, description, and whether it is a CPU.
 */
export function adapterClassOf(
  { vendor, architecture, description, software }: {
    readonly vendor: string;
    readonly architecture: string;
    readonly description: string;
    readonly software: boolean;
  },
): AdapterClass {
  if (software) return "software";
  const words = `${vendor} ${architecture} ${description}`;
  const own = INTEL.test(words)
    ? OWN_INTEL.test(words)
    : NVIDIA.test(words)
    ? !SHARED_NVIDIA.test(words)
    : AMD.test(words) && OWN_AMD.test(words);
  return own ? "discrete" : "integrated";
}
