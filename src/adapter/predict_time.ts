/**
 * The time of work on an adapter, by its profile: the model behind the compiler's costs, in nanoseconds.
 *
 * @module
 */
import type { AdapterProfile, PlanTimes } from "./adapter_profile.ts";

/** What a dispatch does, all of its invocations together. */
export interface KernelWork {
  /** Invocations that do it. */
  readonly invocations: number;
  /** Workgroups. */
  readonly workgroups: number;
  /** Floating-point operations of products with matrices in registers. */
  readonly matrices: number;
  /** Other sums and products of floating-point numbers. */
  readonly products: number;
  /** Other operations on elements, in simple ones. */
  readonly operations: number;
  /** Operations on single whole numbers, which find places. */
  readonly indices: number;
  /** Elements that are loaded in vectors. */
  readonly loads: number;
  /** Elements that are loaded one by one. */
  readonly scalarLoads: number;
  /** Elements that are stored in vectors. */
  readonly stores: number;
  /** Elements that are stored one by one. */
  readonly scalarStores: number;
  /** Elements of workgroup memory, loaded or stored. */
  readonly shared: number;
  /** Barriers, those of each invocation counted. */
  readonly barriers: number;
  /** Elements taken from other lanes. */
  readonly shuffles: number;
}

/** Invocations of a workgroup that one core of a processor runs, as in the profile's measurement. */
const WORKGROUP = 64;

/** A dispatch whose time is predicted. */
export interface TimedDispatch {
  /** What it does. */
  readonly work: KernelWork;
  /** Bytes of everything that it binds. */
  readonly bytes: number;
  /** Name of its kernel; absent of generated ones. */
  readonly kernel?: string | undefined;
}

/**
 * Predicts how long a dispatch of a plan takes: what it does at best, times what the profile says of plans.
 *
 * @param profile The adapter.
 * @param dispatch What it does.
 * @returns Nanoseconds, those of the dispatch itself among them.
 */
export function predictTime(profile: AdapterProfile, dispatch: TimedDispatch): number {
  const { plans } = profile;
  const least = leastWork(profile, dispatch);
  if (plans === undefined) return profile.dispatch + least;
  return plans.dispatch + plans.work * timesOf(plans, dispatch.kernel) * least;
}

/** Times that a kernel takes as long as what is counted of it. */
function timesOf({ convolution, filterGradient }: PlanTimes, kernel = ""): number {
  if (!kernel.startsWith("conv2d")) return 1;
  return kernel.includes("filter_gradient") ? filterGradient : convolution;
}

/**
 * Predicts how long a dispatch works at best, without what a dispatch takes that does nothing. All that its
 * invocations do is added up at the profile's price. An adapter that is not filled is slower by the part that idles.
 *
 * A GPU computes while it loads and while it launches workgroups, and is nowhere faster than memory (Williams et al., "Roofline", CACM 52(4), 2009). A
 * processor does one after the other: what its caches do not hold comes on top, so much that a copy of large arrays
 * takes what was measured of it.
 *
 * @param profile The adapter.
 * @param dispatch What it does.
 * @returns Nanoseconds.
 */
export function leastWork(profile: AdapterProfile, { work, bytes }: TimedDispatch): number {
  const { load, store, workgroupLoad, shuffle, operation, gigabytes } = profile;
  const arithmetic = work.matrices / profile.tileGflops + work.products / profile.gflops +
    operation * (work.operations + work.indices);
  const loads = work.loads + work.scalarLoads;
  const stores = work.stores + work.scalarStores;
  const moved = load * loads + store * stores + workgroupLoad * work.shared +
    shuffle * work.shuffles;
  const waits = profile.barrier * work.barriers / WORKGROUP;
  const launches = profile.workgroup * work.workgroups;
  const touched = Math.min(bytes, 4 * (loads + stores));
  const share = sharesOf(profile, work);
  if (profile.class !== "software") {
    const computed = (Math.max(arithmetic, moved) + waits) / share;
    return Math.max(computed, touched / gigabytes, launches);
  }
  const missed = Math.max(0, 1 / gigabytes - (load + store) / 8);
  return (arithmetic + moved + waits) / share + touched * missed + launches;
}

/** Which part of the adapter works: of its lanes, and of its cores or of what it can have in flight. */
function sharesOf(
  { class: kind, subgroupLanes, invocations: full }: AdapterProfile,
  { invocations, workgroups }: KernelWork,
): number {
  const lanes = Math.max(1, subgroupLanes);
  const inLanes = invocations / (lanes * Math.ceil(invocations / lanes));
  if (kind !== "software") return inLanes * Math.min(1, invocations / full);
  const cores = Math.max(1, full / WORKGROUP);
  return inLanes * workgroups / (cores * Math.ceil(workgroups / cores));
}
