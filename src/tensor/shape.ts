import { formatAval, type Shape, sizeOf } from "../ir/aval.ts";
import { requireCall } from "../ir/options.ts";
import { requireList, requireTensor } from "../ir/require_tensor.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { type Axes, resolveAxes, resolveAxis } from "./axes.ts";

/**
 * Gives the elements another shape, in row-major order.
 *
 * @param x The tensor.
 * @param shape The wanted shape; one extent may be -1 and is then computed.
 * @returns A tensor of that shape.
 * @throws {TypeError} If the number of elements does not fit.
 *
 * @example
 * ```ts
 * import { range, reshape } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(reshape(range(6), [2, -1]).shape, [2, 3]);
 * ```
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  requireCall("reshape", arguments, 2);
  requireTensor("reshape", x);
  requireList("reshape", x, ["shape", shape]);
  const open = shape.filter((extent) => extent === -1).length;
  const known = sizeOf(shape.filter((extent) => extent !== -1));
  const missing = known === 0 ? 0 : x.size / known;
  const resolved = shape.map((extent) => extent === -1 ? missing : extent);
  if (open > 1 || !Number.isInteger(missing) || sizeOf(resolved) !== x.size) {
    throw new TypeError(
      `Cannot reshape ${formatAval(x)} to [${shape.join(", ")}]: found ${x.size} elements, ` +
        `expected ${open === 0 ? known : `a multiple of ${known}, and at most one -1`}.`,
    );
  }
  return ops.reshape(x, resolved);
}

/**
 * Reorders axes.
 *
 * @param x The tensor.
 * @param order For each axis of the result, the axis of `x`; reversed unless told.
 * @returns A tensor whose axis `k` is axis `order[k]` of `x`.
 * @throws {RangeError} If `order` does not name every axis once.
 * @throws {TypeError} If it is no array.
 *
 * @example
 * ```ts
 * import { constant, transpose, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(transpose(constant([[1, 2], [3, 4]]))), [1, 3, 2, 4]);
 * ```
 */
export function transpose(x: Tensor, order?: readonly number[]): Tensor {
  requireTensor("transpose", x);
  if (order !== undefined) requireList("transpose", x, ["order", order]);
  // After that: axes that are not in an array would be told as too many.
  requireCall("transpose", arguments, 1, 2);
  const wanted = order ?? x.shape.map((_, k) => x.rank - 1 - k);
  const resolved = wanted.map((axis) => resolveAxis("transpose", x, axis));
  if (resolved.length !== x.rank || new Set(resolved).size !== x.rank) {
    throw new RangeError(
      `Cannot transpose ${formatAval(x)}: found the order [${wanted}], expected every axis once.`,
    );
  }
  return ops.permute(x, resolved);
}

/**
 * Inserts an axis of extent 1.
 *
 * @param x The tensor.
 * @param axis Its place in the result; negative counts from the end of the result.
 * @returns A tensor with one axis more.
 * @throws {RangeError} If the result has no such axis.
 *
 * @example
 * ```ts
 * import { expandDims, range } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(expandDims(range(3), -1).shape, [3, 1]);
 * ```
 */
export function expandDims(x: Tensor, axis: number): Tensor {
  requireCall("expandDims", arguments, 2);
  requireTensor("add an axis", x);
  const wide = { shape: [...x.shape, 1], dtype: x.dtype };
  const at = resolveAxis("insert an axis", wide, axis);
  return ops.reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/**
 * Removes axes of extent 1.
 *
 * @param x The tensor.
 * @param axes The axes; all of extent 1 unless told.
 * @returns A tensor without them.
 * @throws {RangeError} If a named axis has another extent.
 *
 * @example
 * ```ts
 * import { squeeze, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(squeeze(zeros([1, 3, 1]), 0).shape, [3, 1]);
 * ```
 */
export function squeeze(x: Tensor, axes?: Axes): Tensor {
  requireCall("squeeze", arguments, 1, 2);
  requireTensor("leave out axes", x);
  const resolved = axes === undefined
    ? x.shape.map((_, k) => k).filter((k) => x.shape[k] === 1)
    : resolveAxes("remove axes", x, axes);
  const wrong = resolved.find((axis) => x.shape[axis] !== 1);
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot remove axis ${wrong} of ${formatAval(x)}: found extent ${x.shape[wrong]}, ` +
        `expected 1. Reduce or slice it instead.`,
    );
  }
  return ops.reshape(x, x.shape.filter((_, k) => !resolved.includes(k)));
}
