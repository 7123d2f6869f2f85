import { requireCall, requireOptions } from "../../ir/options.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { uniform } from "../../random/mod.ts";
import {
  abs,
  add,
  div,
  exp,
  less,
  lessEqual,
  mul,
  range,
  reshape,
  slice,
  sub,
  sum,
  where,
} from "../../tensor/mod.ts";
import { extentsOf, perImage, requireProbability } from "./augment.ts";
import { resample } from "./resample.ts";

/** Options of {@linkcode gaussianBlur}. */
export interface GaussianBlurOptions {
  /** Least and greatest standard deviation, in pixels; `[0.1, 2]` unless told. */
  readonly deviation?: readonly [number, number];
  /** Pixels on each side that are averaged; 1/20 of the height, at least 1, unless told. */
  readonly radius?: number;
  /** Probability that an image is blurred; 0.5 unless told. */
  readonly probability?: number;
}

/**
 * Blurs every image by a Gaussian of random width, with a given probability.
 *
 * At the edges the weights of the pixels inside are scaled to add up to 1.
 *
 * Source: Chen et al., arXiv 2002.05709, appendix A.
 *
 * @param images Images `[n, height, width, channels]`.
 * @param key The key, `u32[2]`.
 * @param options Bounds of the width, radius and probability.
 * @returns Images of the same shape.
 * @throws {RangeError} If the bounds are not `0 < least <= greatest`.
 *
 * @example
 * ```ts
 * import { gaussianBlur, ones, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const blurred = valuesOf(gaussianBlur(ones([1, 4, 4, 1]), randomKey(0), { probability: 1 }));
 * for (const value of blurred) assertAlmostEquals(value, 1, 1e-12);
 * ```
 */
export function gaussianBlur(
  images: Tensor,
  key: Tensor,
  options: GaussianBlurOptions = {},
): Tensor {
  requireCall("gaussianBlur", arguments, 2, 3);
  requireOptions("gaussianBlur", options, { deviation: true, radius: true, probability: true });
  const { n, height, width } = extentsOf("blur", images);
  const { deviation: [least, greatest] = [0.1, 2], probability = 0.5 } = options;
  const { radius = Math.max(1, Math.round(height / 20)) } = options;
  requireProbability("blur images", probability);
  if (!(least > 0 && least <= greatest) || !(radius >= 0)) {
    throw new RangeError(
      `Cannot blur with deviations [${least}, ${greatest}] and radius ${radius}: expected ` +
        `0 < least <= greatest and a radius from 0.`,
    );
  }
  const draws = uniform(key, [n, 2]);
  const deviation = add(mul(slice(draws, [null, 0]), greatest - least), least);
  const precision = reshape(div(-0.5, mul(deviation, deviation)), [n, 1, 1]);
  const weights = (size: number): Tensor => {
    const distance = sub(reshape(range(size, "f32"), [size, 1]), range(size, "f32"));
    const bell = exp(mul(mul(distance, distance), precision));
    const near = where(lessEqual(abs(distance), radius), bell, 0);
    return div(near, sum(near, { axes: -1, keepAxes: true }));
  };
  const blurred = resample(images, { rows: weights(height), columns: weights(width) });
  return where(less(perImage(draws, 1), probability), blurred, images);
}
