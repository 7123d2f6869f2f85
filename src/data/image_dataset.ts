import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import * as kinds from "./kinds.ts";

/** Where the images of an {@linkcode ImageDataset} came from. */
export type ImageSource = "folder" | "download" | "synthetic" | "arrays";

/** Labelled images in host memory: one byte a channel, channels last. */
export interface ImageDataset {
  /** Short name for tables and file names, e.g. `cifar-10`. */
  readonly name: string;
  /** Pixels `[count, height, width, channels]`, 0..255. */
  readonly images: Uint8Array;
  /** Class of every image `[count]`, an index into `classNames`. */
  readonly labels: Uint8Array | Int32Array;
  /** Number of images. */
  readonly count: number;
  /** Rows of an image. */
  readonly height: number;
  /** Columns of an image. */
  readonly width: number;
  /** Channels of a pixel: 3 (RGB) or 1 (grey). */
  readonly channels: number;
  /** Name of every class. */
  readonly classNames: readonly string[];
  /** Whether the images were found in a folder, downloaded for this call, made up, or given as arrays. */
  readonly source: ImageSource;
  /** One line for people: where the images came from and how many there are. */
  readonly provenance: string;
  /** `true` if the images are procedural and no result on them may be called a result on real data. */
  readonly synthetic: boolean;
}

/** The two official parts of a data set. */
export interface ImageSplits {
  /** Images to learn from; validation images are held out of these. */
  readonly train: ImageDataset;
  /** Images to be used once, at the end. */
  readonly test: ImageDataset;
}

/**
 * Copies some images of a data set into a smaller one.
 *
 * @param dataset The images to choose from.
 * @param indices Positions of the wanted images, in the wanted order `[n]`.
 * @returns A data set of `n` images with the same classes; its provenance names the choice.
 * @throws {RangeError} If an index is outside of the data set.
 *
 * @example
 * ```ts
 * import { subsetDataset, syntheticImages } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 20, testCount: 10 });
 * const few = subsetDataset(train, Int32Array.of(3, 1));
 * assertEquals(few.count, 2);
 * assertEquals(few.labels[0], train.labels[3]);
 * ```
 */
export function subsetDataset(dataset: ImageDataset, indices: Int32Array): ImageDataset {
  requireArguments("subsetDataset", { dataset, indices }, {
    dataset: kinds.dataset,
    indices: is.indices,
  });
  const size = dataset.height * dataset.width * dataset.channels;
  const images = new Uint8Array(indices.length * size);
  const labels = dataset.labels instanceof Uint8Array
    ? new Uint8Array(indices.length)
    : new Int32Array(indices.length);
  indices.forEach((index, position) => {
    if (index < 0 || index >= dataset.count) {
      throw new RangeError(
        `Cannot take a subset of ${dataset.name}: index ${index} at position ${position}, expected 0..${
          dataset.count - 1
        }. Choose indices of this data set.`,
      );
    }
    images.set(dataset.images.subarray(index * size, (index + 1) * size), position * size);
    labels[position] = dataset.labels[index]!;
  });
  return {
    ...dataset,
    images,
    labels,
    count: indices.length,
    provenance: `${indices.length} chosen of: ${dataset.provenance}`,
  };
}
