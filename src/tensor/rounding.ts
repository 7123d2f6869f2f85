import { requireCall } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { broadcastOperands, type Operand } from "./operand.ts";

/**
 * Rounds to the nearest whole number, elementwise; of two, to the even one. The derivative is 0.
 *
 * @param x The tensor (`f32`).
 * @returns The nearest whole number.
 *
 * @example
 * ```ts
 * import { constant, round, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(round(constant([0.5, 1.5, -1.2]))).map((value) => value + 0), [0, 2, -1]);
 * ```
 */
export function round(x: Tensor): Tensor {
  requireCall("round", arguments, 1);
  return ops.round(x);
}

/**
 * Rounds up, elementwise; the derivative is 0.
 *
 * @param x The tensor (`f32`).
 * @returns The smallest integer not below `x`.
 *
 * @example
 * ```ts
 * import { ceil, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(ceil(constant([1.5, -0.25]))).map((value) => value + 0), [2, 0]);
 * ```
 */
export function ceil(x: Tensor): Tensor {
  requireCall("ceil", arguments, 1);
  return ops.ceil(x);
}

/**
 * Rounds towards 0, elementwise; the derivative is 0.
 *
 * @param x The tensor (`f32`).
 * @returns The whole part of `x`.
 *
 * @example
 * ```ts
 * import { constant, trunc, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(trunc(constant([1.5, -1.5]))).map((value) => value + 0), [1, -1]);
 * ```
 */
export function trunc(x: Tensor): Tensor {
  requireCall("trunc", arguments, 1);
  return ops.trunc(x);
}

/**
 * Remainder of the division rounded down, elementwise, with broadcasting: it has the sign of `b`, as in Python.
 *
 * @param a Left operand (`f32` or integers).
 * @param b Right operand.
 * @returns `a - b * floor(a / b)`; of `f32`, off by at most a unit in the last place of `a`, which is all of it
 *   where `a / b` exceeds 2 ** 24. Of an infinite `b` it is `a`, or `b` where the signs differ. The derivative
 *   by `b` is `-floor(a / b)`.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, mod, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(mod(constant([5, -5, 5.5]), 3)), [2, 1, 2.5]);
 * ```
 */
export function mod(a: Operand, b: Operand): Tensor {
  requireCall("mod", arguments, 2);
  const [x, y] = broadcastOperands("take the remainder of", [a, b]);
  const quotient = ops.div(x!, y!);
  if (x!.dtype !== "f32") {
    // Integers divide towards 0: the rest has the sign of the left operand.
    const rest = ops.sub(x!, ops.mul(quotient, y!));
    return x!.dtype === "u32" ? rest : withSignOf(rest, y!);
  }
  // An infinite divisor goes into nothing, and 0 * Infinity would be NaN.
  const whole = ops.floor(quotient);
  const zero = ops.like(whole, 0);
  const taken = ops.select(ops.equal(whole, zero), zero, ops.mul(whole, y!));
  // A quotient that was rounded up to a whole number leaves a rest of the wrong sign.
  return withSignOf(ops.sub(x!, taken), y!);
}

/** `rest + divisor` where the signs of both differ. */
function withSignOf(rest: Tensor, divisor: Tensor): Tensor {
  const zero = ops.like(rest, 0);
  const above = ops.and(ops.less(zero, rest), ops.less(divisor, zero));
  const below = ops.and(ops.less(rest, zero), ops.less(zero, divisor));
  return ops.select(ops.or(above, below), ops.add(rest, divisor), rest);
}
