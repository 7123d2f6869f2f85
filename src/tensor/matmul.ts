import { formatAval, sizeOf } from "../ir/aval.ts";
import { requireCall } from "../ir/options.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { broadcastShapes, broadcastTo } from "./operand.ts";

/**
 * Matrix product of the last two axes, with broadcast batch axes; vectors are rows on the left and
 * columns on the right, as in numpy.
 *
 * @param a `[..., rows, inner]`, or a vector `[inner]`.
 * @param b `[..., inner, columns]`, or a vector `[inner]`.
 * @returns `[..., rows, columns]`, without the axis of a vector.
 * @throws {TypeError} If the inner extents differ or the batch axes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, matmul, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const a = constant([[1, 2], [3, 4]]);
 * assertEquals(valuesOf(matmul(a, a)), [7, 10, 15, 22]);
 * assertEquals(valuesOf(matmul(a, constant([1, 1]))), [3, 7]);
 * ```
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  requireCall("matmul", arguments, 2);
  requireTensor("multiply matrices", a);
  requireTensor("multiply matrices", b);
  const [left, right] = [
    a.rank === 1 ? [1, ...a.shape] : a.shape,
    b.rank === 1 ? [...b.shape, 1] : b.shape,
  ];
  const batch = broadcastShapes([left.slice(0, -2), right.slice(0, -2)]);
  const inner = left.at(-1);
  if (a.rank === 0 || b.rank === 0 || batch === null || inner !== right.at(-2)) {
    throw new TypeError(
      `Cannot multiply the matrices ${formatAval(a)} and ${formatAval(b)}: expected ` +
        `[..., rows, inner] and [..., inner, columns] with equal inner extents and batch axes ` +
        `that broadcast.`,
    );
  }
  const [rows, columns] = [left.at(-2)!, right.at(-1)!];
  const shape = [
    ...batch,
    ...(a.rank === 1 ? [] : [rows]),
    ...(b.rank === 1 ? [] : [columns]),
  ];
  if (right.length === 2) {
    // A shared right operand takes all rows at once.
    const count = sizeOf(left.slice(0, -1));
    const flat = ops.matmul(ops.reshape(a, [count, inner!]), ops.reshape(b, right));
    return ops.reshape(flat, shape);
  }
  const product = ops.matmul(
    broadcastTo(ops.reshape(a, left), [...batch, rows, inner!]),
    broadcastTo(b, [...batch, inner!, columns]),
  );
  return ops.reshape(product, shape);
}

/**
 * Inner product of two tensors of one shape: the sum of the products of their elements.
 *
 * @param a The first tensor (`f32`).
 * @param b The second, of the same shape.
 * @returns A scalar.
 * @throws {TypeError} If the shapes differ.
 *
 * @example
 * ```ts
 * import { constant, dot, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(dot(constant([1, 2]), constant([3, 4]))), [11]);
 * ```
 */
export function dot(a: Tensor, b: Tensor): Tensor {
  requireCall("dot", arguments, 2);
  return ops.sum(ops.mul(a, b), a.shape.map((_, axis) => axis));
}
