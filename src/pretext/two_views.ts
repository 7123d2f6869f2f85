import type { Tensor } from "../ir/tensor.ts";
import { splitKey } from "../random/mod.ts";
import { add, concat, l2Normalize, mean, mul, split, sqrt, sum, variance } from "../tensor/mod.ts";
import type { Augment } from "./augment/mod.ts";
import type { Layer } from "../nn/mod.ts";
import type { PretextInputs, PretextLoss, PretextTask } from "./pretext_task.ts";

/**
 * Embeddings of two random views of every image.
 *
 * @param inputs Backbone, images and key of the task.
 * @param augment How a view is made.
 * @returns Embeddings `[2 n, embedding]`; rows `i` and `i + n` are views of one image.
 */
export function encodeTwoViews(
  { encode, images, key }: Pick<PretextInputs, "encode" | "images" | "key">,
  augment: Augment,
): Tensor {
  const [viewKey, encodeKey] = splitKey(key, 2);
  return encode(augment(concat([images, images]), viewKey!), encodeKey!);
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
  readonly judge: (output: Tensor, labels: Tensor | undefined) => PretextLoss;
}

/** A task that judges what a head makes of two random views of every image. */
export function twoViewTask(parts: TwoViewTaskParts): PretextTask {
  const { name, needsLabels = false, headFor, augment, judge } = parts;
  return {
    name,
    needsLabels,
    initHead: (key, embedding) => headFor(embedding).init(key).params,
    loss({ head, labels, ...given }) {
      const embeddings = encodeTwoViews(given, augment);
      const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
        training: true,
      });
      const { loss, metrics } = judge(output, labels);
      return { loss, metrics: { ...metrics, ...viewMetrics(output) } };
    },
  };
}
