import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { decoder } from "../nn/mod.ts";
import { splitKey } from "../random/mod.ts";
import {
  add,
  convert,
  div,
  expandDims,
  mean,
  mul,
  reshape,
  square,
  standardize,
  sub,
  sum,
  transpose,
  where,
} from "../tensor/mod.ts";
import { extentsOf } from "./augment/augment.ts";
import { explained } from "./explained.ts";
import { choosePatches, spreadPatches } from "./patches.ts";
import type { PretextTask } from "./pretext_task.ts";

/** Options of {@linkcode maskedAutoencoding}. */
export interface MaskedAutoencodingOptions {
  /** Height and width of the images; 32 unless told. */
  readonly imageSize?: number;
  /** Channels of the images; 3 unless told. */
  readonly imageChannels?: number;
  /** Side of a patch, in pixels; 4 unless told. */
  readonly patch?: number;
  /** Fraction of the patches that is hidden; 0.75 unless told, as in the paper. */
  readonly ratio?: number;
  /** Whether every patch of the target has mean 0 and variance 1; true unless told. */
  readonly normalize?: boolean;
  /** Channels of the decoder before each doubling; `[64, 32]` unless told. */
  readonly widths?: readonly number[];
}

/** What the backbone sees of a hidden patch. */
const GREY = 0.5;

/**
 * Masked autoencoding: most patches are hidden behind grey, and a convolutional decoder reconstructs
 * them from the embedding; only hidden patches count.
 *
 * Source: He et al., arXiv 2111.06377, section 3: 75 % hidden, the mean squared error over hidden
 * patches, each normalised by its own mean and deviation. For convolutional backbones with a global
 * embedding, whose input keeps its size: hidden patches are grey, not left out.
 *
 * @param options Size of images and patches, fraction that is hidden, normalization, decoder.
 * @returns The task; metric `explained`, the fraction of the variance of the hidden patches around
 *   their own means that is reconstructed: 0 for a solver that knows the mean colour of each.
 * @throws {RangeError} If the patch does not divide the image, or no or every patch is hidden.
 *
 * @example
 * ```ts
 * import { maskedAutoencoding, mean, randomKey, uniform } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = maskedAutoencoding({ imageSize: 8, widths: [4] });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const images = uniform(randomKey(2), [2, 8, 8, 3]);
 * assertEquals(task.loss({ encode, head, images, key: randomKey(1) }).loss.shape, []);
 * ```
 */
export function maskedAutoencoding(options: MaskedAutoencodingOptions = {}): PretextTask {
  requireOptions("maskedAutoencoding", options, {
    imageSize: true,
    imageChannels: true,
    patch: true,
    ratio: true,
    normalize: true,
    widths: true,
  });
  const { imageSize = 32, imageChannels = 3, patch = 4, ratio = 0.75 } = options;
  const { normalize = true, widths = [64, 32] } = options;
  const side = imageSize / patch;
  const chosen = Math.round(ratio * side * side);
  if (!Number.isInteger(side) || !(chosen >= 1 && chosen < side * side)) {
    throw new RangeError(
      `Cannot mask a share of ${ratio} of patches of ${patch} x ${patch} in images of ` +
        `${imageSize} x ${imageSize}: expected a patch that divides the image, and at least one ` +
        `hidden and one visible patch.`,
    );
  }
  const headFor = (inputs: number) =>
    decoder({ inputs, imageSize, outputs: imageChannels, widths });
  return {
    name: "masked-autoencoding",
    needsLabels: false,
    initHead: (key, embedding) => headFor(embedding).init(key).params,
    loss({ encode, head, images, key }) {
      const { n, height, width } = extentsOf("mask", images, imageChannels);
      if (height !== imageSize || width !== imageSize) {
        throw new TypeError(
          `Cannot mask images of ${height} x ${width}: the task was made for ${imageSize} x ` +
            `${imageSize}. Pass { imageSize: ${height} } to it.`,
        );
      }
      const [maskKey, encodeKey] = splitKey(key, 2);
      const mask = choosePatches(maskKey!, { images: n, patches: side * side, chosen });
      const hidden = spreadPatches(mask, { rows: side, columns: side, side: patch });
      const input = where(hidden, GREY, images);
      const embeddings = encode(input, encodeKey!);
      const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
        training: true,
      });
      const pixels = patchesOf(images, patch);
      const centred = sub(pixels, mean(pixels, { axes: 2, keepAxes: true }));
      const own = standardize(pixels, [2], 1e-6);
      const target = normalize ? own.normal : pixels;
      const trivial = normalize ? target : centred;
      const prediction = patchesOf(output, patch);
      const weights = expandDims(convert(mask, "f32"), 2);
      const average = (squares: Tensor): Tensor =>
        mul(sum(mul(squares, weights)), 1 / (n * chosen * pixels.shape[2]!));
      const loss = average(square(sub(prediction, target)));
      return {
        loss,
        metrics: { explained: explained(loss, average(square(trivial))) },
        pictures: () => {
          // Brightness and contrast of a normalised patch are no part of what is predicted.
          const painted = normalize
            ? add(div(prediction, expandDims(own.scale, 2)), expandDims(own.mean, 2))
            : prediction;
          const whole = imagesOf(painted, images.shape, patch);
          return { input, target: images, prediction: where(hidden, whole, images) };
        },
      };
    },
  };
}

/** The patches of images, row by row: `[n, patches, patch * patch * channels]`. */
function patchesOf(images: Tensor, patch: number): Tensor {
  const [n, height, width, channels] = images.shape as [number, number, number, number];
  const [rows, columns] = [height / patch, width / patch];
  const cut = reshape(images, [n, rows, patch, columns, patch, channels]);
  return reshape(transpose(cut, [0, 1, 3, 2, 4, 5]), [
    n,
    rows * columns,
    patch * patch * channels,
  ]);
}

/** Images of a shape from their patches: the inverse of {@linkcode patchesOf}. */
function imagesOf(patches: Tensor, shape: readonly number[], patch: number): Tensor {
  const [n, height, width, channels] = shape as [number, number, number, number];
  const [rows, columns] = [height / patch, width / patch];
  const cut = reshape(patches, [n, rows, columns, patch, patch, channels]);
  return reshape(transpose(cut, [0, 1, 3, 2, 4, 5]), shape);
}
