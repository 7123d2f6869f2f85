import { requireCounts, requireOptions } from "../ir/options.ts";
import { conv2dLayer } from "./conv2d_layer.ts";
import type { Layer, NoParams, ScaleAndOffset, WeightAndBias } from "./layer.ts";
import { linear } from "./linear.ts";
import { type Normalization, normalizationLayer } from "./normalization.ts";
import { forImages, type ImageSize, imageSizeOf, type ImageSizeOptions } from "./require_images.ts";
import { sequential } from "./sequential.ts";
import { flattenLayer, maxPoolLayer, reluLayer } from "./stateless.ts";

/** Options of {@linkcode conv4Encoder}. */
export interface Conv4EncoderOptions extends ImageSizeOptions {
  /** Filters of every convolution; 32 unless told. */
  readonly channels?: number;
  /** Normalization after every convolution; `"batch-own"` unless told, as in the original. */
  readonly normalization?: Normalization;
}

/** Options of {@linkcode conv4}. */
export interface Conv4Options extends Conv4EncoderOptions {
  /** Number of classes. */
  readonly ways: number;
}

const KNOWN = {
  channels: true,
  images: true,
  imageSize: true,
  imageChannels: true,
  normalization: true,
} as const;

/** Parameters of a block of {@linkcode conv4}. */
export type Conv4Block = {
  readonly conv: WeightAndBias<false>;
  readonly norm: ScaleAndOffset;
};

/** Parameters of {@linkcode conv4Encoder}. */
export type Conv4EncoderParams = {
  readonly block1: Conv4Block;
  readonly block2: Conv4Block;
  readonly block3: Conv4Block;
  readonly block4: Conv4Block;
};

/** Parameters of {@linkcode conv4}. */
export type Conv4Params = Conv4EncoderParams & {
  readonly output: WeightAndBias;
};

/** The layers of {@linkcode conv4Encoder}. */
type Conv4Parts =
  & { readonly [Name in keyof Conv4EncoderParams]: Layer<Conv4Block> }
  & { readonly flatten: Layer<NoParams> };

/** The blocks, what they leave, and the images they are for. */
function conv4Parts(
  name: string,
  options: Conv4EncoderOptions,
): {
  readonly parts: Conv4Parts;
  readonly features: number;
  readonly size: ImageSize;
} {
  const { channels = 32, normalization = "batch-own" } = options;
  requireCounts(name, { channels });
  const size = imageSizeOf(name, options);
  const [rows, columns] = [Math.floor(size.height / 16), Math.floor(size.width / 16)];
  if (Math.min(rows, columns) < 1) {
    throw new RangeError(
      `Cannot build Conv4 for images of ${size.height} x ${size.width}: expected at least 16 x 16 ` +
        `for four poolings. Enlarge the images.`,
    );
  }
  const block = (inputs: number): Layer<Conv4Block> =>
    sequential({
      conv: conv2dLayer({ inputs, outputs: channels, padding: 1, bias: false }),
      norm: normalizationLayer(normalization, channels),
      relu: reluLayer(),
      pool: maxPoolLayer(),
    });
  const parts = {
    block1: block(size.channels),
    block2: block(channels),
    block3: block(channels),
    block4: block(channels),
    flatten: flattenLayer({ order: "channels-first" }),
  };
  return { parts, features: rows * columns * channels, size };
}

/**
 * Length of the embedding of a {@linkcode conv4Encoder}.
 *
 * @param options As for the encoder.
 * @returns Pixels that four poolings leave, times channels.
 * @throws {RangeError} If a size is no whole number from 1, or the images are too small.
 *
 * @example
 * ```ts
 * import { conv4Features } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(conv4Features({ imageSize: 32, channels: 64 }), 256);
 * ```
 */
export function conv4Features(options: Conv4EncoderOptions = {}): number {
  requireOptions("conv4Features", options, KNOWN);
  return conv4Parts("conv4Features", options).features;
}

/**
 * {@linkcode conv4} without its linear layer.
 *
 * @param options Filters, size of the images, normalization.
 * @returns A layer from images `[n, imageSize, imageSize, imageChannels]` to embeddings, see
 *   {@linkcode conv4Features}.
 * @throws {RangeError} If a size is no whole number from 1, or the images are too small for four poolings.
 * @throws {TypeError} When applied to images of another size.
 *
 * @example
 * ```ts
 * import { conv4Encoder, randomKey, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const model = conv4Encoder({ channels: 8, normalization: "layer" });
 * const { params, state } = model.init(randomKey(0));
 * const { output } = model.apply(params, state, zeros([5, 32, 32, 3]), { training: true });
 * assertEquals(output.shape, [5, 32]);
 * ```
 */
export function conv4Encoder(options: Conv4EncoderOptions = {}): Layer<Conv4EncoderParams> {
  requireOptions("conv4Encoder", options, KNOWN);
  const { parts, size } = conv4Parts("conv4Encoder", options);
  return forImages("conv4Encoder", size, sequential(parts));
}

/**
 * Conv4, the usual network of few-shot classification: four times [convolution 3x3 with padding 1
 * and no bias, normalization, ReLU, max-pooling 2x2], then a linear layer.
 *
 * Images are flattened by channel, height, width. By default, batch normalization always uses the
 * statistics of the batch, as in the original. Parameters: `block1` to `block4`, each with
 * `conv.weight`, `norm.gamma`, `norm.beta`, and `output` with `weight`, `bias`.
 *
 * Source: Finn et al., arXiv 1703.03400, section 5.2; Vinyals et al., arXiv 1606.04080.
 *
 * @param options Classes, filters, and size of the images.
 * @returns A layer from images `[n, height, width, channels]` to logits `[n, ways]`.
 * @throws {RangeError} If a size is no whole number from 1, or the images are too small for four poolings.
 * @throws {TypeError} When applied to images of another size.
 *
 * @example
 * ```ts
 * import { conv4, randomKey, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const model = conv4({ ways: 5, channels: 8 });
 * const { params, state } = model.init(randomKey(0));
 * const { output } = model.apply(params, state, zeros([5, 32, 32, 3]), { training: true });
 * assertEquals(output.shape, [5, 5]);
 * ```
 */
export function conv4(options: Conv4Options): Layer<Conv4Params> {
  requireOptions("conv4", options, { ways: true, ...KNOWN });
  const { ways } = options;
  requireCounts("conv4", { ways });
  const { parts, features, size } = conv4Parts("conv4", options);
  const model = sequential({ ...parts, output: linear({ inputs: features, outputs: ways }) });
  return forImages("conv4", size, model);
}
