import { requireCall, requireOptions } from "../ir/options.ts";
import { splitKey } from "../random/mod.ts";
import { add, convTranspose2d, type ConvTranspose2dOptions } from "../tensor/mod.ts";
import { kaimingUniform } from "./initializers.ts";
import { type Layer, tensorOf, type WeightAndBias } from "./layer.ts";

/** Options of {@linkcode convTranspose2dLayer}. */
export interface ConvTranspose2dLayerOptions<Bias extends boolean = boolean>
  extends ConvTranspose2dOptions {
  /** Channels of the input images. */
  readonly inputs: number;
  /** Channels of the output images. */
  readonly outputs: number;
  /** Height and width of the filters; 3 unless told. */
  readonly kernel?: number;
  /** Whether a bias is added; true unless told. */
  readonly bias?: Bias;
}

/**
 * A transposed 2-D convolution, initialized as in PyTorch.
 *
 * Parameters: `weight` `[kernel, kernel, outputs / groups, inputs]`, `bias` `[outputs]`.
 *
 * @param options Channels, size of the filters, stride, paddings, and whether there is a bias.
 * @returns A layer from `[n, height, width, inputs]` to `[n, outHeight, outWidth, outputs]`.
 *
 * @example
 * ```ts
 * import { convTranspose2dLayer, ones, randomKey } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = convTranspose2dLayer({ inputs: 8, outputs: 3, kernel: 2, stride: 2 });
 * const { params, state } = layer.init(randomKey(0));
 * const { output } = layer.apply(params, state, ones([2, 4, 4, 8]), { training: true });
 * assertEquals(output.shape, [2, 8, 8, 3]);
 * ```
 */
export function convTranspose2dLayer<const Bias extends boolean = true>(
  options: ConvTranspose2dLayerOptions<Bias>,
): Layer<WeightAndBias<Bias>> {
  requireOptions("convTranspose2dLayer", options, {
    stride: true,
    padding: true,
    dilation: true,
    groups: true,
    outputPadding: true,
    inputs: true,
    outputs: true,
    kernel: true,
    bias: true,
  });
  const { inputs, outputs, kernel = 3, bias = true, ...geometry } = options;
  // PyTorch takes the fan-in of a transposed convolution from its output channels.
  const outer = outputs / (geometry.groups ?? 1);
  const fanIn = kernel * kernel * outer;
  return {
    init(key) {
      const [weightKey, biasKey] = splitKey(key, 2);
      const weight = kaimingUniform(weightKey!, [kernel, kernel, outer, inputs], { fanIn });
      const params = bias
        ? { weight, bias: kaimingUniform(biasKey!, [outputs], { fanIn }) }
        : { weight };
      return { params: params as WeightAndBias<Bias>, state: {} };
    },
    apply(params, state, x) {
      requireCall("apply", arguments, 3, 4);
      const images = convTranspose2d(x, tensorOf(params, "weight"), geometry);
      return { output: bias ? add(images, tensorOf(params, "bias")) : images, state };
    },
  };
}
