import { requireCall } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { broadcastOperands, type Operand } from "./operand.ts";

/**
 * Adds elementwise, with broadcasting.
 *
 * @param a Left operand.
 * @param b Right operand.
 * @returns `a + b`.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { add, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(add(constant([1, 2]), 10)), [11, 12]);
 * ```
 */
export function add(a: Operand, b: Operand): Tensor {
  requireCall("add", arguments, 2);
  const [x, y] = broadcastOperands("add", [a, b]);
  return ops.add(x!, y!);
}

/**
 * Subtracts elementwise, with broadcasting.
 *
 * @param a Left operand.
 * @param b Right operand.
 * @returns `a - b`.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, sub, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(sub(constant([1, 2]), 10)), [-9, -8]);
 * ```
 */
export function sub(a: Operand, b: Operand): Tensor {
  requireCall("sub", arguments, 2);
  const [x, y] = broadcastOperands("subtract", [a, b]);
  return ops.sub(x!, y!);
}

/**
 * Multiplies elementwise, with broadcasting.
 *
 * @param a Left operand.
 * @param b Right operand.
 * @returns `a * b`.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, mul, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(mul(constant([1, 2]), 10)), [10, 20]);
 * ```
 */
export function mul(a: Operand, b: Operand): Tensor {
  requireCall("mul", arguments, 2);
  const [x, y] = broadcastOperands("multiply", [a, b]);
  return ops.mul(x!, y!);
}

/**
 * Divides elementwise, with broadcasting; integers round to zero.
 *
 * @param a Left operand.
 * @param b Right operand.
 * @returns `a / b`; for integers, as in WGSL, `a` itself where `b` is 0 and where the quotient does
 *   not fit (the least `i32` by -1).
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, div, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(div(constant([1, 2]), 4)), [0.25, 0.5]);
 * ```
 */
export function div(a: Operand, b: Operand): Tensor {
  requireCall("div", arguments, 2);
  const [x, y] = broadcastOperands("divide", [a, b]);
  return ops.div(x!, y!);
}

/**
 * Takes the larger value elementwise, with broadcasting.
 *
 * @param a Left operand.
 * @param b Right operand.
 * @returns The larger of `a` and `b`, NaN where one of them is; where they are equal the derivative
 *   goes to `a`, and where one is NaN to `b`.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, maximum, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(maximum(0, constant([-1, 2]))), [0, 2]);
 * ```
 */
export function maximum(a: Operand, b: Operand): Tensor {
  requireCall("maximum", arguments, 2);
  const [x, y] = broadcastOperands("take the maximum of", [a, b]);
  return ops.maximum(x!, y!);
}

/**
 * Takes the smaller value elementwise, with broadcasting.
 *
 * @param a Left operand.
 * @param b Right operand.
 * @returns The smaller of `a` and `b`, NaN where one of them is; where they are equal the derivative
 *   goes to `a`, and where one is NaN to `b`.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, minimum, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(minimum(0, constant([-1, 2]))), [-1, 0]);
 * ```
 */
export function minimum(a: Operand, b: Operand): Tensor {
  requireCall("minimum", arguments, 2);
  const [x, y] = broadcastOperands("take the minimum of", [a, b]);
  return ops.minimum(x!, y!);
}

/**
 * Raises to a power elementwise, with broadcasting, as in IEEE 754.
 *
 * The derivative by the base is `exponent * base ** (exponent - 1)`, and 0 where the exponent is 0:
 * at 0 it is infinite for exponents between 0 and 1. The derivative by the exponent is
 * `base ** exponent * log(base)`, 0 where the base is 0 and the exponent is not negative, and NaN
 * where the base is negative.
 *
 * @param base The base.
 * @param exponent The exponent; a number costs less than a tensor.
 * @returns `base ** exponent`: 1 where the exponent is 0 (`0 ** 0` too) or the base 1, NaN where the
 *   base is negative and the exponent not whole.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, pow, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(pow(constant([2, 3]), 2)), [4, 9]);
 * ```
 */
export function pow(base: Operand, exponent: Operand): Tensor {
  requireCall("pow", arguments, 2);
  if (typeof exponent === "number" && typeof base !== "number") return ops.pow(base, exponent);
  const [x, y] = broadcastOperands("raise to a power", [base, exponent]);
  return ops.power(x!, y!);
}
