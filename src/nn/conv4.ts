import { requireCounts, requireOptions } from "../ir/options.ts";
import { batchNorm, type Statistics } from "./batch_norm.ts";
import { conv2dLayer } from "./conv2d_layer.ts";
import type { Layer } from "./layer.ts";
import { linear } from "./linear.ts";
import { forImages, imageSizeOf, type ImageSizeOptions } from "./require_images.ts";
import { sequential } from "./sequential.ts";
import { flattenLayer, maxPoolLayer, reluLayer } from "./stateless.ts";

/** Options of {@linkcode conv4}. */
export interface Conv4Options extends ImageSizeOptions {
  /** Number of classes. */
  readonly ways: number;
  /** Filters of every convolution; 32 unless told. */
  readonly channels?: number;
  /** Statistics of the normalization; `"batch"` unless told. */
  readonly statistics?: Statistics;
}

/**
 * Conv4, the usual network of few-shot classification: four times [convolution 3x3 with padding 1
 * and no bias, batch normalization, ReLU, max-pooling 2x2], then a linear layer.
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
export function conv4(options: Conv4Options): Layer {
  requireOptions("conv4", options, {
    ways: true,
    channels: true,
    images: true,
    imageSize: true,
    imageChannels: true,
    statistics: true,
  });
  const { ways, channels = 32, statistics = "batch" } = options;
  requireCounts("conv4", { ways, channels });
  const size = imageSizeOf("conv4", options);
  const [rows, columns] = [Math.floor(size.height / 16), Math.floor(size.width / 16)];
  if (Math.min(rows, columns) < 1) {
    throw new RangeError(
      `Cannot build Conv4 for images of ${size.height} x ${size.width}: expected at least 16 x 16 ` +
        `for four poolings. Enlarge the images.`,
    );
  }
  const block = (inputs: number): Layer =>
    sequential({
      conv: conv2dLayer({ inputs, outputs: channels, padding: 1, bias: false }),
      norm: batchNorm({ features: channels, statistics }),
      relu: reluLayer(),
      pool: maxPoolLayer(),
    });
  const model = sequential({
    block1: block(size.channels),
    block2: block(channels),
    block3: block(channels),
    block4: block(channels),
    flatten: flattenLayer({ order: "channels-first" }),
    output: linear({ inputs: rows * columns * channels, outputs: ways }),
  });
  return forImages("conv4", size, model);
}
