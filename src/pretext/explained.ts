import type { Tensor } from "../ir/tensor.ts";
import { add, div, sub } from "../tensor/mod.ts";

/**
 * Fraction of the error of a trivial solver that a prediction takes away.
 *
 * @param error Mean squared error of the prediction, a scalar.
 * @param trivial Mean squared error of the trivial solver, a scalar.
 * @returns `1 - error / trivial`, a scalar: 1 if perfect, 0 if no better than the trivial solver.
 */
export function explained(error: Tensor, trivial: Tensor): Tensor {
  return sub(1, div(error, add(trivial, 1e-8)));
}
