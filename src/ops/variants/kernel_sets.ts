/**
 * Kernels that not every adapter runs, in sets: a program loads those that its adapter runs, before it compiles.
 *
 * @module
 */
import type { DeviceTraits, KernelSet } from "../../ir/lowering.ts";
import { usesLanes } from "../kernel_grid.ts";

/** A set of kernels that may be loaded. */
interface LoadableSet {
  /** Its name: that of its file, and of the folder in `kernels` that has its WGSL. */
  readonly name: string;
  /** What the names of its kernels have and no others. */
  readonly kernels: RegExp;
  /** Whether its rules take one of its kernels on some adapter; absent if only tables do. */
  readonly ruled?: (traits: DeviceTraits) => boolean;
  /** Loads it: each by an `import()` of its own, which bundles for pages make a file of. */
  readonly load: () => Promise<KernelSet>;
}

/** All sets; one more is one file and one line. */
const SETS: readonly LoadableSet[] = [
  {
    name: "processors",
    kernels: /_lane|^(conv2d_3x3|conv2d_3x3_filter_gradient|matmul)(,|$)/,
    ruled: (traits) => !traits.costs.occupancy || usesLanes(traits),
    load: async () => (await import("./processors.ts")).processors,
  },
  {
    name: "graphics",
    kernels: /^conv2d_3x3_(tiles|slices|pairs)|_shared/,
    ruled: ({ costs }) => costs.occupancy,
    load: async () => (await import("./graphics.ts")).graphics,
  },
  {
    name: "measured",
    kernels: /_winograd|_half/,
    load: async () => (await import("./measured.ts")).measured,
  },
];

/**
 * Loads the sets of kernels that an adapter runs.
 *
 * @param traits What is known of the adapter
 * @param named Names of kernels that its table has, or `"all"` where every kernel is wanted, to be measured
 * @returns The same with the sets that its rules or the names want, beside those that it has
 */
export async function withKernelSets(
  traits: DeviceTraits,
  named: readonly string[] | "all" = [],
): Promise<DeviceTraits> {
  const { kernelSets = [] } = traits;
  const wanted = SETS.filter(({ name, kernels, ruled }) =>
    !has(traits, name) &&
    (named === "all" || ruled?.(traits) || named.some((kernel) => kernels.test(kernel)))
  );
  const loaded = await Promise.all(wanted.map(({ load }) => load()));
  return { ...traits, kernelSets: [...kernelSets, ...loaded] };
}

/**
 * Loads all sets.
 *
 * @returns The sets, each with the pattern of the names of its kernels
 */
export async function allKernelSets(): Promise<(KernelSet & { readonly kernels: RegExp })[]> {
  return await Promise.all(SETS.map(async ({ kernels, load }) => ({ ...await load(), kernels })));
}

/**
 * Checks that traits have the sets by whose rules the adapter computes: without them it would be slow, and nobody
 * would know.
 *
 * @param traits What is known of the adapter
 * @throws {Error} Names the set that is missing
 */
export function requireKernelSets(traits: DeviceTraits): void {
  for (const { name, ruled } of SETS) {
    if (!ruled?.(traits) || has(traits, name)) continue;
    throw new Error(
      `Cannot choose a kernel for this adapter: found no set of kernels '${name}' in its traits, by whose rules it ` +
        `computes. Take the traits from withKernelSets(traits).`,
    );
  }
}

function has({ kernelSets = [] }: DeviceTraits, wanted: string): boolean {
  return kernelSets.some(({ name }) => name === wanted);
}
