import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { normal } from "../random/mod.ts";
import { add, mean, range, reshape, takeAt, takeRows, transpose } from "../tensor/mod.ts";
import { type Layer, type Params, statelessLayer, tensorOf, type VisiblePatches } from "./layer.ts";
import { linear } from "./linear.ts";
import { sequential } from "./sequential.ts";
import { transformerTrunk } from "./transformer_block.ts";

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

/** The chosen rows `[n, count, ...]` of `x` `[n, rows, ...]`, or of `[rows, ...]` for all images. */
function chosenRows(x: Tensor, { indices, patches }: VisiblePatches): Tensor {
  if (x.shape.at(-2) !== patches) {
    throw new RangeError(
      `Cannot compute some of ${patches} patches by a vision transformer with ` +
        `${x.shape.at(-2)} patches: expected the same. Give task and backbone one size of a patch.`,
    );
  }
  if (x.rank === 2) return takeRows(x, indices);
  const image = reshape(range(x.shape[0]!), [x.shape[0]!, 1]);
  return takeAt(x, [image, indices]);
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
 *   `{ visible }` when it is applied leaves out all other patches, as masked autoencoders do, and gives the
 *   normalized tokens `[n, count, features]`.
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
  const cells = linear({ inputs: patch * patch * imageChannels, outputs: features });
  const layers = transformerTrunk(depth, { features, heads, expansion });
  const trunk = sequential(layers);
  const body = sequential({
    patches: cells,
    positions: positions(side * side, features),
    ...layers,
    mean: statelessLayer((tokens) => mean(tokens, { axes: 1 })),
  });
  return {
    init: (key) => body.init(key),
    apply(params, state, images, { visible, ...given }) {
      requireCall("apply", arguments, 3, 4);
      const rows = cutPatches(images, imageSize, patch);
      if (!visible) return body.apply(params, state, rows, given);
      const seen = chosenRows(rows, visible);
      const embedded = cells.apply(params["patches"] as Params, {}, seen, given).output;
      const places = chosenRows(tensorOf(params["positions"] as Params, "embedding"), visible);
      return trunk.apply(params, state, add(embedded, places), given);
    },
  };
}
