import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { conv2dLayer } from "./conv2d_layer.ts";
import { dropout as dropoutLayer } from "./dropout.ts";
import type { Layer, ScaleAndOffset, WeightAndBias } from "./layer.ts";
import { linear } from "./linear.ts";
import { type Normalization, normalizationLayer } from "./normalization.ts";
import { forImages, imageSizeOf, type ImageSizeOptions } from "./require_images.ts";
import { sequential } from "./sequential.ts";
import { flattenLayer, maxPoolLayer, reluLayer } from "./stateless.ts";

/** Options of {@linkcode encoder}. */
export interface EncoderOptions extends ImageSizeOptions {
  /** Channels of every stage; `[32, 64, 128]` unless told. */
  readonly widths?: readonly number[];
  /** Length of the embedding; 1024 unless told. */
  readonly embedding?: number;
  /** Rate of dropout; 0.25 unless told. */
  readonly dropout?: number;
  /** Normalization after every convolution and of the embedding; `"batch"` unless told. */
  readonly normalization?: Normalization;
}

/** Parameters of a stage of {@linkcode encoder}. */
export type EncoderStage = {
  readonly conv1: WeightAndBias;
  readonly norm1: ScaleAndOffset;
  readonly conv2: WeightAndBias;
  readonly norm2: ScaleAndOffset;
};

/** Parameters of {@linkcode encoder}: `stage1`, `stage2`, ... and the embedding. */
export type EncoderParams = {
  readonly [stage: `stage${number}`]: EncoderStage;
  readonly embedding: WeightAndBias;
  readonly norm: ScaleAndOffset;
};

/**
 * A convolutional encoder: stages of [convolution 3x3 with padding 1, ReLU, batch normalization,
 * convolution 3x3 without padding, ReLU, batch normalization, max-pooling 2x2, dropout], then
 * a linear layer to the embedding, batch normalization, dropout.
 *
 * Images are flattened by height, width, channel. Parameters: `stage1`, `stage2`, ... with
 * `conv1`, `norm1`, `conv2`, `norm2`, then `embedding` and `norm`.
 *
 * @param options Widths, embedding, dropout, size of the images, normalization (of the embedding, `"group"`
 *   takes one group).
 * @returns A layer from images `[n, height, width, channels]` to `[n, embedding]`.
 * @throws {RangeError} If a size is no whole number from 1, or the images are too small for that many stages.
 * @throws {TypeError} If the size is told twice; when applied to images of another size.
 *
 * @example
 * ```ts
 * import { encoder, imageDataset, randomKey, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const model = encoder({ widths: [4, 8], embedding: 16, imageSize: 16 });
 * const { params, state } = model.init(randomKey(0));
 * const { output } = model.apply(params, state, zeros([2, 16, 16, 3]), { training: false });
 * assertEquals(output.shape, [2, 16]);
 *
 * // The size comes from the data.
 * const images = [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]];
 * const own = encoder({ widths: [4], embedding: 8, images: imageDataset({ images, labels: [0] }) });
 * assertEquals(own.init(randomKey(0)).params["stage1"] !== undefined, true);
 * ```
 */
export function encoder(options: EncoderOptions = {}): Layer<EncoderParams> {
  requireOptions("encoder", options, {
    widths: is.optional(is.listOf(is.count)),
    embedding: is.optional(is.count),
    dropout: is.optional(is.number),
    images: true,
    imageSize: true,
    imageChannels: true,
    normalization: true,
  });
  const {
    widths = [32, 64, 128],
    embedding = 1024,
    dropout = 0.25,
    normalization = "batch",
  } = options;
  const size = imageSizeOf("encoder", options);
  const stages: Record<`stage${number}`, Layer<EncoderStage>> = {};
  let { height, width, channels: inputs } = size;
  widths.forEach((outputs, k) => {
    stages[`stage${k + 1}`] = sequential({
      conv1: conv2dLayer({ inputs, outputs, padding: 1 }),
      relu1: reluLayer(),
      norm1: normalizationLayer(normalization, outputs),
      conv2: conv2dLayer({ inputs: outputs, outputs }),
      relu2: reluLayer(),
      norm2: normalizationLayer(normalization, outputs),
      pool: maxPoolLayer(),
      dropout: dropoutLayer({ rate: dropout }),
    });
    height = Math.floor((height - 2) / 2);
    width = Math.floor((width - 2) / 2);
    inputs = outputs;
  });
  if (Math.min(height, width) < 1) {
    throw new RangeError(
      `Cannot build an encoder of ${widths.length} stages for images of ${size.height} x ` +
        `${size.width}: a stage maps size s to floor((s - 2) / 2), nothing is left. Use fewer ` +
        `stages or larger images.`,
    );
  }
  const model = sequential({
    ...stages,
    flatten: flattenLayer(),
    embedding: linear({ inputs: height * width * inputs, outputs: embedding }),
    norm: normalizationLayer(normalization === "group" ? "layer" : normalization, embedding),
    dropout: dropoutLayer({ rate: dropout }),
  });
  return forImages("encoder", size, model);
}
