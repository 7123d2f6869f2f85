import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { add, mul } from "./arithmetic.ts";
import { greater, where } from "./compare.ts";

/**
 * Rectified linear unit `max(0, x)`; its derivative at 0 is 0.
 *
 * @param x The tensor (`f32`).
 * @returns `x` where it is positive, NaN where it is NaN, else 0.
 *
 * @example
 * ```ts
 * import { constant, relu, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(relu(constant([-1, 2]))), [0, 2]);
 * ```
 */
export function relu(x: Tensor): Tensor {
  requireCall("relu", arguments, 1);
  // Where operands are equal, the derivative of maximum() goes to the first: here the constant.
  return ops.maximum(ops.like(x, 0), x);
}

/**
 * Leaky rectified linear unit; its derivative at 0 is the slope.
 *
 * @param x The tensor (`f32`).
 * @param options The slope below 0 (default 0.01).
 * @returns `x` where it is positive, else `slope * x`.
 *
 * @example
 * ```ts
 * import { constant, leakyRelu, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(leakyRelu(constant([-1, 2]), { slope: 0.25 })), [-0.25, 2]);
 * ```
 */
export function leakyRelu(x: Tensor, options: { readonly slope?: number } = {}): Tensor {
  requireCall("leakyRelu", arguments, 1, 2);
  requireOptions("leakyRelu", options, { slope: true });
  const { slope = 0.01 } = options;
  return where(greater(x, 0), x, mul(x, slope));
}

/**
 * Gaussian error linear unit `x * P(X <= x)` for a standard normal `X`.
 *
 * Source: Hendrycks and Gimpel, arXiv 1606.08415.
 *
 * @param x The tensor (`f32`).
 * @param options `approximate` uses the paper's tanh formula instead of the error function.
 * @returns `x / 2 * (1 + erf(x / sqrt(2)))`.
 *
 * @example
 * ```ts
 * import { constant, gelu, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(valuesOf(gelu(constant([1])))[0]!, 0.8413447, 1e-6);
 * ```
 */
export function gelu(
  x: Tensor,
  options: { readonly approximate?: boolean } = {},
): Tensor {
  requireCall("gelu", arguments, 1, 2);
  requireOptions("gelu", options, { approximate: true });
  const { approximate = false } = options;
  const curve = approximate
    ? ops.tanh(mul(add(x, mul(mul(x, mul(x, x)), 0.044715)), Math.sqrt(2 / Math.PI)))
    : ops.erf(mul(x, Math.SQRT1_2));
  return mul(mul(x, 0.5), add(curve, 1));
}

/**
 * Exponential linear unit: `x` above 0, `alpha * (e^x - 1)` below; its derivative at 0 is `alpha`.
 *
 * Source: Clevert et al., arXiv 1511.07289.
 *
 * @param x The tensor (`f32`).
 * @param options The negated limit far below 0 (default 1).
 * @returns A tensor of the shape of `x`.
 *
 * @example
 * ```ts
 * import { constant, elu, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(elu(constant([0, 2]))), [0, 2]);
 * ```
 */
export function elu(x: Tensor, options: { readonly alpha?: number } = {}): Tensor {
  requireCall("elu", arguments, 1, 2);
  requireOptions("elu", options, { alpha: true });
  const { alpha = 1 } = options;
  // Both branches are computed, so the exponent is kept from overflowing in the unused one.
  const above = greater(x, 0);
  return where(above, x, mul(ops.expm1(where(above, 0, x)), alpha));
}

/**
 * Sigmoid linear unit `x * sigmoid(x)`, also called swish.
 *
 * @param x The tensor (`f32`).
 * @returns A tensor of the shape of `x`.
 *
 * @example
 * ```ts
 * import { constant, silu, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(silu(constant([0]))), [0]);
 * ```
 */
export function silu(x: Tensor): Tensor {
  requireCall("silu", arguments, 1);
  return ops.mul(x, ops.sigmoid(x));
}

/**
 * Softplus `log(1 + e^x)`, without overflow and with all digits far below 0 too: within 4 units in
 * the last place of `f32` on WebGPU, 12 on tfjs. Its derivative is the sigmoid.
 *
 * @param x The tensor (`f32`).
 * @returns A tensor of the shape of `x`.
 *
 * @example
 * ```ts
 * import { constant, softplus, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(valuesOf(softplus(constant([0])))[0]!, Math.log(2));
 * ```
 */
export function softplus(x: Tensor): Tensor {
  requireCall("softplus", arguments, 1);
  return ops.softplus(x);
}
