/**
 * Adapters that programs are compiled for.
 *
 * @module
 */
import type { AdapterCosts } from "../../src/ir/adapter_costs.ts";
import type { DeviceTraits } from "../../src/ir/lowering.ts";
import { DISCRETE_COSTS, FOURS, INTEGRATED_COSTS } from "../device_traits.ts";

/** Name of the adapter that has too little memory for every program: it is computed in parts where that can be. */
export const LITTLE_MEMORY = "little memory";

/** Name of the adapter that is there, but computes small arrays four elements at a time as it does large ones. */
export const IN_FOURS = "in fours";

/** Picks kernels without knowing which is the fastest, the same for a shape every time. */
function byLot(lot: number): NonNullable<DeviceTraits["chooseKernel"]> {
  return (shape, names) => {
    let hash = lot;
    for (let k = 0; k < shape.length; k++) hash = Math.imul(hash ^ shape.charCodeAt(k), 0x01000193);
    return names[(hash >>> 8) % names.length];
  };
}

/** An adapter that little work keeps busy, where dispatches and memory cost next to nothing: whatever is used twice is
 * stored. Small programs are large there. */
const SMALL_COSTS: AdapterCosts = {
  ...DISCRETE_COSTS,
  dispatch: 0,
  load: 1,
  store: 1,
  busy: { mapped: 4, reduced: 16, tiled: 4 },
  leastIterations: { reduced: 2, tiled: 2 },
};

/** One whose workgroups join the parts of a reduction, each of a run of iterations, rather than a second dispatch. */
const JOINING_COSTS: AdapterCosts = {
  ...SMALL_COSTS,
  occupancy: false,
  dispatch: 1e5,
  busy: { ...SMALL_COSTS.busy, reduced: 64 },
};

/** One whose reductions have parts, and little memory for what workgroups share of them. */
const EAGER_COSTS: AdapterCosts = {
  ...SMALL_COSTS,
  leastRun: 1,
  busy: { ...SMALL_COSTS.busy, reduced: 64 },
  leastIterations: { ...SMALL_COSTS.leastIterations, reduced: 0 },
};

/** Adapters that programs are compiled for: what they have less than the one that is there. */
export const adapters: Readonly<Record<string, Partial<DeviceTraits>>> = {
  "as it is": {},
  [IN_FOURS]: FOURS,
  "8 buffers": { ...FOURS, maxStorageBuffers: 8 },
  "no lanes": { ...FOURS, subgroupLanes: 0 },
  "4 lanes": { ...FOURS, subgroupLanes: 4 },
  "few workgroups, little memory": {
    ...FOURS,
    maxWorkgroupsPerDimension: 25,
    maxWorkgroupStorage: 4096,
  },
  "like a GPU": { costs: DISCRETE_COSTS, subgroupLanes: 0 },
  "like a GPU in a CPU": { costs: INTEGRATED_COSTS, subgroupLanes: 0 },
  "like a GPU, little shared": {
    ...{ costs: DISCRETE_COSTS, subgroupLanes: 0 },
    ...{ maxWorkgroupStorage: 512 },
  },
  "kernels by lot": { ...FOURS, chooseKernel: byLot(1) },
  "no lanes, kernels by lot": { ...FOURS, subgroupLanes: 0, chooseKernel: byLot(2) },
  "like a GPU, kernels by lot": { costs: DISCRETE_COSTS, chooseKernel: byLot(3) },
  "like a GPU, 10 buffers": { costs: DISCRETE_COSTS, subgroupLanes: 0, maxStorageBuffers: 10 },
  "like a GPU, 8 buffers": { costs: DISCRETE_COSTS, subgroupLanes: 0, maxStorageBuffers: 8 },
  "small": { costs: SMALL_COSTS },
  "small, in order": { costs: { ...SMALL_COSTS, occupancy: false } },
  "small, in order, joined": { costs: JOINING_COSTS },
  "small, in parts, 11 buffers": {
    costs: EAGER_COSTS,
    maxWorkgroupStorage: 64,
    maxStorageBuffers: 11,
  },
  "small, 11 buffers, kernels by lot": {
    costs: SMALL_COSTS,
    maxStorageBuffers: 11,
    chooseKernel: byLot(4),
  },
  [LITTLE_MEMORY]: { costs: SMALL_COSTS },
};
