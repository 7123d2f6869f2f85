import { requireCall, requireOptions } from "../../ir/options.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { uniform } from "../../random/mod.ts";
import { add, div, exp, minimum, mul, slice, sqrt, sub } from "../../tensor/mod.ts";
import { extentsOf } from "./augment.ts";
import { interpolationWeights, resample } from "./resample.ts";

/** Options of {@linkcode randomResizedCrop}. */
export interface RandomResizedCropOptions {
  /** Least and greatest area of the window, as a fraction of the image; `[0.08, 1]` unless told. */
  readonly scale?: readonly [number, number];
  /** Least and greatest ratio of width to height; `[3/4, 4/3]` unless told. */
  readonly ratio?: readonly [number, number];
}

/**
 * Cuts a random window out of every image and enlarges it to the size of the image, by bilinear
 * interpolation.
 *
 * The area is drawn uniformly, the ratio log-uniformly, the place uniformly; windows start at
 * fractions of pixels, and a side that would be longer than the image is cut to it.
 *
 * Source: Szegedy et al., arXiv 1409.4842, section 6; Chen et al., arXiv 2002.05709, appendix A.
 *
 * @param images Images `[n, height, width, channels]`.
 * @param key The key, `u32[2]`.
 * @param options Bounds of area and ratio.
 * @returns Images of the same shape.
 * @throws {RangeError} If the bounds are not `0 < least <= greatest`, or an area is above 1.
 *
 * @example
 * ```ts
 * import { ones, randomKey, randomResizedCrop, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const cropped = valuesOf(randomResizedCrop(ones([1, 4, 4, 1]), randomKey(0)));
 * for (const value of cropped) assertAlmostEquals(value, 1, 1e-12);
 * ```
 */
export function randomResizedCrop(
  images: Tensor,
  key: Tensor,
  options: RandomResizedCropOptions = {},
): Tensor {
  requireCall("randomResizedCrop", arguments, 2, 3);
  requireOptions("randomResizedCrop", options, { scale: true, ratio: true });
  const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] } = options;
  const { n, height, width } = extentsOf("crop", images);
  for (const [name, [least, greatest]] of Object.entries({ scale, ratio })) {
    if (!(least > 0 && least <= greatest) || (name === "scale" && greatest > 1)) {
      throw new RangeError(
        `Cannot crop with ${name} [${least}, ${greatest}]: expected 0 < least <= greatest${
          name === "scale" ? " <= 1" : ""
        }.`,
      );
    }
  }
  const draws = uniform(key, [n, 4]);
  const draw = (k: number): Tensor => slice(draws, [null, k]);
  const area = add(mul(draw(0), scale[1] - scale[0]), scale[0]);
  const [low, high] = [Math.log(ratio[0]), Math.log(ratio[1])];
  const aspect = exp(add(mul(draw(1), high - low), low));
  // Ratios are of pixels, extents are fractions of height and width.
  const pixels = height / width;
  const across = minimum(1, sqrt(mul(mul(area, aspect), pixels)));
  const down = minimum(1, sqrt(mul(div(area, aspect), 1 / pixels)));
  return resample(images, {
    rows: interpolationWeights(height, {
      start: mul(draw(2), sub(1, down)),
      extent: down,
      count: height,
    }),
    columns: interpolationWeights(width, {
      start: mul(draw(3), sub(1, across)),
      extent: across,
      count: width,
    }),
  });
}
