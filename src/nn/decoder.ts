import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { reshape } from "../tensor/mod.ts";
import { convTranspose2dLayer } from "./conv_transpose2d_layer.ts";
import { conv2dLayer } from "./conv2d_layer.ts";
import { type Layer, statelessLayer } from "./layer.ts";
import { linear } from "./linear.ts";
import { type Normalization, normalizationLayer } from "./normalization.ts";
import { sequential } from "./sequential.ts";
import { reluLayer } from "./stateless.ts";

/** Options of {@linkcode decoder}. */
export interface DecoderOptions {
  /** Length of the embedding. */
  readonly inputs: number;
  /** Height and width of the images; each entry of `widths` doubles from the start. */
  readonly imageSize: number;
  /** Channels of the images. */
  readonly outputs: number;
  /** Channels before each doubling; `[64, 32]` unless told. */
  readonly widths?: readonly number[];
  /** Normalization before every doubling; `"batch-own"` unless told. */
  readonly normalization?: Normalization;
}

/**
 * A convolutional decoder from an embedding to an image: a linear layer to a small map, then, for
 * every width, normalization, ReLU and a transposed convolution
 * 4x4 that doubles height and width, and at last ReLU and a convolution 3x3 to the channels of the
 * image.
 *
 * Parameters: `start`, `stage1`, `stage2`, ... with `norm` and `up`, and `output`.
 *
 * Source: after the generator of Radford et al., arXiv 1511.06434, section 3.
 *
 * @param options Length of the embedding, size and channels of the images, widths, normalization.
 * @returns A layer from `[n, inputs]` to `[n, imageSize, imageSize, outputs]`.
 * @throws {RangeError} If the image size is no multiple of two to the number of widths.
 *
 * @example
 * ```ts
 * import { decoder, normal, randomKey } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const model = decoder({ inputs: 6, imageSize: 8, outputs: 3, widths: [4] });
 * const { params, state } = model.init(randomKey(0));
 * const { output } = model.apply(params, state, normal(randomKey(1), [2, 6]), { training: true });
 * assertEquals(output.shape, [2, 8, 8, 3]);
 * ```
 */
export function decoder(options: DecoderOptions): Layer {
  requireOptions("decoder", options, {
    inputs: true,
    imageSize: true,
    outputs: true,
    widths: is.optional(is.list),
    normalization: true,
  });
  const { inputs, imageSize, outputs, widths = [64, 32] } = options;
  const { normalization = "batch-own" } = options;
  const side = imageSize / 2 ** widths.length;
  if (widths.length === 0 || !Number.isInteger(side) || side < 1) {
    throw new RangeError(
      `Cannot build a decoder with ${widths.length} doublings for images of ${imageSize} x ` +
        `${imageSize}: expected at least one width, and a size that 2^${widths.length} divides.`,
    );
  }
  const [first] = widths;
  const stages = widths.map((width, k): [string, Layer] => [
    `stage${k + 1}`,
    sequential({
      norm: normalizationLayer(normalization, width),
      relu: reluLayer(),
      up: convTranspose2dLayer({
        inputs: width,
        outputs: widths[k + 1] ?? width,
        kernel: 4,
        stride: 2,
        padding: 1,
        bias: k === widths.length - 1,
      }),
    }),
  ]);
  return sequential({
    start: linear({ inputs, outputs: side * side * first!, bias: false }),
    map: statelessLayer((x) => reshape(x, [x.shape[0]!, side, side, first!])),
    ...Object.fromEntries(stages),
    relu: reluLayer(),
    output: conv2dLayer({ inputs: widths.at(-1)!, outputs, padding: 1 }),
  });
}
