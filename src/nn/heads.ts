import * as is from "../ir/kinds.ts";
import { requireOneOf, requireOptions } from "../ir/options.ts";
import { batchNorm } from "./batch_norm.ts";
import { standardize } from "../tensor/mod.ts";
import { type Layer, type ScaleAndOffset, statelessLayer, type WeightAndBias } from "./layer.ts";
import { linear } from "./linear.ts";
import { type Normalization, normalizationLayer } from "./normalization.ts";
import { sequential } from "./sequential.ts";
import { reluLayer } from "./stateless.ts";

/** Parameters of {@linkcode classifierHead}. */
export type ClassifierHeadParams = {
  readonly hidden: WeightAndBias;
  readonly norm: ScaleAndOffset;
  readonly output: WeightAndBias;
};

/** Options of {@linkcode classifierHead}. */
export interface ClassifierHeadOptions {
  /** Length of the embedding. */
  readonly inputs: number;
  /** Number of classes. */
  readonly classes: number;
  /** Width of the hidden layer; 512 unless told. */
  readonly hidden?: number;
  /** Normalization of the hidden layer; `"batch"` unless told (`"group"` takes one group). */
  readonly normalization?: Normalization;
}

/**
 * A classifier on top of an embedding: linear layer, ReLU, normalization, linear layer.
 *
 * Parameters: `hidden`, `norm`, `output`.
 *
 * @param options Length of the embedding, classes, width, normalization.
 * @returns A layer from `[n, inputs]` to logits `[n, classes]`.
 *
 * @example
 * ```ts
 * import { classifierHead, randomKey, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const head = classifierHead({ inputs: 16, classes: 10, hidden: 8 });
 * const { params, state } = head.init(randomKey(0));
 * const { output } = head.apply(params, state, zeros([2, 16]), { training: true });
 * assertEquals(output.shape, [2, 10]);
 * ```
 */
export function classifierHead(options: ClassifierHeadOptions): Layer<ClassifierHeadParams> {
  requireOptions("classifierHead", options, {
    inputs: true,
    classes: true,
    hidden: true,
    normalization: true,
  });
  const { inputs, classes, hidden = 512, normalization = "batch" } = options;
  return sequential({
    hidden: linear({ inputs, outputs: hidden }),
    relu: reluLayer(),
    norm: normalizationLayer(normalization === "group" ? "layer" : normalization, hidden),
    output: linear({ inputs: hidden, outputs: classes }),
  });
}

/** Parameters of {@linkcode projectionHead}. */
export type ProjectionHeadParams = {
  readonly hidden: WeightAndBias;
  readonly output: WeightAndBias;
};

/** Options of {@linkcode projectionHead}. */
export interface ProjectionHeadOptions {
  /** Length of the embedding. */
  readonly inputs: number;
  /** Width of the hidden layer; `inputs` unless told. */
  readonly hidden?: number;
  /** Length of the projection. */
  readonly outputs: number;
}

/**
 * A small perceptron on top of an embedding: linear layer, ReLU, linear layer.
 *
 * Parameters: `hidden`, `output`.
 *
 * Source: Chen et al., arXiv 2002.05709, section 4.2.
 *
 * @param options Lengths of embedding, hidden layer and projection.
 * @returns A layer from `[n, inputs]` to `[n, outputs]`.
 *
 * @example
 * ```ts
 * import { projectionHead, randomKey, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const head = projectionHead({ inputs: 16, outputs: 4 });
 * const { params, state } = head.init(randomKey(0));
 * const { output } = head.apply(params, state, zeros([2, 16]), { training: true });
 * assertEquals(output.shape, [2, 4]);
 * ```
 */
export function projectionHead(options: ProjectionHeadOptions): Layer<ProjectionHeadParams> {
  requireOptions("projectionHead", options, { inputs: true, hidden: true, outputs: true });
  const { inputs, hidden = inputs, outputs } = options;
  return sequential({
    hidden: linear({ inputs, outputs: hidden }),
    relu: reluLayer(),
    output: linear({ inputs: hidden, outputs }),
  });
}

/** Options of {@linkcode mlpHead}. */
export interface MlpHeadOptions {
  /** Length of the input. */
  readonly inputs: number;
  /** Widths of the hidden layers. */
  readonly hidden: readonly number[];
  /** Length of the output. */
  readonly outputs: number;
  /** What follows the last layer: standardization over the batch, a bias, or (default) nothing. */
  readonly last?: "norm" | "bias" | "plain";
}

/**
 * A perceptron whose hidden layers are linear layer (without bias), batch normalization by the
 * batch's own statistics, ReLU; the projectors of Barlow Twins, VICReg and SimSiam.
 *
 * Parameters: `hidden1`, `norm1`, ..., `output`.
 *
 * Sources: Zbontar et al., arXiv 2103.03230, section 2.2; Chen and He, arXiv 2011.10566, section 3.
 *
 * @param options Lengths of the layers, and what follows the last one.
 * @returns A layer from `[n, inputs]` to `[n, outputs]`.
 *
 * @example
 * ```ts
 * import { mlpHead, normal, randomKey } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const head = mlpHead({ inputs: 16, hidden: [8, 8], outputs: 4 });
 * const { params, state } = head.init(randomKey(0));
 * const { output } = head.apply(params, state, normal(randomKey(1), [2, 16]), { training: true });
 * assertEquals(output.shape, [2, 4]);
 * ```
 */
export function mlpHead(options: MlpHeadOptions): Layer {
  requireOptions("mlpHead", options, { inputs: true, hidden: is.list, outputs: true, last: true });
  const { hidden, outputs, last = "plain" } = options;
  requireOneOf("mlpHead", ["last", last], ["norm", "bias", "plain"]);
  const layers: Record<string, Layer> = {};
  let { inputs } = options;
  hidden.forEach((width, k) => {
    layers[`hidden${k + 1}`] = linear({ inputs, outputs: width, bias: false });
    layers[`norm${k + 1}`] = batchNorm({ features: width, statistics: "batch" });
    layers[`relu${k + 1}`] = reluLayer();
    inputs = width;
  });
  layers["output"] = linear({ inputs, outputs, bias: last === "bias" });
  if (last === "norm") layers["norm"] = statelessLayer((x) => standardize(x, [0]).normal);
  return sequential(layers);
}
