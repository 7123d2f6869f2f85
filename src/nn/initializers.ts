import { type Shape, sizeOf } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { uniform } from "../random/mod.ts";

/**
 * Draws weights uniformly within `gain * sqrt(3 / fanIn)`, `gain = sqrt(2 / (1 + slope^2))`.
 *
 * With the slope `sqrt(5)` the bound is `1 / sqrt(fanIn)`, PyTorch's default for linear layers and
 * convolutions; with the slope 0 it is `sqrt(6 / fanIn)`.
 *
 * Source: He et al., arXiv 1502.01852, section 2.2.
 *
 * @param key The key, `u32[2]`.
 * @param shape Shape of the weights.
 * @param options The number of inputs of each output (default: product of all extents but the
 *   last), and the slope of the leaky ReLU that follows (default `sqrt(5)`).
 * @returns Weights, `f32` of the given shape.
 *
 * @example
 * ```ts
 * import { kaimingUniform, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const weights = valuesOf(kaimingUniform(randomKey(0), [4, 8]));
 * assert(weights.every((weight) => Math.abs(weight) <= 0.5));
 * ```
 */
export function kaimingUniform(
  key: Tensor,
  shape: Shape,
  options: { readonly fanIn?: number; readonly slope?: number } = {},
): Tensor {
  requireCall("kaimingUniform", arguments, 2, 3);
  requireOptions("kaimingUniform", options, { fanIn: true, slope: true });
  const { fanIn = sizeOf(shape.slice(0, -1)), slope = Math.sqrt(5) } = options;
  const bound = Math.sqrt(6 / ((1 + slope * slope) * fanIn));
  return uniform(key, shape, { low: -bound, high: bound });
}
