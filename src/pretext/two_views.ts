import { formatAval } from "../ir/aval.ts";
import type { Tensor } from "../ir/tensor.ts";
import { splitKey } from "../random/mod.ts";
import {
  add,
  argMax,
  concat,
  equal,
  l2Normalize,
  matmul,
  mean,
  mul,
  range,
  reshape,
  split,
  sqrt,
  sum,
  takeRows,
  transpose,
  variance,
  where,
} from "../tensor/mod.ts";
import type { Augment } from "./augment/mod.ts";
import type { Layer } from "../nn/mod.ts";
import type { PretextInputs, PretextLoss, PretextPictures, PretextTask } from "./pretext_task.ts";

/**
 * Embeddings of two random views of every image.
 *
 * @param inputs Backbone, images and key of the task.
 * @param augment How a view is made.
 * @returns The views `[2 n, height, width, channels]` and their embeddings `[2 n, embedding]`; rows `i`
 *   and `i + n` are views of one image.
 * @throws {RangeError} If there are fewer than two images, of which nothing is to be told apart.
 */
export function encodeTwoViews(
  { encode, images, key }: Pick<PretextInputs, "encode" | "images" | "key">,
  augment: Augment,
): { readonly views: Tensor; readonly embeddings: Tensor } {
  if (images.shape[0]! < 2) {
    throw new RangeError(
      `Cannot tell views of ${formatAval(images)} apart: expected two images or more.`,
    );
  }
  const [viewKey, encodeKey] = splitKey(key, 2);
  const views = augment(concat([images, images]), viewKey!);
  return { views, embeddings: encode(views, encodeKey!) };
}

/**
 * Pictures of two views of a batch: a view, its partner, and the view that is found in its place, by the
 * greatest cosine among all others.
 *
 * @param views The views `[2 n, height, width, channels]`.
 * @param vectors What the views are found by, `[2 n, features]`: `searched` with `query`.
 * @returns Pictures of the first views `[n, height, width, channels]`.
 */
export function viewPictures(
  views: Tensor,
  { query, searched = query }: { readonly query: Tensor; readonly searched?: Tensor },
): PretextPictures {
  const [one, other] = split(views, { parts: 2 });
  const [first] = split(l2Normalize(query), { parts: 2 });
  const cosines = matmul(first!, transpose(l2Normalize(searched)));
  const [n, all] = cosines.shape as [number, number];
  const self = equal(reshape(range(n), [n, 1]), reshape(range(all), [1, all]));
  const nearest = argMax(where(self, -2, cosines), { axes: 1 });
  return { input: one!, target: other!, prediction: takeRows(views, nearest) };
}

/**
 * Figures that describe two views of a batch.
 *
 * @param output Vectors `[2 n, features]`; rows `i` and `i + n` are views of one image.
 * @returns `alignment`, the mean cosine between partners, and `spread`, the mean deviation of the
 *   features of vectors of length 1, times the root of their number: 1 for vectors all over the
 *   sphere, 0 if they have collapsed to one point (Chen and He, arXiv 2011.10566, section 4.1).
 */
export function viewMetrics(output: Tensor): { alignment: Tensor; spread: Tensor } {
  const unit = l2Normalize(output);
  const [one, other] = split(unit, { parts: 2 });
  const deviation = sqrt(add(variance(unit, { axes: 0 }), 1e-12));
  return {
    alignment: mean(sum(mul(one!, other!), { axes: 1 })),
    spread: mul(mean(deviation), Math.sqrt(output.shape[1]!)),
  };
}

/** What a task on two views is made of. */
export interface TwoViewTaskParts {
  /** Name in tables and files. */
  readonly name: string;
  /** Whether the loss reads class labels; false unless told. */
  readonly needsLabels?: boolean;
  /** The head, for embeddings of the given length. */
  readonly headFor: (embedding: number) => Layer;
  /** How a view is made. */
  readonly augment: Augment;
  /** The loss of the head's outputs `[2 n, features]`, and metrics beside those of the views. */
  readonly judge: (
    output: Tensor,
    labels: Tensor | undefined,
  ) => Pick<PretextLoss, "loss" | "metrics">;
}

/** A task that judges what a head makes of two random views of every image. */
export function twoViewTask(parts: TwoViewTaskParts): PretextTask {
  const { name, needsLabels = false, headFor, augment, judge } = parts;
  return {
    name,
    needsLabels,
    initHead: (key, embedding) => headFor(embedding).init(key).params,
    loss({ head, labels, ...given }) {
      const { views, embeddings } = encodeTwoViews(given, augment);
      const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
        training: true,
      });
      const { loss, metrics } = judge(output, labels);
      return {
        loss,
        metrics: { ...metrics, ...viewMetrics(output) },
        pictures: () => viewPictures(views, { query: output }),
      };
    },
  };
}
