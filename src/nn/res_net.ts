import { requireOneOf, requireOptions } from "../ir/options.ts";
import { conv2dLayer } from "./conv2d_layer.ts";
import type { Layer } from "./layer.ts";
import { type Normalization, normalizationLayer } from "./normalization.ts";
import { residual } from "./residual.ts";
import { sequential } from "./sequential.ts";
import { globalAveragePool, maxPoolLayer, reluLayer } from "./stateless.ts";

/** Options of {@linkcode resNet}. */
export interface ResNetOptions {
  /** Number of layers: 18 with basic blocks, or 50 with bottlenecks. */
  readonly depth: 18 | 50;
  /** Channels of the first stage, which double at each of the next three; 64 unless told. */
  readonly width?: number;
  /** Channels of the images; 3 unless told. */
  readonly imageChannels?: number;
  /** Normalization after every convolution; `"batch"` unless told. */
  readonly normalization?: Normalization;
  /**
   * What comes first: `"small"` (unless told) for images up to about 64 x 64, a convolution 3x3 of stride 1;
   * `"imagenet"` as in the paper, a convolution 7x7 of stride 2 and max-pooling 3x3 of stride 2, which make
   * height and width a quarter.
   */
  readonly stem?: Stem;
}

/** What comes first in a {@linkcode resNet}. */
export type Stem = "small" | "imagenet";

/** All names of {@linkcode Stem}. */
export const STEMS: readonly Stem[] = ["small", "imagenet"];

/** Blocks of each stage. */
const BLOCKS = { 18: [2, 2, 2, 2], 50: [3, 4, 6, 3] } as const;

/** How much wider than its 3x3 convolution a block ends. */
const EXPANSION = { 18: 1, 50: 4 } as const;

/**
 * Length of the embedding of a {@linkcode resNet}.
 *
 * @param options Depth and width.
 * @returns 512 or 2048 at the usual width.
 *
 * @example
 * ```ts
 * import { resNetFeatures } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(resNetFeatures({ depth: 50 }), 2048);
 * ```
 */
export function resNetFeatures(options: ResNetOptions): number {
  requireOptions("resNetFeatures", options, {
    depth: true,
    width: true,
    imageChannels: true,
    normalization: true,
    stem: true,
  });
  const { depth, width = 64 } = options;
  requireOneOf("resNetFeatures", ["depth", depth], [18, 50]);
  return 8 * width * EXPANSION[depth];
}

/**
 * ResNet-18 or ResNet-50 without its classifier, with the stem for small images or that of the paper.
 *
 * Parameters: `stem` (`conv`, `norm`), `stage1` to `stage4` with `block1`, `block2`, ..., each with
 * `conv1`, `norm1`, ... and, where shapes change, `shortcut` (`conv`, `norm`). Filters are
 * `[kernel, kernel, inputs, outputs]`; a stage's stride is that of the 3x3 convolution of its first
 * block, as in torchvision.
 *
 * Sources: He et al., arXiv 1512.03385, table 1; the stem of Chen et al., arXiv 2002.05709,
 * appendix B.9, for small images.
 *
 * @param options Depth, width, channels of the images, normalization, stem.
 * @returns A layer from images `[n, height, width, imageChannels]` to `[n, features]`, see
 *   {@linkcode resNetFeatures}.
 * @throws {RangeError} If depth, normalization or stem is none of those.
 *
 * @example
 * ```ts
 * import { normal, randomKey, resNet } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const model = resNet({ depth: 18, width: 2, normalization: "group" });
 * const { params, state } = model.init(randomKey(0));
 * const images = normal(randomKey(1), [1, 8, 8, 3]);
 * assertEquals(model.apply(params, state, images, { training: false }).output.shape, [1, 16]);
 * ```
 */
export function resNet(options: ResNetOptions): Layer {
  requireOptions("resNet", options, {
    depth: true,
    width: true,
    imageChannels: true,
    normalization: true,
    stem: true,
  });
  const { depth, width = 64, imageChannels = 3, normalization = "batch" } = options;
  const { stem = "small" } = options;
  requireOneOf("resNet", ["depth", depth], [18, 50]);
  requireOneOf("resNet", ["stem", stem], STEMS);
  const norm = (features: number): Layer => normalizationLayer(normalization, features);
  const conv = (inputs: number, outputs: number, kernel: 1 | 3 | 7, stride = 1): Layer =>
    conv2dLayer({ inputs, outputs, kernel, stride, padding: (kernel - 1) / 2, bias: false });
  const block = (inputs: number, features: number, stride: number): Layer => {
    const outputs = features * EXPANSION[depth];
    const body = depth === 18
      ? sequential({
        conv1: conv(inputs, features, 3, stride),
        norm1: norm(features),
        relu1: reluLayer(),
        conv2: conv(features, features, 3),
        norm2: norm(features),
      })
      : sequential({
        conv1: conv(inputs, features, 1),
        norm1: norm(features),
        relu1: reluLayer(),
        conv2: conv(features, features, 3, stride),
        norm2: norm(features),
        relu2: reluLayer(),
        conv3: conv(features, outputs, 1),
        norm3: norm(outputs),
      });
    return stride === 1 && inputs === outputs ? residual(body) : residual(
      body,
      sequential({ conv: conv(inputs, outputs, 1, stride), norm: norm(outputs) }),
    );
  };
  const stages: Record<string, Layer> = {};
  let inputs = width;
  BLOCKS[depth].forEach((count, stage) => {
    const features = width * 2 ** stage;
    const blocks: Record<string, Layer> = {};
    for (let k = 0; k < count; k++) {
      blocks[`block${k + 1}`] = block(inputs, features, k === 0 && stage > 0 ? 2 : 1);
      inputs = features * EXPANSION[depth];
    }
    stages[`stage${stage + 1}`] = sequential(blocks);
  });
  return sequential({
    stem: sequential({
      conv: stem === "small" ? conv(imageChannels, width, 3) : conv(imageChannels, width, 7, 2),
      norm: norm(width),
      relu: reluLayer(),
      ...(stem === "imagenet" && { pool: maxPoolLayer({ window: 3, stride: 2, padding: 1 }) }),
    }),
    ...stages,
    pool: globalAveragePool(),
  });
}
