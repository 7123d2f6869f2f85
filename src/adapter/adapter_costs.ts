/**
 * From the profile of an adapter to the costs that the compiler weighs.
 *
 * @module
 */
import type { AdapterCosts } from "../ir/adapter_costs.ts";
import type { AdapterClass, AdapterProfile } from "./adapter_profile.ts";
import { builtInProfile } from "./built_in_profiles.ts";

/**
 * What the model counts for each thing, in times of what it takes: fitted to whole programs on llvmpipe. Loads do not
 * wait for each other; a store takes memory, too (up to 6, programs were as fast, with fewer dispatches and less
 * memory); a dispatch is compiled and bound as well.
 */
const WEIGHTS = { load: 0.6, store: 4, dispatch: 1.5, shuffle: 1 } as const;

/**
 * Least share of the time of a store that a load of a GPU takes. Loads are measured in the caches of a core, where they
 * took an H200 0.02 ps an element; what its kernels load was stored by others, which takes it 0.94 ps.
 */
const LEAST_LOAD = 0.75;

/** Simple operations that the whole of a loop iteration of a reduction stands for, beside a dispatch. */
const ITERATION = 1_500_000 / 8192;

/**
 * Factor between costs that are told apart. On two cores on which 15 processes computed, the ratios of five
 * measurements differed by a factor of up to 2.3; all of them are one cost.
 */
const STEP = 4;

/** How kernels are executed, which no time tells. */
interface Execution {
  /** Times the invocations that keep it busy in registers. */
  readonly busy: AdapterCosts["busy"];
  readonly leastIterations: AdapterCosts["leastIterations"];
  readonly leastRun: number;
  readonly tiledWorkgroup: number;
  readonly leastVectors: number;
  readonly longExpression: number;
  readonly occupancy: boolean;
}

/**
 * A CPU runs workgroups one after the other on each core, a vector of invocations at a time: register tiles win,
 * workgroups are few, to share them evenly among the cores, and a kernel compiled once for all sizes costs nothing.
 */
const PROCESSOR: Execution = {
  busy: { mapped: 4, reduced: 2, tiled: 0.75 },
  leastIterations: { reduced: 32, tiled: 128 },
  // A page: each core prefetches of its own.
  leastRun: 1024,
  tiledWorkgroup: 16,
  // It loads and stores each element by itself: fewer take hardly longer one at a time, and half as long to compile.
  leastVectors: 8192,
  // Random bits, which keys are made of, take 2 ms to compile.
  longExpression: 100,
  occupancy: false,
};

/** A GPU hides the latency of memory behind other invocations: there must be many more of them. */
const GRAPHICS: Execution = {
  busy: { mapped: 4, reduced: 1, tiled: 4 },
  // A pass that joins parts takes as long: on an H200 some 6 us, and an iteration of a tile 0.8 us.
  leastIterations: { reduced: 8, tiled: 8 },
  // 128 bytes, which memory gives at once.
  leastRun: 32,
  tiledWorkgroup: 64,
  leastVectors: 0,
  longExpression: Infinity,
  occupancy: true,
};

const EXECUTIONS: Readonly<Record<AdapterClass, Execution>> = {
  software: PROCESSOR,
  integrated: GRAPHICS,
  discrete: GRAPHICS,
};

/** What is measured, in simple operations; and invocations. */
type Ratios = Readonly<Record<"load" | "store" | "dispatch" | "shuffle" | "invocations", number>>;

/**
 * Makes the compiler's costs of a profile.
 *
 * Measured numbers are never the same twice, and plans must be: a ratio is taken as that of the built-in profile of
 * the class times a whole power of 4, the nearest one; invocations by powers of 2.
 *
 * @param profile The profile.
 */
export function adapterCosts(profile: AdapterProfile): AdapterCosts {
  const typical = ratiosOf(builtInProfile(profile.class));
  const found = ratiosOf(profile);
  const near = (name: keyof Ratios, step = STEP): number =>
    nearest(found[name], typical[name], step);
  const { busy, ...execution } = EXECUTIONS[profile.class];
  const invocations = near("invocations", 2);
  const dispatch = near("dispatch");
  return {
    ...execution,
    load: near("load"),
    store: near("store"),
    dispatch,
    shuffle: near("shuffle"),
    busy: {
      mapped: busy.mapped * invocations,
      reduced: busy.reduced * invocations,
      tiled: busy.tiled * invocations,
    },
    shortLoops: execution.occupancy ? 0 : Math.floor(dispatch / ITERATION),
  };
}

function ratiosOf(profile: AdapterProfile): Ratios {
  const { load, store, operation } = profile;
  const ratio = (name: keyof typeof WEIGHTS, time = profile[name]): number =>
    Number((WEIGHTS[name] * time / operation).toPrecision(6));
  const { occupancy } = EXECUTIONS[profile.class];
  return {
    load: ratio("load", occupancy ? Math.max(load, LEAST_LOAD * store) : load),
    store: ratio("store"),
    dispatch: ratio("dispatch"),
    shuffle: ratio("shuffle"),
    invocations: profile.invocations,
  };
}

/** The number nearest to `found` by its factor, among `typical` times the powers of `step`. */
function nearest(found: number, typical: number, step: number): number {
  if (found === 0 || typical === 0) return found;
  return typical * step ** Math.round(Math.log2(found / typical) / Math.log2(step));
}
