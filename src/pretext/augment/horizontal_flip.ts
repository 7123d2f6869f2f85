import { requireCall, requireOptions } from "../../ir/options.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { bernoulli } from "../../random/mod.ts";
import { flip, where } from "../../tensor/mod.ts";
import { extentsOf } from "./augment.ts";

/**
 * Mirrors every image left to right with a given probability.
 *
 * @param images Images `[n, height, width, channels]`.
 * @param key The key, `u32[2]`.
 * @param options The probability; 0.5 unless told.
 * @returns Images of the same shape.
 *
 * @example
 * ```ts
 * import { constant, horizontalFlip, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const image = constant([[[[1], [2]]]]);
 * assertEquals(valuesOf(horizontalFlip(image, randomKey(0), { probability: 1 })), [2, 1]);
 * ```
 */
export function horizontalFlip(
  images: Tensor,
  key: Tensor,
  options: { readonly probability?: number } = {},
): Tensor {
  requireCall("horizontalFlip", arguments, 2, 3);
  requireOptions("horizontalFlip", options, { probability: true });
  const { probability = 0.5 } = options;
  const { n } = extentsOf("flip", images);
  return where(bernoulli(key, [n, 1, 1, 1], { probability }), flip(images, 2), images);
}
