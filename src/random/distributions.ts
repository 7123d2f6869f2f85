import type { DType, Shape } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { add, convert, cos, less, log, mul, slice, sqrt, sub } from "../tensor/mod.ts";
import { bits } from "./key.ts";

/** Upper 24 bits as a number in `[0, 1)`: the most that an `f32` holds with equal steps. */
function unit(words: Tensor): Tensor {
  const upper = ops.shiftRight(words, ops.like(words, 8));
  return mul(convert(upper, "f32"), 2 ** -24);
}

/**
 * Draws numbers that are uniformly distributed in `[low, high)`.
 *
 * @param key The key, `u32[2]`.
 * @param shape Shape of the result.
 * @param options The interval; `[0, 1)` unless told.
 * @returns Numbers, `f32` of the given shape.
 * @throws {RangeError} If the interval is empty.
 *
 * @example
 * ```ts
 * import { randomKey, uniform, valuesOf } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const values = valuesOf(uniform(randomKey(0), [100], { low: -1, high: 1 }));
 * assert(values.every((value) => value >= -1 && value < 1));
 * ```
 */
export function uniform(
  key: Tensor,
  shape: Shape,
  options: { readonly low?: number; readonly high?: number } = {},
): Tensor {
  requireCall("uniform", arguments, 2, 3);
  requireOptions("uniform", options, { low: true, high: true });
  const { low = 0, high = 1 } = options;
  if (!(low <= high) || !Number.isFinite(high - low)) {
    throw new RangeError(
      `Cannot draw uniform numbers from [${low}, ${high}): expected finite ends, low <= high.`,
    );
  }
  const draw = unit(bits(key, shape));
  const scaled = high - low === 1 ? draw : mul(draw, high - low);
  return low === 0 ? scaled : add(scaled, low);
}

/**
 * Draws normally distributed numbers, by the method of Box and Muller.
 *
 * @param key The key, `u32[2]`.
 * @param shape Shape of the result.
 * @param options Mean (default 0) and standard deviation (default 1).
 * @returns Numbers, `f32` of the given shape, within 5.8 standard deviations.
 *
 * @example
 * ```ts
 * import { mean, normal, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(valuesOf(mean(normal(randomKey(0), [1000])))[0]!, 0, 0.1);
 * ```
 */
export function normal(
  key: Tensor,
  shape: Shape,
  options: { readonly mean?: number; readonly deviation?: number } = {},
): Tensor {
  requireCall("normal", arguments, 2, 3);
  requireOptions("normal", options, { mean: true, deviation: true });
  const { mean = 0, deviation = 1 } = options;
  // Two draws for each element: z = sqrt(-2 ln(1 - u)) cos(2 pi v), where 1 - u is never 0.
  const draws = unit(bits(key, [2, ...shape]));
  const radius = sqrt(mul(log(sub(1, slice(draws, [0]))), -2));
  const standard = mul(radius, cos(mul(slice(draws, [1]), 2 * Math.PI)));
  const scaled = deviation === 1 ? standard : mul(standard, deviation);
  return mean === 0 ? scaled : add(scaled, mean);
}

/**
 * Draws truth values.
 *
 * @param key The key, `u32[2]`.
 * @param shape Shape of the result.
 * @param options The probability of `true`; 0.5 unless told.
 * @returns Truth values, `bool` of the given shape.
 * @throws {RangeError} If the probability is not within `[0, 1]`.
 *
 * @example
 * ```ts
 * import { bernoulli, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(bernoulli(randomKey(0), [3], { probability: 1 })), [1, 1, 1]);
 * ```
 */
export function bernoulli(
  key: Tensor,
  shape: Shape,
  options: { readonly probability?: number } = {},
): Tensor {
  requireCall("bernoulli", arguments, 2, 3);
  requireOptions("bernoulli", options, { probability: true });
  const { probability = 0.5 } = options;
  if (!(probability >= 0 && probability <= 1)) {
    throw new RangeError(
      `Cannot draw truth values with probability ${probability}: expected a number from 0 to 1.`,
    );
  }
  return less(unit(bits(key, shape)), probability);
}

/**
 * Draws integers that are uniformly distributed in `[low, high)`.
 *
 * @param key The key, `u32[2]`.
 * @param shape Shape of the result.
 * @param options The interval (`low` is 0 unless told) and the element type (default `i32`).
 * @returns Integers of the given shape; their probabilities differ by at most 2^-32.
 * @throws {RangeError} If the interval is empty or its ends are not whole numbers.
 *
 * @example
 * ```ts
 * import { randomIntegers, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const values = valuesOf(randomIntegers(randomKey(0), [100], { high: 4 }));
 * assert(values.every((value) => [0, 1, 2, 3].includes(value)));
 * ```
 */
export function randomIntegers(
  key: Tensor,
  shape: Shape,
  options: {
    readonly low?: number;
    readonly high: number;
    readonly dtype?: Extract<DType, "i32" | "u32">;
  },
): Tensor {
  requireCall("randomIntegers", arguments, 3);
  requireOptions("randomIntegers", options, { low: true, high: true, dtype: true });
  const { low = 0, high, dtype = "i32" } = options;
  const count = high - low;
  const [least, limit] = dtype === "i32" ? [-(2 ** 31), 2 ** 31] : [0, 2 ** 32];
  if (![low, high].every(Number.isInteger) || low < least || high > limit || !(count >= 1)) {
    throw new RangeError(
      `Cannot draw integers from [${low}, ${high}): expected whole numbers, low < high, ` +
        `within ${dtype}.`,
    );
  }
  const words = bits(key, shape);
  if (count === 2 ** 32) return add(convert(words, dtype), low);
  const divisor = ops.like(words, count);
  const remainder = ops.sub(words, ops.mul(ops.div(words, divisor), divisor));
  return add(convert(remainder, dtype), low);
}
