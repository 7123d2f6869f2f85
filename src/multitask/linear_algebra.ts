import type { Tensor } from "../ir/tensor.ts";
import { eye, mul, sum } from "../tensor/mod.ts";

/**
 * Diagonal of a square matrix.
 *
 * @param matrix The matrix `[n, n]`.
 * @returns Its diagonal `[n]`.
 */
export function diagonal(matrix: Tensor): Tensor {
  return sum(mul(matrix, eye(matrix.shape[0]!)), { axes: 1 });
}
