/**
 * The time of work on an adapter, by its profile: the model behind the compiler's costs, in nanoseconds.
 *
 * @module
 */
import type { AdapterProfile } from "./adapter_profile.ts";

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

/**
 * Predicts how long a dispatch takes. All that its invocations do is added up at the profile's price; a GPU computes
 * while it loads, a processor does not. An adapter that is not filled is slower by the part that idles; nothing is
 * faster than memory (Williams et al., "Roofline", CACM 52(4), 2009).
 *
 * @param profile The adapter.
 * @param work What the dispatch does.
 * @param bytes Bytes of everything that it binds.
 * @returns Nanoseconds, those of the dispatch itself among them.
 */
export function predictTime(profile: AdapterProfile, work: KernelWork, bytes: number): number {
  const { load, store, workgroupLoad, shuffle, operation } = profile;
  const arithmetic = work.matrices / profile.tileGflops + work.products / profile.gflops +
    operation * (work.operations + work.indices);
  const loads = work.loads + work.scalarLoads;
  const stores = work.stores + work.scalarStores;
  const moved = load * loads + store * stores + workgroupLoad * work.shared +
    shuffle * work.shuffles;
  const waits = profile.barrier * work.barriers / WORKGROUP;
  const processor = profile.class === "software";
  const busy = processor ? arithmetic + moved : Math.max(arithmetic, moved);
  const least = Math.min(bytes, 4 * (loads + stores)) / profile.gigabytes;
  return profile.dispatch + Math.max((busy + waits) / sharesOf(profile, work), least);
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
