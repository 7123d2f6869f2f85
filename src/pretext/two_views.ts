import type { Tensor } from "../ir/tensor.ts";
import { splitKey } from "../random/mod.ts";
import { add, concat, l2Normalize, mean, mul, split, sqrt, sum, variance } from "../tensor/mod.ts";
import type { Augment } from "./augment/mod.ts";
import type { PretextInputs } from "./pretext_task.ts";

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
