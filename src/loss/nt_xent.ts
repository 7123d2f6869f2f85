import { requireTensor } from "../ir/require_tensor.ts";
import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import {
  concat,
  eye,
  l2Normalize,
  logSumExp,
  matmul,
  mean,
  mul,
  slice,
  sub,
  sum,
  transpose,
  where,
} from "../tensor/mod.ts";

/**
 * NT-Xent, the normalized temperature-scaled cross-entropy of SimCLR: every view has to tell its
 * partner from the views of all other images.
 *
 * Source: Chen et al., arXiv 2002.05709, equation 1: the mean over all views i with partner j of
 * `-log(exp(sim(i, j) / t) / sum over k != i of exp(sim(i, k) / t))`, `sim` the cosine.
 *
 * @param embeddings Vectors `f32[2 n, features]`; rows `i` and `i + n` are views of one image.
 * @param options The temperature; 0.1 unless told.
 * @returns The mean over all views, a scalar.
 * @throws {TypeError} If the number of rows is odd or below 4.
 * @throws {RangeError} If the temperature is not positive.
 *
 * @example
 * ```ts
 * import { constant, ntXent, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const views = constant([[1, 0], [0, 1], [1, 0], [0, 1]]);
 * const loss = ntXent(views, { temperature: 1 });
 * assertAlmostEquals(valuesOf(loss)[0]!, Math.log(1 + 2 / Math.E));
 * ```
 */
export function ntXent(
  embeddings: Tensor,
  options: { readonly temperature?: number } = {},
): Tensor {
  requireCall("ntXent", arguments, 1, 2);
  requireTensor("contrast", embeddings);
  requireOptions("ntXent", options, { temperature: true });
  const { temperature = 0.1 } = options;
  const [views] = embeddings.shape;
  if (embeddings.rank !== 2 || views! % 2 !== 0 || views! < 4) {
    throw new TypeError(
      `Cannot contrast ${formatAval(embeddings)}: expected [2 n, features] with n from 2.`,
    );
  }
  if (!(temperature > 0)) {
    throw new RangeError(`Cannot contrast at temperature ${temperature}: expected it above 0.`);
  }
  const half = views! / 2;
  const unit = l2Normalize(embeddings);
  const similarity = mul(matmul(unit, transpose(unit)), 1 / temperature);
  // No view competes with itself; a finite bound keeps derivatives free of infinities.
  const others = where(eye(views!, "bool"), -2 / temperature - 100, similarity);
  const partner = concat([slice(unit, [[half, null]]), slice(unit, [[0, half]])]);
  const positive = mul(sum(mul(unit, partner), { axes: 1 }), 1 / temperature);
  return mean(sub(logSumExp(others), positive));
}
