import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import type { ImageDataset } from "./image_dataset.ts";

/** Options of {@linkcode gatherImages}. */
export interface GatherImagesOptions {
  /** The wanted images `[n]`. */
  readonly indices: Int32Array;
  /** Subtracted from every channel, in `[0, 1]` units `[channels]`; 0 unless told. */
  readonly mean?: readonly number[];
  /** Divides every channel, in `[0, 1]` units `[channels]`; 1 unless told. */
  readonly standardDeviation?: readonly number[];
}

/**
 * Copies some images into single precision, `(byte / 255 - mean) / standardDeviation`.
 *
 * @param dataset The images.
 * @param options Which images, and how to standardise them.
 * @returns Pixels `[n, height, width, channels]`.
 * @throws {RangeError} If an index is out of range, a list has another length than the number of
 * channels, or a standard deviation is not positive.
 *
 * @example
 * ```ts
 * import { gatherImages, syntheticImages } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 20, testCount: 10 });
 * const pixels = gatherImages(train, { indices: Int32Array.of(5, 2) });
 * assertEquals(pixels.length, 2 * 32 * 32 * 3);
 * assertEquals(pixels[0], Math.fround(train.images[5 * 3072]! / 255));
 * ```
 */
export function gatherImages(
  dataset: ImageDataset,
  options: GatherImagesOptions,
): Float32Array<ArrayBuffer> {
  requireArguments("gatherImages", { dataset }, { dataset: kinds.dataset });
  requireOptions("gatherImages", options, {
    indices: is.indices,
    mean: is.optional(is.listOf(is.finite)),
    standardDeviation: is.optional(is.numbers),
  });
  const { channels, count } = dataset;
  const { indices } = options;
  const mean = options.mean ?? new Array<number>(channels).fill(0);
  const deviation = options.standardDeviation ?? new Array<number>(channels).fill(1);
  if (mean.length !== channels || deviation.length !== channels) {
    throw new RangeError(
      `Cannot gather images of ${dataset.name}: ${mean.length} means and ${deviation.length} deviations, expected ${channels} of each. Use channelStatistics of the same data set.`,
    );
  }
  if (!deviation.every((value) => value > 0)) {
    throw new RangeError(
      `Cannot gather images of ${dataset.name}: standard deviations ${
        deviation.join(", ")
      }, expected positive numbers. Leave out standardDeviation or correct it.`,
    );
  }
  const size = dataset.height * dataset.width * channels;
  const table = Array.from({ length: channels }, (_, channel) =>
    Float32Array.from(
      { length: 256 },
      (_, byte) => (byte / 255 - mean[channel]!) / deviation[channel]!,
    ));
  const pixels = new Float32Array(indices.length * size);
  let out = 0;
  for (const index of indices) {
    if (index < 0 || index >= count) {
      throw new RangeError(
        `Cannot gather images of ${dataset.name}: index ${index}, expected 0..${
          count - 1
        }. Choose indices of this data set.`,
      );
    }
    for (let at = index * size; at < (index + 1) * size; at += channels) {
      for (let channel = 0; channel < channels; channel++) {
        pixels[out++] = table[channel]![dataset.images[at + channel]!]!;
      }
    }
  }
  return pixels;
}
