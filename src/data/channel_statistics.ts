import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import type { ImageDataset } from "./image_dataset.ts";

/** Mean and spread of every channel, in units where black is 0 and full brightness is 1. */
export interface ChannelStatistics {
  /** Mean `[channels]`. */
  readonly mean: readonly number[];
  /** Population standard deviation `[channels]`; 0 for a constant channel. */
  readonly standardDeviation: readonly number[];
}

/**
 * Measures every channel over all pixels of some images, with exact integer sums.
 *
 * Measure the training part only, so that nothing of the validation and test images leaks in.
 *
 * @param dataset The images.
 * @param indices The images to measure `[n]`; all of them unless told.
 * @returns Mean and standard deviation of every channel, in `[0, 1]` units.
 * @throws {RangeError} If there is no image, or an index is out of range.
 *
 * @example
 * ```ts
 * import { channelStatistics, syntheticImages } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 20, testCount: 10 });
 * const { mean, standardDeviation } = channelStatistics(train);
 * assert(mean.every((value) => value > 0.2 && value < 0.8));
 * assert(standardDeviation.every((value) => value > 0.05 && value < 0.5));
 * ```
 */
export function channelStatistics(dataset: ImageDataset, indices?: Int32Array): ChannelStatistics {
  requireArguments("channelStatistics", { dataset, indices }, {
    dataset: kinds.dataset,
    indices: is.optional(is.indices),
  });
  const { images, height, width, channels, count } = dataset;
  const measured = indices === undefined ? count : indices.length;
  if (measured === 0) {
    throw new RangeError(
      `Cannot measure the channels of ${dataset.name}: no image, expected at least one. Pass a non-empty index list.`,
    );
  }
  const size = height * width * channels;
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  for (let position = 0; position < measured; position++) {
    const index = indices === undefined ? position : indices[position]!;
    if (index < 0 || index >= count) {
      throw new RangeError(
        `Cannot measure the channels of ${dataset.name}: index ${index}, expected 0..${
          count - 1
        }. Choose indices of this data set.`,
      );
    }
    const end = (index + 1) * size;
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      let square = 0;
      for (let at = index * size + channel; at < end; at += channels) {
        const value = images[at]!;
        sum += value;
        square += value * value;
      }
      sums[channel]! += sum;
      squares[channel]! += square;
    }
  }
  const pixels = measured * height * width;
  const mean = Array.from(sums, (sum) => sum / pixels);
  return {
    mean: mean.map((value) => value / 255),
    standardDeviation: mean.map((value, channel) =>
      Math.sqrt(Math.max(0, squares[channel]! / pixels - value * value)) / 255
    ),
  };
}
