import { requireTensor } from "../ir/require_tensor.ts";
import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { resolveAxis } from "./axes.ts";
import type { AxisOptions } from "./join.ts";

function requireCounts(attempt: string, x: Tensor, counts: readonly number[]): void {
  if (counts.every((count) => Number.isInteger(count) && count >= 0)) return;
  throw new RangeError(
    `Cannot ${attempt} ${
      formatAval(x)
    }: found the counts [${counts}], expected whole numbers from 0.`,
  );
}

/**
 * Puts copies of a tensor beside each other.
 *
 * @param x The tensor.
 * @param counts Copies along each axis; aligned at the last axis, missing ones are 1.
 * @returns A tensor with `counts[k]` times the extent of axis `k`.
 * @throws {RangeError} If a count is not a whole number from 0.
 *
 * @example
 * ```ts
 * import { constant, tile, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(tile(constant([1, 2]), [2])), [1, 2, 1, 2]);
 * assertEquals(tile(constant([1, 2]), [3, 1]).shape, [3, 2]);
 * ```
 */
export function tile(x: Tensor, counts: readonly number[]): Tensor {
  requireCall("tile", arguments, 2);
  requireTensor("tile", x);
  requireCounts("tile", x, counts);
  const rank = Math.max(x.rank, counts.length);
  const shape = [...new Array<number>(rank - x.rank).fill(1), ...x.shape];
  const times = [...new Array<number>(rank - counts.length).fill(1), ...counts];
  // [a, b] becomes [ta, a, tb, b], whose copies are broadcast.
  const wide = shape.flatMap((extent, k) => [times[k]!, extent]);
  const spread = ops.broadcast(ops.reshape(x, shape), wide, shape.map((_, k) => 2 * k + 1));
  return ops.reshape(spread, shape.map((extent, k) => extent * times[k]!));
}

/**
 * Repeats every element along an axis.
 *
 * @param x The tensor.
 * @param count How often.
 * @param options The axis; 0 unless told.
 * @returns A tensor with `count` times the extent of that axis.
 * @throws {RangeError} If the count is not a whole number from 0, or `x` has no such axis.
 *
 * @example
 * ```ts
 * import { constant, repeat, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(repeat(constant([1, 2]), 2)), [1, 1, 2, 2]);
 * ```
 */
export function repeat(x: Tensor, count: number, options: AxisOptions = {}): Tensor {
  requireCall("repeat", arguments, 2, 3);
  requireOptions("repeat", options, { axis: true });
  requireCounts("repeat", x, [count]);
  const axis = resolveAxis("repeat", x, options.axis ?? 0);
  const wide = x.shape.toSpliced(axis + 1, 0, count);
  const spread = ops.broadcast(x, wide, x.shape.map((_, k) => k <= axis ? k : k + 1));
  return ops.reshape(spread, x.shape.map((extent, k) => k === axis ? extent * count : extent));
}

/**
 * Moves elements along an axis; what leaves at one end comes back at the other.
 *
 * @param x The tensor.
 * @param shift Places towards the end; negative towards the beginning.
 * @param options The axis; 0 unless told.
 * @returns A tensor of the shape of `x`.
 * @throws {RangeError} If the shift is not a whole number, or `x` has no such axis.
 *
 * @example
 * ```ts
 * import { constant, roll, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(roll(constant([1, 2, 3]), 1)), [3, 1, 2]);
 * ```
 */
export function roll(x: Tensor, shift: number, options: AxisOptions = {}): Tensor {
  requireCall("roll", arguments, 2, 3);
  requireOptions("roll", options, { axis: true });
  const axis = resolveAxis("roll", x, options.axis ?? 0);
  const extent = x.shape[axis]!;
  if (!Number.isInteger(shift)) {
    throw new RangeError(
      `Cannot roll ${formatAval(x)} by ${shift}: expected a whole number of places.`,
    );
  }
  if (extent === 0) return x;
  const places = ((shift % extent) + extent) % extent;
  if (places === 0) return x;
  const part = (from: number, count: number): Tensor =>
    ops.slice(x, {
      start: x.shape.map((_, k) => k === axis ? from : 0),
      shape: x.shape.map((size, k) => k === axis ? count : size),
    });
  return ops.concat([part(extent - places, places), part(0, extent - places)], axis);
}
