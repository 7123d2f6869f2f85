import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { type Axes, resolveAxes } from "./axes.ts";
import { broadcastOperands, type Operand } from "./operand.ts";
import { sum } from "./reduce.ts";

/** Options of functions that normalize along axes. */
export interface NormalizeOptions {
  /** The axes over which it is normalized; the last unless told. */
  readonly axes?: Axes;
}

/** The largest element along `axes`, a constant as far as derivatives are concerned. */
function largest(x: Tensor, axes: readonly number[]): Tensor {
  const top = ops.stopGradient(ops.reduceMax(x, axes));
  return ops.reshape(top, x.shape.map((extent, k) => axes.includes(k) ? 1 : extent));
}

/**
 * Softmax `e^x / sum(e^x)`, computed without overflow.
 *
 * A score of -Infinity has probability 0. Where all are -Infinity, or one is Infinity or NaN, the
 * probabilities are NaN.
 *
 * @param x Scores (`f32`).
 * @param options The axes that share a sum of 1; the last unless told.
 * @returns Probabilities of the shape of `x`.
 *
 * @example
 * ```ts
 * import { constant, softmax, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(softmax(constant([5, 5]))), [0.5, 0.5]);
 * ```
 */
export function softmax(x: Tensor, options: NormalizeOptions = {}): Tensor {
  requireCall("softmax", arguments, 1, 2);
  requireOptions("softmax", options, { axes: true });
  const axes = resolveAxes("take the softmax", x, options.axes ?? -1);
  const powers = ops.exp(sub(x, largest(x, axes)));
  return div(powers, sum(powers, { axes, keepAxes: true }));
}

/**
 * Logarithm of the softmax, `x - log(sum(e^x))`, computed without overflow.
 *
 * A score of -Infinity comes out as -Infinity; where all are, or one is Infinity or NaN, all are NaN.
 *
 * @param x Scores (`f32`).
 * @param options The axes over which it is normalized; the last unless told.
 * @returns Log-probabilities of the shape of `x`.
 *
 * @example
 * ```ts
 * import { constant, logSoftmax, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(valuesOf(logSoftmax(constant([5, 5])))[0]!, -Math.log(2));
 * ```
 */
export function logSoftmax(x: Tensor, options: NormalizeOptions = {}): Tensor {
  requireCall("logSoftmax", arguments, 1, 2);
  requireOptions("logSoftmax", options, { axes: true });
  const axes = resolveAxes("take the log-softmax", x, options.axes ?? -1);
  const rest = sub(x, largest(x, axes));
  return sub(rest, ops.log(sum(ops.exp(rest), { axes, keepAxes: true })));
}

/**
 * Logarithm of a sum of exponentials, computed without overflow.
 *
 * It is -Infinity where all elements are (and then has no derivative: it is NaN) or where there are
 * none, and Infinity where one is.
 *
 * @param x The tensor (`f32`).
 * @param options The axes that are reduced (the last unless told), and whether they stay.
 * @returns `log(sum(e^x))`.
 *
 * @example
 * ```ts
 * import { constant, logSumExp, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(valuesOf(logSumExp(constant([1000, 1000])))[0]!, 1000 + Math.log(2));
 * ```
 */
export function logSumExp(
  x: Tensor,
  options: NormalizeOptions & { readonly keepAxes?: boolean } = {},
): Tensor {
  requireCall("logSumExp", arguments, 1, 2);
  requireOptions("logSumExp", options, { axes: true, keepAxes: true });
  const axes = resolveAxes("take the log of a sum of exponentials", x, options.axes ?? -1);
  // An infinite largest element cannot be taken off, and need not.
  const top = largest(x, axes);
  const shift = ops.select(ops.isFinite(top), top, ops.like(top, 0));
  const kept = add(ops.log(sum(ops.exp(sub(x, shift)), { axes, keepAxes: true })), shift);
  return options.keepAxes ? kept : ops.reshape(kept, x.shape.filter((_, k) => !axes.includes(k)));
}

/**
 * Logarithm of the sum of two exponentials, elementwise, with broadcasting, computed without overflow.
 *
 * @param a Left operand.
 * @param b Right operand.
 * @returns `log(e^a + e^b)`; where an operand is infinite, the larger one.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, logAddExp, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(valuesOf(logAddExp(constant([1000]), 1000))[0]!, 1000 + Math.log(2));
 * ```
 */
export function logAddExp(a: Operand, b: Operand): Tensor {
  requireCall("logAddExp", arguments, 2);
  const [x, y] = broadcastOperands("add the exponentials of", [a, b]);
  const distance = ops.sub(y!, x!);
  const isNear = ops.isFinite(distance);
  // Nothing infinite goes where a derivative would multiply it by 0.
  const near = ops.select(isNear, distance, ops.like(distance, 0));
  return ops.select(isNear, ops.add(x!, ops.softplus(near)), ops.maximum(x!, y!));
}

/**
 * Indicator vectors of class indices.
 *
 * @param indices Classes (`i32`) of any shape; one outside of `[0, classes)` gives zeros.
 * @param classes Number of classes.
 * @returns 1 at the class and 0 elsewhere, `f32[...indices.shape, classes]`.
 * @throws {TypeError} If `indices` is not `i32`.
 *
 * @example
 * ```ts
 * import { constant, oneHot, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(oneHot(constant([1, 0], { dtype: "i32" }), 2)), [0, 1, 1, 0]);
 * ```
 */
export function oneHot(indices: Tensor, classes: number): Tensor {
  requireCall("oneHot", arguments, 2);
  if (indices.dtype !== "i32") {
    throw new TypeError(
      `Cannot make indicator vectors of ${formatAval(indices)}: expected i32. Use convert().`,
    );
  }
  const shape = [...indices.shape, classes];
  const spread = ops.broadcast(indices, shape, indices.shape.map((_, axis) => axis));
  return ops.convert(ops.equal(spread, ops.iota(shape, [shape.length - 1])), "f32");
}

/**
 * Scales vectors to Euclidean length 1.
 *
 * @param x The vectors (`f32`).
 * @param options The axes of a vector (the last unless told), and the least squared length by
 *   which is divided (default 1e-12): shorter vectors come out shorter than 1.
 * @returns `x / sqrt(max(sum(x^2), epsilon))`.
 *
 * @example
 * ```ts
 * import { constant, l2Normalize, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(l2Normalize(constant([0, 4]))), [0, 1]);
 * ```
 */
export function l2Normalize(
  x: Tensor,
  options: NormalizeOptions & { readonly epsilon?: number } = {},
): Tensor {
  requireCall("l2Normalize", arguments, 1, 2);
  requireOptions("l2Normalize", options, { axes: true, epsilon: true });
  const axes = resolveAxes("normalize", x, options.axes ?? -1);
  const squares = sum(ops.mul(x, x), { axes, keepAxes: true });
  const bounded = ops.maximum(squares, ops.like(squares, options.epsilon ?? 1e-12));
  const scale = ops.rsqrt(bounded);
  return mul(x, scale);
}
