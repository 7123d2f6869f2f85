/**
 * How the work of a kernel is laid out in workgroups and split into partial sums.
 *
 * @module
 */

import { sum_parts } from "../../kernels/mod.ts";
import type { BufferSlot, CodedKernelCall, DeviceTraits } from "../ir/lowering.ts";

/** A grid of workgroups over a linear range of invocations. */
export interface LinearGrid {
  /** Workgroups along x, y, z. */
  readonly workgroups: readonly [number, number, number];
  /** `WORKGROUP` and `groups_x`, by which a kernel finds its place in the range. */
  readonly overrides: { readonly WORKGROUP: number; readonly groups_x: number };
}

/** A sum that may be split into parts, each summed by other invocations. */
export interface SplitSum {
  /** Units of the summed axis that cannot be divided further. */
  readonly steps: number;
  /** Loop iterations that one unit costs an invocation. */
  readonly iterationsPerStep: number;
  /** What an iteration does, in those of a tile in registers; 1 unless told. */
  readonly weight?: number;
  /** Invocations that the kernel has in one part. */
  readonly blocks: number;
  /** Elements of the result. */
  readonly size: number;
}

/** How a sum is split. */
export interface Parts {
  /** Number of parts; none is empty. */
  readonly parts: number;
  /** Units of the summed axis in each part but perhaps the last. */
  readonly stepsPerPart: number;
}

/**
 * Most loop iterations of one invocation. LLVMpipe ends an invocation's loops, without an error,
 * after 65,535 iterations summed over all of them.
 */
const MAX_ITERATIONS = 60_000;

/** Most parts that are made only to keep the adapter busy: one invocation adds them all up. */
const MAX_PARTS = 4_096;

/** Invocations of a workgroup where each does little. */
const LIGHT_WORKGROUP = 64;

/** Invocations of a workgroup, all in one subgroup, of the kernels whose lanes share loads. */
export const LANES = 8;

/**
 * What four steps of a sum cost an invocation by itself, which computes a tile of 16 x 8, and one of {@linkcode LANES}
 * which compute a tile of 32 x 64 and give each other what each has loaded; for as many results.
 */
const ALONE = { operations: 1024, loads: 96, shuffles: 0 } as const;
const SHARED = { operations: 1024, loads: 24, shuffles: 64 } as const;

/**
 * Whether kernels whose lanes share loads run on an adapter, and are the faster ones there. Where subgroups have more
 * lanes than such a kernel uses, the others idle, and where other workgroups could have used them that is paid for.
 *
 * @param traits What is known of the adapter
 * @returns `true` where its subgroups have at least {@linkcode LANES} lanes, and loads are dear
 */
export function usesLanes({ subgroupLanes, costs }: DeviceTraits): boolean {
  const { load, shuffle, occupancy } = costs;
  const cost = ({ operations, loads, shuffles }: Readonly<Record<keyof typeof ALONE, number>>) =>
    operations + loads * load + shuffles * shuffle;
  const idle = occupancy ? subgroupLanes / LANES : 1;
  return subgroupLanes >= LANES && idle * cost(SHARED) < cost(ALONE);
}

/**
 * Invocations of a workgroup where each does much.
 *
 * @param traits What is known of the adapter
 * @returns A multiple of the adapter's vector length
 */
export function heavyWorkgroup({ costs }: DeviceTraits): number {
  return costs.tiledWorkgroup;
}

/**
 * Rounds a quotient up.
 *
 * @param dividend A natural number
 * @param divisor A positive natural number
 * @returns The smallest integer that is not less than the quotient
 */
export function ceilDivide(dividend: number, divisor: number): number {
  return Math.ceil(dividend / divisor);
}

/**
 * Lays a number of invocations out in workgroups, in rows when one row would be too long.
 *
 * @param invocations Number of invocations wanted; the grid may have more
 * @param traits What is known of the adapter
 * @param workgroup Invocations of a workgroup
 * @throws {RangeError} When the grid would have too many rows
 */
export function linearGrid(
  invocations: number,
  traits: DeviceTraits,
  workgroup: number = LIGHT_WORKGROUP,
): LinearGrid {
  const limit = traits.maxWorkgroupsPerDimension;
  const groups = Math.max(1, ceilDivide(invocations, workgroup));
  const rows = ceilDivide(groups, limit);
  if (rows > limit) {
    throw new RangeError(
      `Cannot lay out ${invocations} invocations: found ${rows} rows of workgroups, expected at ` +
        `most ${limit}. Use smaller batches or images.`,
    );
  }
  const columns = ceilDivide(groups, rows);
  return {
    workgroups: [columns, rows, 1],
    overrides: { WORKGROUP: workgroup, groups_x: columns },
  };
}

/**
 * Splits a sum so that no invocation loops too long and the adapter has enough of them.
 *
 * @param sum The sum
 * @param traits What is known of the adapter
 * @param share About how many times the usual number of parts; 1 unless told
 * @returns The split
 * @throws {RangeError} When one step alone has too many iterations
 */
export function chooseParts(sum: SplitSum, traits: DeviceTraits, share: number = 1): Parts {
  const { steps, iterationsPerStep, weight = 1, blocks, size } = sum;
  const most = Math.floor(MAX_ITERATIONS / (iterationsPerStep + 1));
  if (most < 1) {
    throw new RangeError(
      `Cannot split a sum: found ${iterationsPerStep} loop iterations in a step, expected at most ` +
        `${MAX_ITERATIONS}. Use smaller images.`,
    );
  }
  const { costs } = traits;
  const busy = ceilDivide(costs.busy.tiled, blocks);
  const least = costs.leastIterations.tiled;
  const worthwhile = Math.max(1, Math.floor(weight * steps * iterationsPerStep / least));
  const room = Math.max(1, Math.floor(traits.maxStorageBinding / (4 * size)));
  const fewest = ceilDivide(steps, most);
  const usual = Math.max(fewest, Math.min(busy, worthwhile, room, MAX_PARTS));
  const wanted = share === 1
    ? usual
    : Math.max(fewest, Math.min(Math.ceil(share * usual), room, MAX_PARTS));
  const stepsPerPart = ceilDivide(steps, Math.min(wanted, steps));
  return { parts: ceilDivide(steps, stepsPerPart), stepsPerPart };
}

/**
 * Sums the parts of a split sum.
 *
 * @param sum Where the parts lie, where their sum goes, elements of the result, number of parts
 * @param traits What is known of the adapter
 * @returns The call
 */
export function sumParts(
  sum: {
    readonly source: BufferSlot;
    readonly target: BufferSlot;
    readonly size: number;
    readonly parts: number;
  },
  traits: DeviceTraits,
): CodedKernelCall {
  const grid = linearGrid(sum.size, traits);
  return {
    kernel: "sum_parts",
    code: sum_parts,
    overrides: { size: sum.size, parts: sum.parts, ...grid.overrides },
    workgroups: grid.workgroups,
    buffers: [sum.source, sum.target],
    flops: 0,
  };
}
