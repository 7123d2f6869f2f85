import { formatAval } from "../ir/aval.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { normal } from "../random/mod.ts";
import { add, gelu, mean, reshape, transpose } from "../tensor/mod.ts";
import { type Layer, statelessLayer, tensorOf } from "./layer.ts";
import { layerNorm } from "./layer_norm.ts";
import { linear } from "./linear.ts";
import { selfAttention } from "./self_attention.ts";
import { sequential } from "./sequential.ts";

/** Options of {@linkcode visionTransformer}; the defaults are those of ViT-Tiny for 32 x 32. */
export interface VisionTransformerOptions {
  /** Height and width of the images; 32 unless told. */
  readonly imageSize?: number;
  /** Channels of the images; 3 unless told. */
  readonly imageChannels?: number;
  /** Height and width of a patch, which divide the image; 4 unless told. */
  readonly patch?: number;
  /** Length of the tokens and of the embedding; 192 unless told. */
  readonly features?: number;
  /** Number of blocks; 12 unless told. */
  readonly depth?: number;
  /** Heads of the attention; 3 unless told. */
  readonly heads?: number;
  /** Width of the hidden layer of a block, as a multiple of `features`; 4 unless told. */
  readonly expansion?: number;
}

/** Adds a layer's result to its input; parameters are those of the layer. */
function addedTo(layer: Layer): Layer {
  return {
    init: (key) => layer.init(key),
    apply(params, state, x, options) {
      const result = layer.apply(params, state, x, options);
      return { output: add(x, result.output), state: result.state };
    },
  };
}

/** Adds a learned vector to every token by its place. */
function positions(tokens: number, features: number): Layer {
  return {
    init: (key) => ({
      params: { embedding: normal(key, [tokens, features], { deviation: 0.02 }) },
      state: {},
    }),
    apply: (params, state, x) => ({ output: add(x, tensorOf(params, "embedding")), state }),
  };
}

/** Images as sequences of flattened patches, row by row: `[n, patches, patch * patch * channels]`. */
function cutPatches(images: Tensor, size: number, patch: number): Tensor {
  const [n, height, width, channels] = images.shape;
  if (images.rank !== 4 || height !== size || width !== size) {
    throw new TypeError(
      `Cannot cut ${formatAval(images)} into patches: expected images [n, ${size}, ${size}, ` +
        `channels], for which the transformer was made.`,
    );
  }
  const side = size / patch;
  const cut = reshape(images, [n!, side, patch, side, patch, channels!]);
  return reshape(transpose(cut, [0, 1, 3, 2, 4, 5]), [n!, side * side, patch * patch * channels!]);
}

/**
 * A vision transformer: patches become tokens, which go through blocks of self-attention and a
 * perceptron, each behind a layer normalization and beside a shortcut; the embedding is the mean of
 * the normalized tokens.
 *
 * It has no state and does not depend on the batch. Parameters: `patches`, `positions`, `block1`,
 * `block2`, ... with `attention` and `perceptron`, and `norm`.
 *
 * Sources: Dosovitskiy et al., arXiv 2010.11929, section 3.1 (pre-norm blocks, learned positions); the
 * mean in place of a class token as in appendix D.3; Tiny: Touvron et al., arXiv 2012.12877, table 1.
 *
 * @param options Sizes of images, patches, tokens, and the number of blocks and heads.
 * @returns A layer from images `[n, imageSize, imageSize, imageChannels]` to `[n, features]`.
 * @throws {RangeError} If the patch does not divide the image.
 *
 * @example
 * ```ts
 * import { normal, randomKey, visionTransformer } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const model = visionTransformer({ imageSize: 8, features: 6, depth: 1, heads: 2 });
 * const { params, state } = model.init(randomKey(0));
 * const images = normal(randomKey(1), [2, 8, 8, 3]);
 * assertEquals(model.apply(params, state, images, { training: true }).output.shape, [2, 6]);
 * ```
 */
export function visionTransformer(options: VisionTransformerOptions = {}): Layer {
  requireOptions("visionTransformer", options, {
    imageSize: true,
    imageChannels: true,
    patch: true,
    features: true,
    depth: true,
    heads: true,
    expansion: true,
  });
  const { imageSize = 32, imageChannels = 3, patch = 4 } = options;
  const { features = 192, depth = 12, heads = 3, expansion = 4 } = options;
  const side = imageSize / patch;
  if (!Number.isInteger(side) || side < 1) {
    throw new RangeError(
      `Cannot build a vision transformer for images of ${imageSize} x ${imageSize} with patches of ` +
        `${patch} x ${patch}: expected a patch that divides the image.`,
    );
  }
  const block = sequential({
    attention: addedTo(sequential({
      norm: layerNorm({ features, epsilon: 1e-6 }),
      mix: selfAttention({ features, heads }),
    })),
    perceptron: addedTo(sequential({
      norm: layerNorm({ features, epsilon: 1e-6 }),
      hidden: linear({ inputs: features, outputs: expansion * features }),
      gelu: statelessLayer((x) => gelu(x)),
      output: linear({ inputs: expansion * features, outputs: features }),
    })),
  });
  const blocks = Array.from({ length: depth }, (_, k) => [`block${k + 1}`, block] as const);
  const body = sequential({
    patches: linear({ inputs: patch * patch * imageChannels, outputs: features }),
    positions: positions(side * side, features),
    ...Object.fromEntries(blocks),
    norm: layerNorm({ features, epsilon: 1e-6 }),
    mean: statelessLayer((tokens) => mean(tokens, { axes: 1 })),
  });
  return {
    init: (key) => body.init(key),
    apply: (params, state, images, given) =>
      body.apply(params, state, cutPatches(images, imageSize, patch), given),
  };
}
