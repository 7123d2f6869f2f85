import { requireTensor } from "../ir/require_tensor.ts";
import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import {
  convert,
  div,
  equal,
  expandDims,
  eye,
  l2Normalize,
  logicalAnd,
  logicalNot,
  logSumExp,
  matmul,
  maximum,
  mean,
  mul,
  neg,
  sub,
  sum,
  transpose,
  where,
} from "../tensor/mod.ts";

/**
 * The supervised contrastive loss: every view has to tell the views of its class from all others.
 *
 * Source: Khosla et al., arXiv 2004.11362, equation 2 (`L_out`): the mean over all views i of the
 * mean over the other views p of i's class of `-log(exp(sim(i, p) / t) / sum over a != i of
 * exp(sim(i, a) / t))`, `sim` the cosine. A view without another one of its class counts 0.
 *
 * @param embeddings Vectors `f32[n, features]`, all views of all images.
 * @param labels The class of each, `i32[n]`.
 * @param options The temperature; 0.1 unless told.
 * @returns The mean over all views, a scalar.
 * @throws {TypeError} If the shapes do not fit or there are fewer than two views.
 * @throws {RangeError} If the temperature is not positive.
 *
 * @example
 * ```ts
 * import { constant, supervisedContrastive, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const views = constant([[1, 0], [0, 1], [1, 0], [0, 1]]);
 * const labels = constant([0, 1, 0, 1], { dtype: "i32" });
 * const loss = supervisedContrastive(views, labels, { temperature: 1 });
 * assertAlmostEquals(valuesOf(loss)[0]!, Math.log(1 + 2 / Math.E));
 * ```
 */
export function supervisedContrastive(
  embeddings: Tensor,
  labels: Tensor,
  options: { readonly temperature?: number } = {},
): Tensor {
  requireCall("supervisedContrastive", arguments, 2, 3);
  for (const batch of [embeddings, labels]) requireTensor("contrast", batch);
  requireOptions("supervisedContrastive", options, { temperature: true });
  const { temperature = 0.1 } = options;
  const [views] = embeddings.shape;
  const fits = embeddings.rank === 2 && views! >= 2 && labels.dtype === "i32" &&
    labels.rank === 1 && labels.shape[0] === views;
  if (!fits) {
    throw new TypeError(
      `Cannot contrast ${formatAval(embeddings)} with the labels ${formatAval(labels)}: expected ` +
        `f32[n, features] and i32[n] with n from 2.`,
    );
  }
  if (!(temperature > 0)) {
    throw new RangeError(`Cannot contrast at temperature ${temperature}: expected it above 0.`);
  }
  const unit = l2Normalize(embeddings);
  const similarity = mul(matmul(unit, transpose(unit)), 1 / temperature);
  const self = eye(views!, "bool");
  // No view competes with itself; a finite bound keeps derivatives free of infinities.
  const others = where(self, -2 / temperature - 100, similarity);
  const logProbability = sub(similarity, logSumExp(others, { keepAxes: true }));
  const sameClass = equal(expandDims(labels, 0), expandDims(labels, 1));
  const positive = convert(logicalAnd(sameClass, logicalNot(self)), "f32");
  const count = maximum(sum(positive, { axes: 1 }), 1);
  return neg(mean(div(sum(mul(logProbability, positive), { axes: 1 }), count)));
}
