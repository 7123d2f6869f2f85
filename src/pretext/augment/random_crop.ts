import { requireCall, requireOptions } from "../../ir/options.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { randomIntegers } from "../../random/mod.ts";
import { add, pad, range, slice, takeRows, transpose } from "../../tensor/mod.ts";
import { vmap } from "../../transform/vmap.ts";
import { extentsOf } from "./augment.ts";

/**
 * Shifts every image by a random number of pixels: pads it with zeros and cuts out a window of its
 * size.
 *
 * Source: He et al., arXiv 1512.03385, section 4.2.
 *
 * @param images Images `[n, height, width, channels]`.
 * @param key The key, `u32[2]`.
 * @param options Zeros on each side; 4 unless told.
 * @returns Images of the same shape.
 * @throws {RangeError} If the padding is no whole number from 0.
 *
 * @example
 * ```ts
 * import { ones, randomCrop, randomKey, sum, valuesOf } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const shifted = randomCrop(ones([1, 4, 4, 1]), randomKey(0), { padding: 2 });
 * const total = valuesOf(sum(shifted))[0]!;
 * assert(total >= 4 && total <= 16);
 * ```
 */
export function randomCrop(
  images: Tensor,
  key: Tensor,
  options: { readonly padding?: number } = {},
): Tensor {
  requireCall("randomCrop", arguments, 2, 3);
  requireOptions("randomCrop", options, { padding: true });
  const { padding = 4 } = options;
  const { n, height, width } = extentsOf("shift", images);
  const around = [padding, padding] as const;
  const padded = pad(images, [[0, 0], around, around, [0, 0]]);
  const offsets = randomIntegers(key, [n, 2], { high: 2 * padding + 1 });
  return vmap((image: Tensor, offset: Tensor) => {
    const rows = takeRows(image, add(range(height), slice(offset, [0])));
    const columns = add(range(width), slice(offset, [1]));
    return transpose(takeRows(transpose(rows, [1, 0, 2]), columns), [1, 0, 2]);
  })(padded, offsets);
}
