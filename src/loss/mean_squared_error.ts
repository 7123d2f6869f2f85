import type { Tensor } from "../ir/tensor.ts";
import { mean, mul, sub } from "../tensor/mod.ts";

/**
 * Mean squared error.
 *
 * @param predictions Numbers (`f32`) of any shape.
 * @param targets Numbers of the same shape.
 * @returns The mean over all elements, a scalar.
 *
 * @example
 * ```ts
 * import { constant, meanSquaredError, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(meanSquaredError(constant([1, 2]), constant([1, 4]))), [2]);
 * ```
 */
export function meanSquaredError(predictions: Tensor, targets: Tensor): Tensor {
  const distance = sub(predictions, targets);
  return mean(mul(distance, distance));
}
