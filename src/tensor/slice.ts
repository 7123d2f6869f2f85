import { formatAval } from "../ir/aval.ts";
import { requireCall } from "../ir/options.ts";
import { requireList, requireTensor } from "../ir/require_tensor.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { type Axes, resolveAxes } from "./axes.ts";

/**
 * What is taken of one axis: a position (the axis disappears), `[start, end]` or
 * `[start, end, step]` with `null` for "as far as possible", or `null` for all of it.
 */
export type SliceRange =
  | number
  | null
  | readonly [start: number | null, end: number | null]
  | readonly [start: number | null, end: number | null, step: number];

interface Resolved {
  readonly start: number;
  readonly count: number;
  readonly step: number;
  readonly drop: boolean;
}

function resolveRange(x: Tensor, axis: number, range: SliceRange): Resolved {
  const extent = x.shape[axis]!;
  if (range === null) return { start: 0, count: extent, step: 1, drop: false };
  if (typeof range === "number") {
    const start = range < 0 ? range + extent : range;
    if (!Number.isInteger(range) || start < 0 || start >= extent) {
      throw new RangeError(
        `Cannot slice ${
          formatAval(x)
        }: found position ${range} along axis ${axis}, expected ${-extent} ` +
          `to ${extent - 1}.`,
      );
    }
    return { start, count: 1, step: 1, drop: true };
  }
  const [from, to, step = 1] = range;
  if (![from ?? 0, to ?? 0, step].every(Number.isInteger) || step === 0) {
    throw new RangeError(
      `Cannot slice ${formatAval(x)}: found the range [${range}] along axis ${axis}, expected ` +
        `whole numbers and a step that is not 0.`,
    );
  }
  const [low, high] = step > 0 ? [0, extent] : [-1, extent - 1];
  const place = (position: number | null, open: number): number =>
    position === null
      ? open
      : Math.min(Math.max(position < 0 ? position + extent : position, low), high);
  const start = place(from, step > 0 ? low : high);
  const end = place(to, step > 0 ? high : low);
  return { start, count: Math.max(0, Math.ceil((end - start) / step)), step, drop: false };
}

/**
 * Takes a part of a tensor, with the rules of Python.
 *
 * @param x The tensor.
 * @param ranges What is taken of each axis, from the first; axes without a range are kept whole.
 *   Negative positions count from the end; ends beyond the axis are cut; steps may be negative.
 * @returns The part; axes of which a single position was taken have disappeared.
 * @throws {TypeError} If there is no array of ranges, or more than that: a start and a size are [[start, start + size]].
 * @throws {RangeError} If there are more ranges than axes, or a position does not exist.
 *
 * @example
 * ```ts
 * import { constant, slice, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const x = constant([[1, 2, 3], [4, 5, 6]]);
 * assertEquals(valuesOf(slice(x, [-1])), [4, 5, 6]);
 * assertEquals(valuesOf(slice(x, [null, [0, -1]])), [1, 2, 4, 5]);
 * assertEquals(valuesOf(slice(x, [0, [null, null, -1]])), [3, 2, 1]);
 * ```
 */
export function slice(x: Tensor, ranges: readonly SliceRange[]): Tensor {
  requireCall("slice", arguments, 2);
  requireTensor("slice", x);
  requireList("slice", x, ["ranges", ranges]);
  if (ranges.length > x.rank) {
    throw new RangeError(
      `Cannot slice ${formatAval(x)}: found ${ranges.length} ranges, expected at most ${x.rank}.`,
    );
  }
  const resolved = x.shape.map((_, axis) => resolveRange(x, axis, ranges[axis] ?? null));
  // A negative step takes the same elements forwards and reverses them.
  const backwards = resolved.map((_, axis) => axis).filter((axis) => resolved[axis]!.step < 0);
  const part = ops.slice(x, {
    start: resolved.map(({ start, count, step }) =>
      count === 0 ? 0 : step < 0 ? start + (count - 1) * step : start
    ),
    shape: resolved.map(({ count }) => count),
    stride: resolved.map(({ step }) => Math.abs(step)),
  });
  return ops.reshape(
    ops.reverse(part, backwards),
    part.shape.filter((_, axis) => !resolved[axis]!.drop),
  );
}

/**
 * Reverses the order along axes.
 *
 * @param x The tensor.
 * @param axes The axes that run backwards.
 * @returns A tensor of the shape of `x`.
 * @throws {RangeError} If `x` has no such axis.
 *
 * @example
 * ```ts
 * import { constant, flip, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(flip(constant([1, 2, 3]), 0)), [3, 2, 1]);
 * ```
 */
export function flip(x: Tensor, axes: Axes): Tensor {
  requireCall("flip", arguments, 2);
  return ops.reverse(x, resolveAxes("flip", x, axes));
}
