import type { DType } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";

/**
 * Negates elementwise.
 *
 * @param x The tensor.
 * @returns `-x`.
 *
 * @example
 * ```ts
 * import { constant, neg, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(neg(constant([1, -2]))), [-1, 2]);
 * ```
 */
export function neg(x: Tensor): Tensor {
  requireCall("neg", arguments, 1);
  return ops.neg(x);
}

/**
 * Exponential function, elementwise; within 2 units in the last place of `f32` on every engine.
 *
 * @param x The tensor.
 * @returns `e ** x`.
 *
 * @example
 * ```ts
 * import { constant, exp, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(exp(constant([0]))), [1]);
 * ```
 */
export function exp(x: Tensor): Tensor {
  requireCall("exp", arguments, 1);
  return ops.exp(x);
}

/**
 * Natural logarithm, elementwise; within 3 units in the last place of `f32` on every engine. Its
 * derivative at 0 is infinite.
 *
 * @param x The tensor.
 * @returns `ln x`: -Infinity at 0, NaN below.
 *
 * @example
 * ```ts
 * import { constant, log, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(log(constant([1]))), [0]);
 * ```
 */
export function log(x: Tensor): Tensor {
  requireCall("log", arguments, 1);
  return ops.log(x);
}

/**
 * `e ** x - 1`, elementwise, with all digits near 0 too: within 3 units in the last place of `f32`
 * on every engine.
 *
 * @param x The tensor.
 * @returns `e ** x - 1`.
 *
 * @example
 * ```ts
 * import { constant, expm1, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(expm1(constant([0, 1e-20]))), [0, 1e-20]);
 * ```
 */
export function expm1(x: Tensor): Tensor {
  requireCall("expm1", arguments, 1);
  return ops.expm1(x);
}

/**
 * Natural logarithm of `1 + x`, elementwise, with all digits near 0 too: within 3 units in the last
 * place of `f32` on every engine.
 *
 * @param x The tensor.
 * @returns `ln(1 + x)`: -Infinity at -1, NaN below.
 *
 * @example
 * ```ts
 * import { constant, log1p, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(log1p(constant([0, 1e-20]))), [0, 1e-20]);
 * ```
 */
export function log1p(x: Tensor): Tensor {
  requireCall("log1p", arguments, 1);
  return ops.log1p(x);
}

/**
 * Square root, elementwise; NaN below 0. Its derivative at 0 is infinite.
 *
 * @param x The tensor.
 * @returns `sqrt(x)`.
 *
 * @example
 * ```ts
 * import { constant, sqrt, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(sqrt(constant([4, 9]))), [2, 3]);
 * ```
 */
export function sqrt(x: Tensor): Tensor {
  requireCall("sqrt", arguments, 1);
  return ops.sqrt(x);
}

/**
 * Reciprocal square root, elementwise: Infinity at 0, NaN below.
 *
 * @param x The tensor.
 * @returns `1 / sqrt(x)`.
 *
 * @example
 * ```ts
 * import { constant, rsqrt, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(rsqrt(constant([4]))), [0.5]);
 * ```
 */
export function rsqrt(x: Tensor): Tensor {
  requireCall("rsqrt", arguments, 1);
  return ops.rsqrt(x);
}

/**
 * Hyperbolic tangent, elementwise; within 4 units in the last place of `f32` on every engine.
 *
 * @param x The tensor.
 * @returns `tanh(x)`.
 *
 * @example
 * ```ts
 * import { constant, tanh, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(tanh(constant([0]))), [0]);
 * ```
 */
export function tanh(x: Tensor): Tensor {
  requireCall("tanh", arguments, 1);
  return ops.tanh(x);
}

/**
 * Logistic function, elementwise; within 3 units in the last place of `f32` on WebGPU.
 *
 * @param x The tensor.
 * @returns `1 / (1 + e ** -x)`.
 *
 * @example
 * ```ts
 * import { constant, sigmoid, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(sigmoid(constant([0]))), [0.5]);
 * ```
 */
export function sigmoid(x: Tensor): Tensor {
  requireCall("sigmoid", arguments, 1);
  return ops.sigmoid(x);
}

/**
 * Error function, elementwise; within 5 units in the last place of `f32` on every engine.
 *
 * @param x The tensor.
 * @returns `erf(x)`.
 *
 * @example
 * ```ts
 * import { constant, erf, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(erf(constant([0]))), [0]);
 * ```
 */
export function erf(x: Tensor): Tensor {
  requireCall("erf", arguments, 1);
  return ops.erf(x);
}

/**
 * Sine of angles in radians, elementwise; accurate up to an angle of 12,000 on every engine.
 *
 * @param x The tensor.
 * @returns `sin(x)`, NaN of infinities.
 *
 * @example
 * ```ts
 * import { constant, sin, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(sin(constant([0]))), [0]);
 * ```
 */
