import { requireTensor } from "../ir/require_tensor.ts";
import type { Shape } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { add, argMax, argSort, convert, log, mul, neg, take } from "../tensor/mod.ts";
import { bits } from "./key.ts";

/**
 * Draws numbers of the standard Gumbel distribution: those of which the largest, added to scores, chooses by
 * their softmax.
 *
 * @param key The key, `u32[2]`.
 * @param shape Shape of the result.
 * @returns Numbers, `f32` of the given shape, from -2.9 to 16.7.
 *
 * @example
 * ```ts
 * import { gumbel, mean, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * // Its mean is Euler's constant.
 * assertAlmostEquals(valuesOf(mean(gumbel(randomKey(0), [4000])))[0]!, 0.5772, 0.1);
 * ```
 */
export function gumbel(key: Tensor, shape: Shape): Tensor {
  requireCall("gumbel", arguments, 2);
  const words = bits(key, shape);
  // Halves between 2^23 steps: neither 0 nor 1, and each of them a number of float32.
  const step = convert(ops.shiftRight(words, ops.like(words, 9)), "f32");
  const unit = mul(add(step, 0.5), 2 ** -23);
  return neg(log(neg(log(unit))));
}

/**
 * Draws classes by their scores, with the method of Gumbel's maximum (Maddison et al., arXiv 1411.0030).
 *
 * @param key The key, `u32[2]`.
 * @param logits Scores, whose softmax along an axis are probabilities (`f32`); -Infinity is never drawn beside a
 *   finite score.
 * @param options The axis of the classes (the last unless told), and the shape of axes to put in front, for several
 *   draws from each distribution (none unless told).
 * @returns Classes, `i32` `[...shape, ...logits.shape without the axis]`.
 * @throws {RangeError} If `logits` has no such axis, or the axis has no elements.
 *
 * @example
 * ```ts
 * import { categorical, constant, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const logits = constant([[0, -Infinity], [-Infinity, 0]]);
 * assertEquals(valuesOf(categorical(randomKey(0), logits)), [0, 1]);
 * assertEquals(categorical(randomKey(0), logits, { shape: [5] }).shape, [5, 2]);
 * ```
 */
export function categorical(
  key: Tensor,
  logits: Tensor,
  options: { readonly axis?: number; readonly shape?: Shape } = {},
): Tensor {
  requireCall("categorical", arguments, 2, 3);
  requireTensor("choose", logits);
  requireOptions("categorical", options, { axis: true, shape: true });
  const { axis = -1, shape = [] } = options;
  const noise = gumbel(key, [...shape, ...logits.shape]);
  return argMax(add(noise, logits), { axes: axis < 0 ? axis : axis + shape.length });
}

/**
 * Draws an order of things, every one with the same probability but for `count ** 2 / 2 ** 33`.
 *
 * @param key The key, `u32[2]`.
 * @param count How many things.
 * @returns The numbers from 0 to `count - 1` in random order, `i32[count]`.
 *
 * @example
 * ```ts
 * import { permutation, randomKey, sort, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(sort(permutation(randomKey(0), 4))), [0, 1, 2, 3]);
 * ```
 */
export function permutation(key: Tensor, count: number): Tensor {
  requireCall("permutation", arguments, 2);
  return argSort(bits(key, [count]));
}

/**
 * Puts slices into a random order.
 *
 * @param key The key, `u32[2]`.
 * @param x The tensor.
 * @param options The axis along which the slices lie; 0 unless told.
 * @returns A tensor of the shape of `x`.
 * @throws {RangeError} If `x` has no such axis.
 *
 * @example
 * ```ts
 * import { constant, randomKey, shuffle, sort, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const shuffled = shuffle(randomKey(0), constant([1, 2, 3]));
 * assertEquals(valuesOf(sort(shuffled)), [1, 2, 3]);
 * ```
 */
export function shuffle(
  key: Tensor,
  x: Tensor,
  options: { readonly axis?: number } = {},
): Tensor {
  requireCall("shuffle", arguments, 2, 3);
  requireTensor("shuffle", x);
  requireOptions("shuffle", options, { axis: true });
  const { axis = 0 } = options;
  const extent = x.shape.at(axis);
  return extent === 0 ? x : take(x, permutation(key, extent ?? 0), { axis });
}
