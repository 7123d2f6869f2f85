import { projectionHead } from "../nn/mod.ts";
import { splitKey } from "../random/mod.ts";
import { mul, reshape, square, sub, sum, where } from "../tensor/mod.ts";
import { extentsOf } from "./augment/augment.ts";
import { explained } from "./explained.ts";
import { choosePatches, spreadPatches } from "./patches.ts";
import type { PretextTask } from "./pretext_task.ts";

/** Options of {@linkcode maskedReconstruction}. */
export interface MaskedReconstructionOptions {
  /** Height and width of the images; 32 unless told. */
  readonly imageSize?: number;
  /** Channels of the images; 3 unless told. */
  readonly imageChannels?: number;
  /** Side of a patch, in pixels; 4 unless told. */
  readonly patch?: number;
  /** Fraction of the patches that is hidden; 0.5 unless told. */
  readonly ratio?: number;
  /** Width of the decoder's hidden layer; 512 unless told. */
  readonly hidden?: number;
}

/** What the backbone sees of a hidden patch, and what the decoder's zero means. */
const GREY = 0.5;

/**
 * Masked image reconstruction: random patches are hidden behind grey, and a decoder reconstructs
 * them from the embedding; only hidden pixels count.
 *
 * Source: after He et al., arXiv 2111.06377 (loss on hidden patches, section 3), for convolutional
 * backbones with a global embedding, whose input keeps its size as in Pathak et al.,
 * arXiv 1604.07379.
 *
 * @param options Size of images and patches, fraction that is hidden, width of the decoder.
 * @returns The task; metric `explained`, the fraction of the squared distance from grey that is
 *   reconstructed on the hidden pixels.
 * @throws {RangeError} If the patch does not divide the image, or no or every patch is hidden.
 *
 * @example
 * ```ts
 * import { full, maskedReconstruction, mean, randomKey } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = maskedReconstruction({ imageSize: 8, hidden: 8 });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const images = full([2, 8, 8, 3], { value: 0.25 });
 * assertEquals(task.loss({ encode, head, images, key: randomKey(1) }).loss.shape, []);
 * ```
 */
export function maskedReconstruction(options: MaskedReconstructionOptions = {}): PretextTask {
  const { imageSize = 32, imageChannels = 3, patch = 4, ratio = 0.5, hidden = 512 } = options;
  const side = imageSize / patch;
  const chosen = Math.round(side * side * ratio);
  if (!Number.isInteger(side) || chosen < 1 || chosen >= side * side) {
    throw new RangeError(
      `Cannot hide a fraction of ${ratio} of the patches of ${patch} x ${patch} pixels in images ` +
        `of ${imageSize} x ${imageSize}: expected a patch that divides the image, and at least ` +
        `one patch hidden and one visible.`,
    );
  }
  const outputs = imageSize * imageSize * imageChannels;
  const headFor = (inputs: number) => projectionHead({ inputs, hidden, outputs });
  return {
    name: "masked-reconstruction",
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
      const mask = spreadPatches(
        choosePatches(maskKey!, { images: n, patches: side * side, chosen }),
        { rows: side, columns: side, side: patch },
      );
      const embeddings = encode(where(mask, GREY, images), encodeKey!);
      const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
        training: true,
      });
      const target = where(mask, sub(images, GREY), 0);
      const error = where(mask, sub(reshape(output, images.shape), target), 0);
      const hiddenValues = n * chosen * patch * patch * imageChannels;
      const loss = mul(sum(square(error)), 1 / hiddenValues);
      const share = hiddenValues / images.size;
      return { loss, metrics: { explained: explained(mul(loss, share), target) } };
    },
  };
}
