/**
 * A small exact meta-gradient with everything that goes along the axis of its tasks: convolutions, own
 * statistics, dropout, pooling.
 *
 * @module
 */
import type { Aval } from "../../src/ir/aval.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { softmaxCrossEntropy } from "../../src/loss/mod.ts";
import { metaGradient } from "../../src/meta/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import { bernoulli } from "../../src/random/mod.ts";
import {
  conv2d,
  matmul,
  maxPool2d,
  mul,
  relu,
  reshape,
  standardize,
  where,
} from "../../src/tensor/mod.ts";

/** Sizes of the meta-gradient. */
export interface MetaCaseOptions {
  /** Tasks. */
  readonly tasks: number;
  /** Height and width of the images. */
  readonly size: number;
  /** Filters of the convolution. */
  readonly filters: number;
  /** Inner steps. */
  readonly innerSteps: number;
}

/**
 * A function of filters, matrix, images `[task, 3, size, size, 2]`, labels and key that returns losses and
 * gradients, and its arguments.
 */
export function metaCase({ tasks, size, filters, innerSteps }: MetaCaseOptions): {
  readonly fn: (...args: Tensor[]) => Tensor[];
  readonly avals: readonly Aval[];
} {
  type Batch = { readonly images: Tensor; readonly labels: Tensor };
  const loss = (
    [first, last]: readonly Tensor[],
    _: unknown,
    { images, labels }: Batch,
    { key }: { readonly key: Tensor },
  ): Tensor => {
    const { normal } = standardize(conv2d(images, first!, { padding: 1 }), [0, 1, 2], 1e-5);
    const keep = bernoulli(key, normal.shape, { probability: 0.8 });
    const features = maxPool2d(mul(relu(normal), where(keep, 1.25, 0)));
    return softmaxCrossEntropy(matmul(reshape(features, [3, -1]), last!), labels);
  };
  const meta = metaGradient({ inner: loss, outer: loss }, {
    innerSteps,
    optimizer: sgd(),
    innerRate: 0.3,
  });
  return {
    fn: (first, last, images, labels, key) => {
      const batch = { images: images!, labels: labels! };
      const { loss, grads, innerLosses } = meta(
        { params: [first!, last!], shared: {}, rates: {} },
        { support: batch, query: batch, constants: {} },
        key!,
      );
      return [loss, ...grads.params, innerLosses];
    },
    avals: [
      { shape: [3, 3, 2, filters], dtype: "f32" },
      { shape: [(size / 2) ** 2 * filters, 2], dtype: "f32" },
      { shape: [tasks, 3, size, size, 2], dtype: "f32" },
      { shape: [tasks, 3], dtype: "i32" },
      { shape: [2], dtype: "u32" },
    ],
  };
}
