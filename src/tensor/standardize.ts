/**
 * Standardization by a tensor's own statistics.
 *
 * @module
 */
import { requireCall } from "../ir/options.ts";
import * as ops from "../ops/mod.ts";
import type { Standardized } from "../ops/standardize.ts";
import type { Tensor } from "../ir/tensor.ts";

export type { Standardized } from "../ops/standardize.ts";

/**
 * Standardizes `x` over axes by its own mean and biased variance: the core of batch and layer
 * normalization, with a closed-form derivative (Ioffe and Szegedy, arXiv 1502.03167, section 3).
 *
 * @param x The tensor, `f32`.
 * @param axes Increasing axes over which the statistics are taken.
 * @param epsilon Added to the variance; 1e-5 unless told.
 * @returns `normal` of the shape of `x`; `mean` and `scale = 1 / sqrt(variance + epsilon)`, in
 *   which the axes have disappeared. Where an element is not finite, `normal` and `scale` are NaN, and `mean` is
 *   NaN or, of infinities of one sign, may be infinite.
 * @throws {TypeError} If the axes are not increasing axes of `x`.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { constant, standardize, valuesOf } from "@mutasesumele/toolkit";
 *
 * const { normal, mean } = standardize(constant([1, 3]), [0]);
 * assertAlmostEquals(valuesOf(normal)[0]!, -1, 1e-4);
 * assertAlmostEquals(valuesOf(mean)[0]!, 2, 1e-12);
 * ```
 */
export function standardize(
  x: Tensor,
  axes: readonly number[],
  epsilon: number = 1e-5,
): Standardized {
  requireCall("standardize", arguments, 2, 3);
  return ops.standardize(x, axes, epsilon);
}
