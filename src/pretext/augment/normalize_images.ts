import * as is from "../../ir/kinds.ts";
import { requireOptions } from "../../ir/options.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { constant, mul, sub } from "../../tensor/mod.ts";
import { extentsOf } from "./augment.ts";

/**
 * Subtracts a mean from every channel and divides it by a standard deviation.
 *
 * @param images Images `[n, height, width, channels]`.
 * @param options Mean and standard deviation of every channel.
 * @returns Images of the same shape.
 * @throws {RangeError} If there is not one mean and one positive deviation for each channel.
 *
 * @example
 * ```ts
 * import { constant, normalizeImages, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const image = constant([[[[0.5], [1]]]]);
 * assertEquals(valuesOf(normalizeImages(image, { mean: [0.5], deviation: [0.25] })), [0, 2]);
 * ```
 */
export function normalizeImages(
  images: Tensor,
  options: { readonly mean: readonly number[]; readonly deviation: readonly number[] },
): Tensor {
  requireOptions("normalizeImages", options, { mean: is.numbers, deviation: is.numbers });
  const { mean, deviation } = options;
  const { channels } = extentsOf("normalize", images);
  const fits = mean.length === channels && deviation.length === channels &&
    deviation.every((value) => value > 0);
  if (!fits) {
    throw new RangeError(
      `Cannot normalize ${channels} channels by the means [${mean}] and the deviations ` +
        `[${deviation}]: expected one mean and one positive deviation for each channel.`,
    );
  }
  return mul(sub(images, constant(mean)), constant(deviation.map((value) => 1 / value)));
}
