import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { mlpHead, type Params } from "../nn/mod.ts";
import { splitKey } from "../random/mod.ts";
import { add, concat, l2Normalize, mean, mul, split, stopGradient, sum } from "../tensor/mod.ts";
import { type Augment, simclrAugment } from "./augment/mod.ts";
import type { PretextTask } from "./pretext_task.ts";
import { encodeTwoViews, viewMetrics, viewPictures } from "./two_views.ts";

/** Options of {@linkcode simSiam}. */
export interface SimSiamOptions {
  /** Length of the projection; 512 unless told. */
  readonly projection?: number;
  /** Width of the predictor's hidden layer; a quarter of the projection unless told. */
  readonly bottleneck?: number;
  /** How a view is made; {@linkcode simclrAugment} unless told. */
  readonly augment?: Augment;
}

/**
 * SimSiam: from one view a predictor tells the other view's projection, through which no
 * gradient goes.
 *
 * Both views are one batch to the backbone and the head: batch normalization takes the statistics of both,
 * where the authors' program normalizes each view by its own.
 *
 * Source: Chen and He, arXiv 2011.10566, algorithm 1; the loss is 1 minus the mean cosine, which
 * has the gradient of the paper's and is 0 at best.
 *
 * In an inner loop, take first order: the exact meta-gradient takes the other view's projection for a
 * constant of every inner step, which it is not, and the guard of meta-training refuses it.
 *
 * @param options Widths of projector and predictor, augmentation.
 * @returns The task, for batches of two images and more; metrics `alignment`, the mean cosine
 *   between views of one image, and `spread`, 1 where they fill the sphere, 0 where they collapse.
 *
 * @example
 * ```ts
 * import { mean, normal, randomKey, simSiam } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = simSiam({ projection: 8 });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const images = normal(randomKey(2), [4, 4, 4, 3]);
 * const { loss } = task.loss({ encode, head, images, key: randomKey(1) });
 * assertEquals(loss.shape, []);
 * ```
 */
export function simSiam(options: SimSiamOptions = {}): PretextTask {
  requireOptions("simSiam", options, {
    projection: is.optionalNumber,
    bottleneck: is.optionalNumber,
    augment: true,
  });
  const { projection = 512, augment = simclrAugment() } = options;
  const { bottleneck = Math.ceil(projection / 4) } = options;
  const projectorFor = (inputs: number) =>
    mlpHead({ inputs, hidden: [projection, projection], outputs: projection, last: "norm" });
  const predictor = mlpHead({
    inputs: projection,
    hidden: [bottleneck],
    outputs: projection,
    last: "bias",
  });
  return {
    name: "simsiam",
    needsLabels: false,
    initHead: (key, embedding) => {
      const [projectorKey, predictorKey] = splitKey(key, 2);
      return {
        projector: projectorFor(embedding).init(projectorKey!).params,
        predictor: predictor.init(predictorKey!).params,
      };
    },
    loss({ head, ...given }) {
      const { views, embeddings } = encodeTwoViews(given, augment);
      const training = { training: true };
      const { output: projected } = projectorFor(embeddings.shape[1]!)
        .apply(head["projector"] as Params, {}, embeddings, training);
      const { output: predicted } = predictor
        .apply(head["predictor"] as Params, {}, projected, training);
      const [one, other] = split(stopGradient(projected), { parts: 2 });
      const loss = add(1, mul(meanCosine(predicted, concat([other!, one!])), -1));
      return {
        loss,
        metrics: viewMetrics(projected),
        pictures: () => viewPictures(views, { query: predicted, searched: projected }),
      };
    },
  };
}

function meanCosine(a: Tensor, b: Tensor): Tensor {
  return mean(sum(mul(l2Normalize(a), l2Normalize(b)), { axes: 1 }));
}
