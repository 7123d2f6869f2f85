/**
 * Numbers that are not finite: their meaning, and tests for them.
 *
 * @module
 */
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";

/**
 * Finds NaN, elementwise.
 *
 * This is the page on numbers that are not finite; they mean the same on every engine.
 *
 * **NaN stays.** Arithmetic, functions and reductions with a NaN among their operands give NaN, so
 * that a diverged computation shows: `max`, `min`, `maximum`, `minimum`, `maxPool2d`, `relu`, `clip`,
 * `sign`, sums, products and losses too. `argMax` finds the first NaN. Only `x ** 0` and `1 ** x` are
 * 1 whatever `x` is (IEEE 754), a comparison with NaN is false (`notEqual` true), `where` ignores
 * what it does not choose, `convert` makes NaN 0 as an integer and `true` as a `bool`.
 *
 * **Infinities are numbers.** They may be operands (`where(mask, x, -Infinity)`,
 * `equal(abs(x), Infinity)`), constants and borders of `pad`. `Infinity - Infinity`, `0 * Infinity`,
 * their quotients, and `sin` and `cos` of them are NaN. `softmax` gives a score of -Infinity the
 * probability 0; `logSumExp` of -Infinity alone is -Infinity; `softmaxCrossEntropy` leaves out what a
 * label does not choose, so that 0 * -Infinity does not arise for masked classes.
 *
 * **Divergence is passed on.** `clipByGlobalNorm` makes everything NaN where the norm is not finite,
 * and a label that names no class makes loss and accuracy NaN.
 *
 * **Derivatives** are taken where the computation went: at NaN, `maximum` passes the cotangent to its
 * second operand, `max` to the first NaN. At kinks the convention stands with each function
 * (`relu`, `abs`, `maximum`, `max`, `sqrt`, `pow`).
 *
 * **What an adapter may not keep** (`deno task doctor` measures it on this machine). Compilers of
 * shaders may rearrange sums and products as if there were only finite numbers: `(x + 1) - x` may be
 * 1 where `x` is NaN or infinite, or where the 1 would be rounded away, and a common factor of a sum
 * may be multiplied afterwards. `x - x` and `x * 0` are kept, but for the zeros of a border (`pad`, the
 * gradient of `slice`): what is not finite times one of those may be 0. Numbers below 1.2e-38 may be
 * taken as 0. Which NaN it is, and the sign of a zero, are not kept. Convolutions multiply the zeros
 * around an image, too: a pixel or a weight that is not finite may make NaN of what it meets only there.
 *
 * @param x The tensor (`f32`).
 * @returns Where it is NaN, as `bool`. (That `x` is not equal to itself does not tell on every device.)
 *
 * @example
 * ```ts
 * import { constant, isNan, log, maximum, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const x = maximum(log(constant([-1, 1, Infinity])), 0);
 * assertEquals(valuesOf(x), [NaN, 0, Infinity]);
 * assertEquals(valuesOf(isNan(x)), [1, 0, 0]);
 * ```
 */
export function isNan(x: Tensor): Tensor {
  requireCall("isNan", arguments, 1);
  return ops.isNan(x);
}

/**
 * Finds what is neither NaN nor infinite, elementwise. On {@linkcode isNan} stands what such numbers
 * mean.
 *
 * @param x The tensor (`f32`).
 * @returns Where it is finite in `f32`, as `bool`.
 *
 * @example
 * ```ts
 * import { constant, isFinite, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(isFinite(constant([1, Infinity, NaN]))), [1, 0, 0]);
 * ```
 */
export function isFinite(x: Tensor): Tensor {
  requireCall("isFinite", arguments, 1);
  return ops.isFinite(x);
}

/**
 * Replaces what is not finite, elementwise. The derivative of what was replaced is 0.
 *
 * @param x The tensor (`f32`).
 * @param options What NaN becomes (default 0), and the infinities (default the greatest and the least number of
 *   `f32`).
 * @returns Finite numbers, if the replacements are.
 *
 * @example
 * ```ts
 * import { constant, nanToNum, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const x = constant([1, NaN, -Infinity]);
 * assertEquals(valuesOf(nanToNum(x, { nan: 7, negative: -9 })), [1, 7, -9]);
 * ```
 */
export function nanToNum(
  x: Tensor,
  options: {
    readonly nan?: number;
    readonly positive?: number;
    readonly negative?: number;
  } = {},
): Tensor {
  requireCall("nanToNum", arguments, 1, 2);
  requireOptions("nanToNum", options, { nan: true, positive: true, negative: true });
  const { nan = 0, positive = GREATEST, negative = -GREATEST } = options;
  const isAbove = ops.less(ops.like(x, 0), x);
  const infinite = ops.select(isAbove, ops.like(x, positive), ops.like(x, negative));
  const replaced = ops.select(ops.isNan(x), ops.like(x, nan), infinite);
  return ops.select(ops.isFinite(x), x, replaced);
}

/** Greatest number of float32. */
const GREATEST = (2 - 2 ** -23) * 2 ** 127;
