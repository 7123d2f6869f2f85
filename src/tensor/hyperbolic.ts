import { requireCall } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";

/**
 * Hyperbolic sine, elementwise.
 *
 * @param x The tensor (`f32`).
 * @returns `(e ** x - e ** -x) / 2`.
 *
 * @example
 * ```ts
 * import { constant, sinh, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(sinh(constant([0]))).map((value) => value + 0), [0]);
 * ```
 */
export function sinh(x: Tensor): Tensor {
  requireCall("sinh", arguments, 1);
  return ops.sinh(x);
}

/**
 * Hyperbolic cosine, elementwise.
 *
 * @param x The tensor (`f32`).
 * @returns `(e ** x + e ** -x) / 2`.
 *
 * @example
 * ```ts
 * import { constant, cosh, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(cosh(constant([0]))).map((value) => value + 0), [1]);
 * ```
 */
export function cosh(x: Tensor): Tensor {
  requireCall("cosh", arguments, 1);
  return ops.cosh(x);
}

/**
 * Inverse hyperbolic sine, elementwise.
 *
 * @param x The tensor (`f32`).
 * @returns The number whose `sinh` is `x`.
 *
 * @example
 * ```ts
 * import { asinh, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(asinh(constant([0]))).map((value) => value + 0), [0]);
 * ```
 */
export function asinh(x: Tensor): Tensor {
  requireCall("asinh", arguments, 1);
  return ops.asinh(x);
}

/**
 * Inverse hyperbolic cosine, elementwise.
 *
 * @param x The tensor (`f32`).
 * @returns The number from 0 whose `cosh` is `x`; NaN where `x < 1`.
 *
 * @example
 * ```ts
 * import { acosh, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(acosh(constant([1]))).map((value) => value + 0), [0]);
 * ```
 */
export function acosh(x: Tensor): Tensor {
  requireCall("acosh", arguments, 1);
  return ops.acosh(x);
}

/**
 * Inverse hyperbolic tangent, elementwise.
 *
 * @param x The tensor (`f32`).
 * @returns The number whose `tanh` is `x`; NaN where `|x| > 1`.
 *
 * @example
 * ```ts
 * import { atanh, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(atanh(constant([0]))).map((value) => value + 0), [0]);
 * ```
 */
export function atanh(x: Tensor): Tensor {
  requireCall("atanh", arguments, 1);
  return ops.atanh(x);
}