export function sin(x: Tensor): Tensor {
  requireCall("sin", arguments, 1);
  return ops.sin(x);
}

/**
 * Cosine of angles in radians, elementwise; accurate up to an angle of 12,000 on every engine.
 *
 * @param x The tensor.
 * @returns `cos(x)`, NaN of infinities.
 *
 * @example
 * ```ts
 * import { constant, cos, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(cos(constant([0]))), [1]);
 * ```
 */
export function cos(x: Tensor): Tensor {
  requireCall("cos", arguments, 1);
  return ops.cos(x);
}

/**
 * Absolute value, elementwise; its derivative at 0 is 0, at NaN it is NaN.
 *
 * @param x The tensor.
 * @returns `|x|`.
 *
 * @example
 * ```ts
 * import { abs, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(abs(constant([-3, 2]))), [3, 2]);
 * ```
 */
export function abs(x: Tensor): Tensor {
  requireCall("abs", arguments, 1);
  return ops.abs(x);
}

/**
 * Sign, elementwise; its derivative is 0.
 *
 * @param x The tensor.
 * @returns -1, 0 (of both zeros) or 1, and NaN of NaN.
 *
 * @example
 * ```ts
 * import { constant, sign, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(sign(constant([-3, 0, 2]))), [-1, 0, 1]);
 * ```
 */
export function sign(x: Tensor): Tensor {
  requireCall("sign", arguments, 1);
  return ops.sign(x);
}

/**
 * Rounds down, elementwise; the derivative is 0.
 *
 * @param x The tensor.
 * @returns The largest integer not above `x`.
 *
 * @example
 * ```ts
 * import { constant, floor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(floor(constant([1.5, -1.5]))), [1, -2]);
 * ```
 */
export function floor(x: Tensor): Tensor {
  requireCall("floor", arguments, 1);
  return ops.floor(x);
}

/**
 * Squares elementwise.
 *
 * @param x The tensor.
 * @returns `x * x`.
 *
 * @example
 * ```ts
 * import { constant, square, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(square(constant([-3, 2]))), [9, 4]);
 * ```
 */
export function square(x: Tensor): Tensor {
  requireCall("square", arguments, 1);
  return ops.mul(x, x);
}

/**
 * Limits values to an interval; outside of it the derivative is 0.
 *
 * @param x The tensor.
 * @param options The least and the greatest value; each may be left out.
 * @returns `x` where it lies in the interval or is NaN, else the nearer end. At the ends the
 *   derivative is 1.
 * @throws {RangeError} If `low` is above `high`.
 *
 * @example
 * ```ts
 * import { clip, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(clip(constant([-1, 0.5, 2]), { low: 0, high: 1 })), [0, 0.5, 1]);
 * ```
 */
export function clip(
  x: Tensor,
  options: { readonly low?: number; readonly high?: number },
): Tensor {
  requireCall("clip", arguments, 2);
  requireOptions("clip", options, { low: true, high: true });
  const { low, high } = options;
  if (low !== undefined && high !== undefined && !(low <= high)) {
    throw new RangeError(`Cannot clip to [${low}, ${high}]: expected low <= high.`);
  }
  const raised = low === undefined ? x : ops.maximum(x, ops.like(x, low));
  return high === undefined ? raised : ops.minimum(raised, ops.like(raised, high));
}

/**
 * Converts to another element type, in the same way on every engine.
 *
 * From `f32` to an integer numbers round to zero; beyond the type they become the least or greatest
 * integer that both types hold (2^31 - 128 for `i32`, 2^32 - 256 for `u32`: the rule of WGSL), and
 * NaN becomes 0. Between `i32` and `u32` the bits stay. To `bool` anything but 0 is `true`, NaN too.
 *
 * @param x The tensor.
 * @param dtype The wanted type.
 * @returns A tensor of that type; only from `f32` to `f32` has a derivative.
 *
 * @example
 * ```ts
 * import { constant, convert, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(convert(constant([1.7, -1.7]), "i32")), [1, -1]);
 * ```
 */
export function convert(x: Tensor, dtype: DType): Tensor {
  requireCall("convert", arguments, 2);
  return ops.convert(x, dtype);
}

/**
 * Stops differentiation: an identity whose derivative is zero.
 *
 * @param x The tensor.
 * @returns `x`, regarded as a constant by derivatives of every order: by a meta-gradient too, of inner
 *   losses, as PyTorch's `detach` and JAX's `stop_gradient`. Where `x` depends on meta-parameters, that
 *   is not what finite differences of the outer loss give, and the guard of meta-training says so.
 *
 * @example
 * ```ts
 * import { constant, grad, mul, stopGradient, type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(grad((x: Tensor) => mul(x, stopGradient(x)))(constant(3))), [3]);
 * ```
 */
export function stopGradient(x: Tensor): Tensor {
  requireCall("stopGradient", arguments, 1);
  return ops.stopGradient(x);
}
