import * as is from "../ir/kinds.ts";
import { requireOneOf, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { decoder, type Params } from "../nn/mod.ts";
import { splitKey } from "../random/mod.ts";
import {
  concat,
  conv2d,
  convert,
  expandDims,
  eye,
  pad,
  sigmoid,
  tile,
  where,
  zeros,
} from "../tensor/mod.ts";
import {
  GREY,
  maskingOf,
  type MaskOptions,
  patchesOf,
  reconstructionLoss,
  requireSize,
} from "./patch_reconstruction.ts";
import { choosePatches, spreadPatches } from "./patches.ts";
import type { PretextTask } from "./pretext_task.ts";

/** Options of {@linkcode maskedAutoencoding}. */
export interface MaskedAutoencodingOptions extends MaskOptions {
  /** Channels of the decoder before each doubling; `[64, 32]` unless told. */
  readonly widths?: readonly number[];
  /** How hidden patches are shown; `"grey"` unless told. */
  readonly shown?: HiddenPatches;
}

/**
 * How hidden patches are shown to a convolutional backbone: `"grey"`; as a learned `"token"`, a patch of
 * pixels in `[0, 1]`; or black, with a fourth `"channel"` that is 1 where they are.
 */
export type HiddenPatches = "grey" | "token" | "channel";

/** All names of {@linkcode HiddenPatches}. */
export const HIDDEN_PATCHES: readonly HiddenPatches[] = ["grey", "token", "channel"];

/**
 * Masked autoencoding for convolutional backbones with a global embedding: most patches are hidden, and a
 * decoder of transposed convolutions reconstructs them from the embedding; only hidden patches count. A
 * vision transformer does without them: {@linkcode maskedPatches}.
 *
 * Hidden patches are grey, or what is learned, since the input keeps its size. With a mask channel the head
 * holds `join`, a convolution 1x1 from the channels and the mask to as many channels as the backbone has,
 * which starts by passing colours as they are; with a token it holds `token`, its pixels before a sigmoid.
 *
 * Source: He et al., arXiv 2111.06377, section 3: 75 % hidden, the mean squared error over hidden
 * patches, each normalised by its own mean and deviation; a learned token in the pixels: Xie et al., arXiv
 * 2111.09886, section 3.2.
 *
 * @param options Size of images and patches, fraction that is hidden, how it is shown, normalization,
 *   decoder.
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
    imageSize: is.optionalNumber,
    imageChannels: is.optionalNumber,
    patch: is.optionalNumber,
    ratio: is.optionalNumber,
    normalize: true,
    widths: true,
    shown: true,
  });
  const masking = maskingOf(options);
  const { imageSize, imageChannels, patch, side, patches, hidden } = masking;
  const { widths = [64, 32], shown = "grey" } = options;
  requireOneOf("maskedAutoencoding", ["shown", shown], HIDDEN_PATCHES);
  const headFor = (inputs: number) =>
    decoder({ inputs, imageSize, outputs: imageChannels, widths });
  return {
    name: "masked-autoencoding",
    needsLabels: false,
    initHead(key, embedding): Params {
      const own = headFor(embedding).init(key).params;
      if (shown === "token") return { ...own, token: zeros([patch, patch, imageChannels]) };
      if (shown === "grey") return own;
      const pass = pad(eye(imageChannels), [[0, 1], [0, 0]]);
      return { ...own, join: expandDims(expandDims(pass, 0), 0) };
    },
    loss({ encode, head, images, key }) {
      const n = requireSize(images, masking);
      const [maskKey, encodeKey] = splitKey(key, 2);
      const mask = choosePatches(maskKey!, { images: n, patches, chosen: hidden });
      const away = spreadPatches(mask, { rows: side, columns: side, side: patch });
      const input = (): Tensor => {
        if (shown === "grey") return where(away, GREY, images);
        if (shown === "token") {
          const token = tile(sigmoid(head["token"] as Tensor), [side, side, 1]);
          return where(away, token, images);
        }
        const both = concat([where(away, 0, images), convert(away, "f32")], { axis: 3 });
        return conv2d(both, head["join"] as Tensor);
      };
      const embeddings = encode(input(), encodeKey!);
      const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
        training: true,
      });
      return reconstructionLoss({
        images,
        mask,
        shown: where(away, GREY, images),
        prediction: patchesOf(output, patch),
      }, masking);
    },
  };
}
