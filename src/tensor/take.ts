import { formatAval } from "../ir/aval.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { resolveAxis } from "./axes.ts";
import type { AxisOptions } from "./join.ts";

function requireIndices(attempt: string, indices: Tensor): void {
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
  requireIndices("take rows", indices);
  const taken = ops.gather(x, ops.reshape(indices, [indices.size]));
  return ops.reshape(taken, [...indices.shape, ...x.shape.slice(1)]);
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
