import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { resolveAxis } from "./axes.ts";
import { takeAlong } from "./take.ts";

/** Options of {@linkcode sort} and {@linkcode argSort}. */
export interface SortOptions {
  /** The axis; the last unless told. */
  readonly axis?: number;
  /** Whether the greatest comes first; false unless told. */
  readonly descending?: boolean;
}

/** Options of {@linkcode topK}. */
export interface TopKOptions {
  /** How many. */
  readonly count: number;
  /** The axis; the last unless told. */
  readonly axis?: number;
}

/** Ranks are counted in `f32`, which holds whole numbers up to here. */
const MOST = 2 ** 24;

/**
 * Sorts along an axis. Equal elements keep their order, and NaN counts as greater than everything.
 *
 * Each element's rank is counted: `n * n` comparisons for an axis of `n` elements, all at once, without an order
 * in which they arrive. That is quick up to some thousands, and slow for millions.
 *
 * @param x The tensor (`f32` or integers).
 * @param options The axis, and whether the greatest comes first.
 * @returns A tensor of the shape of `x`; derivatives go to where elements came from.
 * @throws {TypeError} If `x` is `bool`.
 * @throws {RangeError} If `x` has no such axis, or it is longer than 2 ** 24.
 *
 * @example
 * ```ts
 * import { constant, sort, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(sort(constant([3, 1, 2]))), [1, 2, 3]);
 * assertEquals(valuesOf(sort(constant([3, 1, 2]), { descending: true })), [3, 2, 1]);
 * ```
 */
export function sort(x: Tensor, options: SortOptions = {}): Tensor {
  requireCall("sort", arguments, 1, 2);
  requireOptions("sort", options, { axis: true, descending: true });
  const axis = resolveAxis("sort", x, options.axis ?? -1);
  return x.shape[axis] === 0 ? x : takeAlong(x, argSort(x, options), { axis });
}

/**
 * Finds the order in which {@linkcode sort} puts the elements of an axis.
 *
 * @param x The tensor (`f32` or integers).
 * @param options The axis, and whether the greatest comes first.
 * @returns For each place the position of the element that belongs there, `i32` of the shape of `x`.
 * @throws {TypeError} If `x` is `bool`.
 * @throws {RangeError} If `x` has no such axis, or it is longer than 2 ** 24.
 *
 * @example
 * ```ts
 * import { argSort, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(argSort(constant([3, 1, 2]))), [1, 2, 0]);
 * ```
 */
export function argSort(x: Tensor, options: SortOptions = {}): Tensor {
  requireCall("argSort", arguments, 1, 2);
  requireOptions("argSort", options, { axis: true, descending: true });
  const { axis = -1, descending = false } = options;
  const at = resolveAxis("sort", x, axis);
  return firstPlaces(x, { axis: at, descending, count: x.shape[at]! });
}

/**
 * Finds the greatest elements along an axis, the greatest first. Of equal elements the first comes first, and NaN
 * counts as greater than everything.
 *
 * @param x The tensor (`f32` or integers).
 * @param options How many, and the axis.
 * @returns `values` and their positions `indices` (`i32`), with extent `count` along the axis.
 * @throws {TypeError} If `x` is `bool`.
 * @throws {RangeError} If `x` has no such axis or fewer elements along it.
 *
 * @example
 * ```ts
 * import { constant, topK, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { values, indices } = topK(constant([3, 1, 2]), { count: 2 });
 * assertEquals([values, indices].map(valuesOf), [[3, 2], [0, 2]]);
 * ```
 */
export function topK(
  x: Tensor,
  options: TopKOptions,
): { values: Tensor; indices: Tensor } {
  requireCall("topK", arguments, 2);
  requireOptions("topK", options, { count: true, axis: true });
  const { count, axis = -1 } = options;
  const at = resolveAxis("find the greatest elements", x, axis);
  if (!Number.isInteger(count) || count < 0 || count > x.shape[at]!) {
    throw new RangeError(
      `Cannot find the ${count} greatest elements of ${
        formatAval(x)
      } along axis ${at}: expected a whole ` +
        `number from 0 to ${x.shape[at]}.`,
    );
  }
  const indices = firstPlaces(x, { axis: at, descending: true, count });
  const none = ops.fill(0, indices.shape, x.dtype);
  return { values: count === 0 ? none : takeAlong(x, indices, { axis: at }), indices };
}

/** Positions of the elements of the first `count` ranks along an axis. */
function firstPlaces(
  x: Tensor,
  { axis, descending, count }: {
    readonly axis: number;
    readonly descending: boolean;
    readonly count: number;
  },
): Tensor {
  if (x.dtype === "bool") {
    throw new TypeError(`Cannot sort ${formatAval(x)}: expected numbers. Use convert().`);
  }
  const extent = x.shape[axis]!;
  if (extent > MOST) {
    throw new RangeError(
      `Cannot sort axis ${axis} of ${
        formatAval(x)
      }: found ${extent} elements, expected at most ${MOST}.`,
    );
  }
  const others = x.shape.map((_, k) => k).filter((k) => k !== axis);
  const rows = ops.permute(x, [...others, axis]);
  const rank = rankOf(rows, descending);
  // For each place the position of the one element of that rank.
  const leading = rows.shape.slice(0, -1);
  const last = leading.length;
  const wide = [...leading, count, extent];
  const spread = ops.broadcast(rank, wide, [...leading.map((_, k) => k), last + 1]);
  const hit = ops.equal(spread, ops.iota(wide, [last], "f32"));
  const position = ops.iota(wide, [last + 1], "f32");
  const found = ops.sum(ops.select(hit, position, ops.like(position, 0)), [last + 1]);
  const order = [...others, axis];
  return ops.permute(ops.convert(found, "i32"), x.shape.map((_, k) => order.indexOf(k)));
}

/** How many elements of its row come before each element, as `f32`. */
function rankOf(rows: Tensor, descending: boolean): Tensor {
  const leading = rows.shape.slice(0, -1).map((_, k) => k);
  const own = leading.length;
  const other = own + 1;
  const wide = [...rows.shape, rows.shape.at(-1)!];
  const mine = ops.broadcast(rows, wide, [...leading, own]);
  const theirs = ops.broadcast(rows, wide, [...leading, other]);
  const [low, high] = descending ? [mine, theirs] : [theirs, mine];
  const earlier = ops.less(ops.iota(wide, [other]), ops.iota(wide, [own]));
  let first = ops.less(low, high);
  let alike = ops.equal(low, high);
  if (rows.dtype === "f32") {
    const [noLow, noHigh] = [ops.isNan(low), ops.isNan(high)];
    first = ops.or(first, ops.and(ops.not(noLow), noHigh));
    alike = ops.or(alike, ops.and(noLow, noHigh));
  }
  const before = ops.or(first, ops.and(alike, earlier));
  return ops.sum(ops.convert(before, "f32"), [other]);
}
