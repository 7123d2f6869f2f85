import { requireTensor } from "../ir/require_tensor.ts";
import { formatAval, sameShape } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { requireIndices } from "./take.ts";

/** Options of {@linkcode segmentSum}, {@linkcode segmentMean} and {@linkcode segmentMax}. */
export interface SegmentOptions {
  /** Number of segments. */
  readonly count: number;
}

/**
 * Adds up the rows of each segment.
 *
 * On a device the sum of each segment runs over all rows and takes those that belong there: there is no order of
 * arrival, so the same bits come every time, at a cost of `rows * count`.
 *
 * @param x Rows `[rows, ...]` (`f32`).
 * @param segments For each row the segment it belongs to (`i32[rows]`); rows of others than
 *   `0` to `count - 1` belong to none.
 * @param options The number of segments.
 * @returns Sums `[count, ...]`; 0 for a segment without rows.
 * @throws {TypeError} If the segments do not fit the rows, or are not `i32`.
 * @throws {RangeError} If the count is not a whole number from 0.
 *
 * @example
 * ```ts
 * import { constant, segmentSum, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const segments = constant([1, 0, 1], { dtype: "i32" });
 * assertEquals(valuesOf(segmentSum(constant([1, 2, 3]), segments, { count: 3 })), [2, 4, 0]);
 * ```
 */
export function segmentSum(x: Tensor, segments: Tensor, options: SegmentOptions): Tensor {
  requireCall("segmentSum", arguments, 3);
  requireTensor("add segments", x);
  requireOptions("segmentSum", options, { count: true });
  const { count } = options;
  requireSegments("sum segments", x, segments, count);
  if (count === 0) return ops.fill(0, [0, ...x.shape.slice(1)]);
  // Rows that belong to none add zeros to the segment that their index is clamped to.
  const isInside = ops.and(
    ops.lessEqual(ops.like(segments, 0), segments),
    ops.less(segments, ops.like(segments, count)),
  );
  const members = ops.select(alike(isInside, x), x, ops.like(x, 0));
  return ops.scatterAdd(members, segments, { rows: count });
}

/**
 * Averages the rows of each segment.
 *
 * @param x Rows `[rows, ...]` (`f32`).
 * @param segments For each row the segment it belongs to (`i32[rows]`), or none where outside.
 * @param options The number of segments.
 * @returns Means `[count, ...]`; 0 for a segment without rows.
 * @throws {TypeError} If the segments do not fit the rows, or are not `i32`.
 * @throws {RangeError} If the count is not a whole number from 0.
 *
 * @example
 * ```ts
 * import { constant, segmentMean, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const segments = constant([1, 0, 1], { dtype: "i32" });
 * assertEquals(valuesOf(segmentMean(constant([1, 2, 3]), segments, { count: 2 })), [2, 2]);
 * ```
 */
export function segmentMean(x: Tensor, segments: Tensor, options: SegmentOptions): Tensor {
  requireCall("segmentMean", arguments, 3);
  requireTensor("average segments", x);
  requireOptions("segmentMean", options, { count: true });
  const total = segmentSum(x, segments, options);
  const ones = ops.fill(1, [x.shape[0]!]);
  const sizes = segmentSum(ones, segments, options);
  const least = ops.maximum(sizes, ops.like(sizes, 1));
  return ops.div(total, ops.broadcast(least, total.shape, [0]));
}

/**
 * Largest element of each segment; the derivative goes to the first of the largest.
 *
 * @param x Rows `[rows, ...]` (`f32`).
 * @param segments For each row the segment it belongs to (`i32[rows]`), or none where outside.
 * @param options The number of segments.
 * @returns Largest elements `[count, ...]`; minus infinity for a segment without rows.
 * @throws {TypeError} If the segments do not fit the rows, or are not `i32`.
 * @throws {RangeError} If the count is not a whole number from 0.
 *
 * @example
 * ```ts
 * import { constant, segmentMax, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const segments = constant([1, 0, 1], { dtype: "i32" });
 * assertEquals(valuesOf(segmentMax(constant([1, 2, 3]), segments, { count: 2 })), [2, 3]);
 * ```
 */
