import { requireCall, requireCounts, requireOptions } from "../ir/options.ts";
import { splitKey } from "../random/mod.ts";
import { add, conv2d, type Conv2dOptions } from "../tensor/mod.ts";
import { kaimingUniform } from "./initializers.ts";
import { type Layer, tensorOf, type WeightAndBias } from "./layer.ts";

/** Options of {@linkcode conv2dLayer}. */
export interface Conv2dLayerOptions<Bias extends boolean = boolean> extends Conv2dOptions {
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
 * A 2-D convolution, initialized as in PyTorch.
 *
 * Parameters: `weight` `[kernel, kernel, inputs / groups, outputs]`, `bias` `[outputs]`.
 *
 * @param options Channels, size of the filters, stride, padding, dilation, groups, and whether there is a
 *   bias.
 * @returns A layer from `[n, height, width, inputs]` to `[n, outHeight, outWidth, outputs]`.
 *
 * @example
 * ```ts
 * import { conv2dLayer, ones, randomKey } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = conv2dLayer({ inputs: 3, outputs: 8, padding: 1 });
 * const { params, state } = layer.init(randomKey(0));
 * const { output } = layer.apply(params, state, ones([2, 5, 5, 3]), { training: true });
 * assertEquals(output.shape, [2, 5, 5, 8]);
 * ```
 */
export function conv2dLayer<const Bias extends boolean = true>(
  options: Conv2dLayerOptions<Bias>,
): Layer<WeightAndBias<Bias>> {
  requireOptions("conv2dLayer", options, {
    stride: true,
    padding: true,
    dilation: true,
    groups: true,
    inputs: true,
    outputs: true,
    kernel: true,
    bias: true,
  });
  const { inputs, outputs, kernel = 3, bias = true, ...geometry } = options;
  requireCounts("conv2dLayer", { inputs, outputs, kernel });
  const inner = inputs / (geometry.groups ?? 1);
  return {
    init(key) {
      const [weightKey, biasKey] = splitKey(key, 2);
      const weight = kaimingUniform(weightKey!, [kernel, kernel, inner, outputs]);
      const fanIn = kernel * kernel * inner;
      const params = bias
        ? { weight, bias: kaimingUniform(biasKey!, [outputs], { fanIn }) }
        : { weight };
      return { params: params as WeightAndBias<Bias>, state: {} };
    },
    apply(params, state, x) {
      requireCall("apply", arguments, 3, 4);
      const weight = tensorOf(params, "weight", [kernel, kernel, inner, outputs]);
      const images = conv2d(x, weight, geometry);
      return { output: bias ? add(images, tensorOf(params, "bias", [outputs])) : images, state };
    },
  };
}
