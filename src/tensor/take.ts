import { requireTensor } from "../ir/require_tensor.ts";
import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { resolveAxis } from "./axes.ts";
import type { AxisOptions } from "./join.ts";
import { broadcastShapes, broadcastTo } from "./operand.ts";

/** Throws unless indices are `i32`. */
export function requireIndices(attempt: string, indices: Tensor): void {
  if (indices.dtype !== "i32") {
    throw new TypeError(
      `Cannot ${attempt} by ${formatAval(indices)}: expected i32 indices. Use convert().`,
    );
  }
}

/**
 * Takes rows by index.
 *
 * @param x Rows `[rows, ...]`.
 * @param indices Indices (`i32`) of any shape; those outside of `[0, rows)` are clamped.
 * @returns `[...indices.shape, ...x.shape without its first axis]`.
 * @throws {TypeError} If the indices are not `i32` or `x` has no rows.
 *
 * @example
 * ```ts
 * import { constant, takeRows, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const rows = constant([[1, 2], [3, 4]]);
 * assertEquals(valuesOf(takeRows(rows, constant([1, 1], { dtype: "i32" }))), [3, 4, 3, 4]);
 * ```
 */
export function takeRows(x: Tensor, indices: Tensor): Tensor {
  requireCall("takeRows", arguments, 2);
  requireIndices("take rows", indices);
  const taken = ops.gather(x, ops.reshape(indices, [indices.size]));
  return ops.reshape(taken, [...indices.shape, ...x.shape.slice(1)]);
}

/**
 * Takes slices by index along an axis.
 *
 * @param x The tensor.
 * @param indices Indices (`i32`) of any shape; those outside of the axis are clamped.
 * @param options The axis; 0 unless told.
 * @returns A tensor with the axes of `indices` in place of that axis.
 * @throws {TypeError} If the indices are not `i32` or the axis has no elements.
 * @throws {RangeError} If `x` has no such axis.
 *
 * @example
 * ```ts
 * import { constant, take, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const x = constant([[1, 2, 3], [4, 5, 6]]);
 * const indices = constant([2, 0], { dtype: "i32" });
 * assertEquals(valuesOf(take(x, indices, { axis: 1 })), [3, 1, 6, 4]);
 * ```
 */
export function take(x: Tensor, indices: Tensor, options: AxisOptions = {}): Tensor {
  requireCall("take", arguments, 2, 3);
  requireOptions("take", options, { axis: true });
  const axis = resolveAxis("take slices", x, options.axis ?? 0);
  const before = x.shape.slice(0, axis).map((_, k) => k);
  const after = x.shape.slice(axis + 1).map((_, k) => axis + 1 + k);
  const taken = takeRows(ops.permute(x, [axis, ...before, ...after]), indices);
  const [count, first] = [indices.rank, indices.rank + axis];
  return ops.permute(taken, [
    ...before.map((k) => count + k),
    ...indices.shape.map((_, k) => k),
    ...after.map((_, k) => first + k),
  ]);
}

/**
 * Takes elements by several indices at once, one for each of the first axes: `x[i, j]` with arrays
 * `i` and `j`, as in NumPy.
 *
 * @param x The tensor.
 * @param indices One tensor (`i32`) for each of the first axes; they broadcast, and indices outside of
 *   their axis are clamped.
 * @returns `[...common shape of the indices, ...the axes of x without an index]`.
 * @throws {TypeError} If there is no index or are more than axes, they are not `i32`, or do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, takeAt, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const x = constant([[1, 2], [3, 4]]);
 * const [rows, columns] = [[0, 1], [1, 0]].map((list) => constant(list, { dtype: "i32" }));
 * assertEquals(valuesOf(takeAt(x, [rows!, columns!])), [2, 3]);
 * ```
 */
export function takeAt(x: Tensor, indices: readonly Tensor[]): Tensor {
  requireCall("takeAt", arguments, 2);
  requireTensor("take elements", x);
  indices.forEach((index) => requireIndices("take elements", index));
  const shape = broadcastShapes(indices.map((index) => index.shape));
  if (indices.length === 0 || indices.length > x.rank || shape === null) {
    throw new TypeError(
      `Cannot take elements of ${formatAval(x)} by (${
        indices.map(formatAval).join(", ")
      }): expected 1 to ${x.rank} indices whose shapes broadcast.`,
    );
  }
  const position = indices.reduce<Tensor | undefined>((sofar, index, axis) => {
    const extent = x.shape[axis]!;
    const wide = broadcastTo(index, shape);
    const inside = ops.maximum(ops.minimum(wide, ops.like(wide, extent - 1)), ops.like(wide, 0));
    return sofar ? ops.add(ops.mul(sofar, ops.like(wide, extent)), inside) : inside;
  }, undefined);
  const rest = x.shape.slice(indices.length);
  const rows = x.shape.slice(0, indices.length).reduce((product, extent) => product * extent, 1);
  return takeRows(ops.reshape(x, [rows, ...rest]), position!);
}

/**
 * Takes one element along an axis for every index, the other axes going in step.
 *
 * @param x The tensor.
 * @param indices Indices (`i32`); all extents but that of the axis equal those of `x`.
 * @param options The axis; 0 unless told.
 * @returns A tensor of the shape of `indices`: `result[i, j] = x[indices[i, j], j]` for axis 0.
 * @throws {TypeError} If the indices do not fit.
 *
 * @example
 * ```ts
 * import { constant, takeAlong, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const x = constant([[1, 2], [3, 4]]);
 * const indices = constant([[1], [0]], { dtype: "i32" });
 * assertEquals(valuesOf(takeAlong(x, indices, { axis: 1 })), [2, 3]);
 * ```
 */
export function takeAlong(x: Tensor, indices: Tensor, options: AxisOptions = {}): Tensor {
  requireCall("takeAlong", arguments, 2, 3);
  requireOptions("takeAlong", options, { axis: true });
  requireIndices("take elements", indices);
  const axis = resolveAxis("take elements", x, options.axis ?? 0);
  const fits = indices.rank === x.rank &&
    x.shape.every((extent, k) => k === axis || extent === indices.shape[k]);
  if (!fits) {
    throw new TypeError(
      `Cannot take elements of ${formatAval(x)} along axis ${axis} by ${formatAval(indices)}: ` +
        `expected indices that differ in the extent of that axis only.`,
    );
  }
  const others = x.shape.map((_, k) => k).filter((k) => k !== axis);
  const last = [...others, axis];
  const taken = ops.gather(ops.permute(x, last), ops.permute(indices, last), x.rank - 1);
  return ops.permute(taken, x.shape.map((_, k) => last.indexOf(k)));
}
