import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import type { ImageDataset } from "./image_dataset.ts";
import { resizeImage } from "./resize_image.ts";

/**
 * Cuts a centred square out of every image of a data set and resizes it; see
 * {@linkcode resizeImage}.
 *
 * @param dataset The images, grey or RGB.
 * @param options `size`: wanted rows and columns; `cut`: share of the shorter side that is kept.
 * @returns A data set of the same images and labels; the data set itself if there is nothing to do.
 * @throws {RangeError} If `size` or `cut` is out of range.
 *
 * @example
 * ```ts
 * import { resizeDataset, syntheticImages } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 20, testCount: 10 });
 * const small = resizeDataset(train, { size: 8 });
 * assertEquals([small.height, small.images.length], [8, 20 * 8 * 8 * 3]);
 * assertEquals(small.labels, train.labels);
 * ```
 */
export function resizeDataset(
  dataset: ImageDataset,
  options: { readonly size: number; readonly cut?: number },
): ImageDataset {
  requireArguments("resizeDataset", { dataset }, { dataset: kinds.dataset });
  requireOptions("resizeDataset", options, { size: is.count, cut: is.optional(is.number) });
  const { size, cut = 1 } = options;
  const { count, height, width, channels } = dataset;
  if (height === size && width === size && cut === 1) return dataset;
  if (channels !== 1 && channels !== 3) {
    throw new RangeError(
      `Cannot resize ${dataset.name}: ${channels} channels, expected 1 or 3. Use grey or RGB images.`,
    );
  }
  const bytes = height * width * channels;
  const images = new Uint8Array(count * size * size * channels);
  for (let index = 0; index < count; index++) {
    const pixels = dataset.images.subarray(index * bytes, (index + 1) * bytes);
    const { pixels: resized } = resizeImage({ width, height, channels, pixels }, size, cut);
    images.set(resized, index * resized.length);
  }
  return {
    ...dataset,
    images,
    height: size,
    width: size,
    provenance: `${dataset.provenance}, resized to ${size} x ${size}`,
  };
}
