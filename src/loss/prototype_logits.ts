import { formatAval } from "../ir/aval.ts";
import * as is from "../ir/kinds.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import type { Tensor } from "../ir/tensor.ts";
import { expandDims, neg, segmentMean, square, sub, sum } from "../tensor/mod.ts";

/** Options of {@linkcode prototypeLogits}. */
export interface PrototypeOptions {
  /** Embeddings of the support examples, `f32[m, features]`. */
  readonly support: Tensor;
  /** Their classes, `i32[m]`, from 0. */
  readonly labels: Tensor;
  /** Number of classes; each needs a support example. */
  readonly classes: number;
}

/**
 * The classifier of prototypical networks: a class is the mean of its support embeddings, and its logit minus the
 * squared distance to it. `softmaxCrossEntropy` of these is the loss of one episode.
 *
 * Source: Snell et al., arXiv 1703.05175, equations 1 and 2.
 *
 * @param embeddings Embeddings to be classified, `f32[n, features]`.
 * @param options Support embeddings, their labels, and how many classes there are.
 * @returns Logits `f32[n, classes]`. A label beyond the classes counts for none; the prototype of a class without
 *   examples is 0.
 * @throws {TypeError} If shapes or types do not fit.
 * @throws {RangeError} If `classes` is not a whole number from 1.
 *
 * @example
 * ```ts
 * import { constant, prototypeLogits, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const support = constant([[0, 0], [2, 0], [0, 4]]);
 * const labels = constant([0, 0, 1], { dtype: "i32" });
 * // Prototypes are (1, 0) and (0, 4).
 * const logits = prototypeLogits(constant([[1, 2]]), { support, labels, classes: 2 });
 * assertEquals(valuesOf(logits), [-4, -5]);
 * ```
 */
export function prototypeLogits(embeddings: Tensor, options: PrototypeOptions): Tensor {
  requireCall("prototypeLogits", arguments, 2);
  requireOptions("prototypeLogits", options, { support: true, labels: true, classes: is.count });
  const { support, labels, classes } = options;
  const attempt = "compare embeddings with prototypes";
  for (const tensor of [embeddings, support, labels]) requireTensor(attempt, tensor);
  const fits = [embeddings, support].every(({ rank, dtype }) => rank === 2 && dtype === "f32") &&
    embeddings.shape[1] === support.shape[1] && labels.dtype === "i32" && labels.rank === 1 &&
    labels.shape[0] === support.shape[0];
  if (!fits) {
    throw new TypeError(
      `Cannot ${attempt}: found embeddings ${formatAval(embeddings)}, support ${
        formatAval(support)
      } and labels ${formatAval(labels)}, expected f32[n, features], f32[m, features] and i32[m].`,
    );
  }
  const prototypes = segmentMean(support, labels, { count: classes });
  const differences = sub(expandDims(embeddings, 1), expandDims(prototypes, 0));
  return neg(sum(square(differences), { axes: 2 }));
}
