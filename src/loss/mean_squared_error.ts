import { requireCall } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { mean, mul, sub } from "../tensor/mod.ts";
import { requireTargets } from "./require_targets.ts";

/**
 * Mean squared error.
 *
 * @param predictions Numbers (`f32`) of any shape.
 * @param targets Numbers of the same shape.
 * @returns The mean over all elements, a scalar.
 * @throws {TypeError} If the shapes differ: broadcast, `[n, 1]` and `[n]` would make n * n errors of n.
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
  requireCall("meanSquaredError", arguments, 2);
  requireTargets("take the squared error", predictions, targets);
  const distance = sub(predictions, targets);
  return mean(mul(distance, distance));
}
