import type { Tensor } from "../ir/tensor.ts";
import { add, div, mean, square, sub } from "../tensor/mod.ts";

/**
 * Fraction of the mean square of a target that a prediction explains.
 *
 * @param error Mean squared error, a scalar.
 * @param target The target.
 * @returns `1 - error / mean(target^2)`, a scalar: 1 if perfect, 0 for predicting zeros.
 */
export function explained(error: Tensor, target: Tensor): Tensor {
  return sub(1, div(error, add(mean(square(target)), 1e-8)));
}