export function segmentMax(x: Tensor, segments: Tensor, options: SegmentOptions): Tensor {
  requireCall("segmentMax", arguments, 3);
  requireTensor("take the largest of segments", x);
  requireOptions("segmentMax", options, { count: true });
  const { count } = options;
  requireSegments("find the largest of segments", x, segments, count);
  const hit = membersOf(segments, count);
  const spread = ops.broadcast(x, [count, ...x.shape], x.shape.map((_, k) => k + 1));
  return ops.reduceMax(ops.select(alike(hit, spread), spread, ops.like(spread, -Infinity)), [1]);
}

/**
 * Adds rows to rows: `x[indices] += updates`, where every occurrence of an index counts.
 *
 * @param x Rows `[rows, ...]` (`f32`).
 * @param indices Which rows (`i32[count]`); indices outside are left out.
 * @param updates What is added, `[count, ...]`.
 * @returns A tensor of the shape of `x`.
 * @throws {TypeError} If the operands do not fit each other.
 *
 * @example
 * ```ts
 * import { addRows, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const indices = constant([1, 1], { dtype: "i32" });
 * assertEquals(valuesOf(addRows(constant([1, 2, 3]), indices, constant([10, 20]))), [1, 32, 3]);
 * ```
 */
export function addRows(x: Tensor, indices: Tensor, updates: Tensor): Tensor {
  requireCall("addRows", arguments, 3);
  requireUpdates("add rows to", x, indices, updates);
  return ops.add(x, segmentSum(updates, indices, { count: x.shape[0]! }));
}

/**
 * Replaces rows: `x[indices] = updates`, where the last occurrence of an index wins.
 *
 * @param x Rows `[rows, ...]`.
 * @param indices Which rows (`i32[count]`); indices outside are left out.
 * @param updates What they become, `[count, ...]`.
 * @returns A tensor of the shape of `x`.
 * @throws {TypeError} If the operands do not fit each other.
 *
 * @example
 * ```ts
 * import { constant, setRows, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const indices = constant([1, 1], { dtype: "i32" });
 * assertEquals(valuesOf(setRows(constant([1, 2, 3]), indices, constant([10, 20]))), [1, 20, 3]);
 * ```
 */
export function setRows(x: Tensor, indices: Tensor, updates: Tensor): Tensor {
  requireCall("setRows", arguments, 3);
  requireUpdates("set rows of", x, indices, updates);
  if (indices.size === 0) return x;
  const hit = membersOf(indices, x.shape[0]!);
  // The position of the last update of each row, from 1; 0 where there is none.
  const place = ops.add(ops.iota(hit.shape, [1], "f32"), ops.fill(1, hit.shape));
  const last = ops.reduceMax(ops.select(hit, place, ops.like(place, 0)), [1]);
  const one = ops.like(last, 1);
  const winner = ops.gather(updates, ops.convert(ops.sub(ops.maximum(last, one), one), "i32"));
  return ops.select(alike(ops.lessEqual(one, last), x), winner, x);
}

function requireSegments(attempt: string, x: Tensor, segments: Tensor, count: number): void {
  requireIndices(attempt, segments);
  if (x.rank < 1 || segments.rank !== 1 || segments.shape[0] !== x.shape[0]) {
    throw new TypeError(
      `Cannot ${attempt} of ${formatAval(x)} by ${
        formatAval(segments)
      }: expected one i32 for each row.`,
    );
  }
  if (!Number.isInteger(count) || count < 0) {
    throw new RangeError(
      `Cannot ${attempt}: found the count ${count}, expected a whole number from 0.`,
    );
  }
}

/** Which rows belong to which segment: `bool[count, rows]`. */
function membersOf(segments: Tensor, count: number): Tensor {
  const shape = [count, segments.shape[0]!];
  return ops.equal(ops.broadcast(segments, shape, [1]), ops.iota(shape, [0]));
}

/** A condition on the first axes, for all elements behind them. */
function alike(condition: Tensor, x: Tensor): Tensor {
  return ops.broadcast(condition, x.shape, condition.shape.map((_, k) => k));
}

function requireUpdates(attempt: string, x: Tensor, indices: Tensor, updates: Tensor): void {
  requireIndices(attempt, indices);
  const fits = x.rank > 0 && indices.rank === 1 && x.dtype === updates.dtype &&
    sameShape(updates.shape, [indices.shape[0]!, ...x.shape.slice(1)]);
  if (fits) return;
  throw new TypeError(
    `Cannot ${attempt} ${formatAval(x)} at ${formatAval(indices)} with ${
      formatAval(updates)
    }: expected ` +
      `indices i32[count] and updates of one row for each.`,
  );
}
