/**
 * Kernel calls of a matrix product.
 *
 * @module
 */

import type { CodedKernelCall, DeviceTraits, KernelLowering } from "../ir/lowering.ts";
import { chooseVariant, variantCalls } from "./variants/kernel_variant.ts";
import { product } from "./variants/product.ts";
import type { ProductShape } from "./variants/product_shape.ts";

/** Shapes of a batched matrix product `[batch, rows, inner] x [batch, inner, columns]`. */
export interface MatmulGeometry {
  /** Number of products. */
  readonly batch: number;
  /** Rows of the result. */
  readonly rows: number;
  /** Length of the sums. */
  readonly inner: number;
  /** Columns of the result. */
  readonly columns: number;
  /** `true` when the first operand is stored as `[batch, inner, rows]`. */
  readonly transposeA: boolean;
  /** `true` when the second operand is stored as `[batch, columns, inner]`. */
  readonly transposeB: boolean;
}

/**
 * Plans a batched matrix product.
 *
 * @param geometry The shapes
 * @param traits What is known of the adapter
 * @returns Kernels with the inputs (a, b) and the output `[batch, rows, columns]`
 */
export function lowerMatmul(
  { batch, rows, inner, columns, transposeA, transposeB }: MatmulGeometry,
  traits: DeviceTraits,
): KernelLowering<CodedKernelCall> {
  const shape: ProductShape = {
    batch,
    rows,
    inner,
    columns,
    transposeA: transposeA ? 1 : 0,
    transposeB: transposeB ? 1 : 0,
  };
  const scratch: number[] = [];
  const calls = variantCalls(chooseVariant(product, shape, traits).plan(shape, traits), {
    operands: [{ kind: "input", index: 0 }, { kind: "input", index: 1 }],
    result: { kind: "output", index: 0 },
    size: product.size(shape),
    flops: 2 * batch * rows * inner * columns,
    allocate: (elements) => ({ kind: "scratch", index: scratch.push(elements) - 1 }),
  }, traits);
  return { calls, scratch };
}
