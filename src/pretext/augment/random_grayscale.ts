import { requireCall, requireOptions } from "../../ir/options.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { bernoulli } from "../../random/mod.ts";
import { where } from "../../tensor/mod.ts";
import { luma, rgbOf } from "./colour.ts";

/**
 * Takes the colour from every image with a given probability.
 *
 * @param images Images `[n, height, width, 3]`.
 * @param key The key, `u32[2]`.
 * @param options The probability; 0.2 unless told.
 * @returns Images of the same shape; grey ones have three equal channels.
 *
 * @example
 * ```ts
 * import { constant, randomGrayscale, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const red = constant([[[[1, 0, 0]]]]);
 * const grey = randomGrayscale(red, randomKey(0), { probability: 1 });
 * assertEquals(valuesOf(grey), [0.299, 0.299, 0.299]);
 * ```
 */
export function randomGrayscale(
  images: Tensor,
  key: Tensor,
  options: { readonly probability?: number } = {},
): Tensor {
  requireCall("randomGrayscale", arguments, 2, 3);
  requireOptions("randomGrayscale", options, { probability: true });
  const { probability = 0.2 } = options;
  const rgb = rgbOf("take the colour from", images);
  const chosen = bernoulli(key, [images.shape[0]!, 1, 1, 1], { probability });
  return where(chosen, luma(rgb), images);
}
