/**
 * An adapter for tests that plan without a device.
 *
 * @module
 */
import { adapterCosts, builtInProfile } from "../src/adapter/mod.ts";
import type { AdapterCosts } from "../src/ir/adapter_costs.ts";
import type { DeviceTraits } from "../src/ir/lowering.ts";
import { allKernelSets } from "../src/ops/variants/kernel_sets.ts";

/** Costs of a CPU adapter. */
export const SOFTWARE_COSTS: AdapterCosts = adapterCosts(builtInProfile("software"));

/** A CPU adapter that computes few elements four at a time, too: arrays of tests are small. */
export const FOURS: { readonly costs: AdapterCosts } = {
  costs: { ...SOFTWARE_COSTS, leastVectors: 0 },
};

/** Costs of a GPU that shares the memory of the CPU. */
export const INTEGRATED_COSTS: AdapterCosts = adapterCosts(builtInProfile("integrated"));

/** Costs of a GPU with memory of its own. */
export const DISCRETE_COSTS: AdapterCosts = adapterCosts(builtInProfile("discrete"));

/** A CPU adapter with the portable limits and without subgroups; those that are made of it may have some. */
export const SOFTWARE_TRAITS: DeviceTraits = {
  costs: SOFTWARE_COSTS,
  subgroupLanes: 0,
  maxWorkgroupInvocations: 256,
  maxWorkgroupStorage: 16384,
  maxWorkgroupsPerDimension: 65535,
  maxUniformBinding: 65536,
  maxStorageBinding: 2 ** 27,
  maxStorageBuffers: 8,
  kernelSets: await allKernelSets(),
};
