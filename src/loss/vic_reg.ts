import { requireTensor } from "../ir/require_tensor.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import {
  add,
  eye,
  matmul,
  mean,
  mul,
  relu,
  sqrt,
  square,
  sub,
  sum,
  transpose,
  variance,
} from "../tensor/mod.ts";
import { requireViews } from "./barlow_twins.ts";
import { meanSquaredError } from "./mean_squared_error.ts";

/** Options of {@linkcode vicReg}: weights of its three terms. */
export interface VicRegOptions {
  /** Weight of the distance between the views; 25 unless told. */
  readonly invariance?: number;
  /** Weight of the hinge on the deviations; 25 unless told. */
  readonly variance?: number;
  /** Weight of the squared covariances; 1 unless told. */
  readonly covariance?: number;
}

/** Added to the variance under the root. */
const EPSILON = 1e-4;

/**
 * The loss of VICReg: views of one image are alike (invariance), every feature keeps a deviation of
 * 1 over the batch (variance), and no two features vary together (covariance).
 *
 * Source: Bardes et al., arXiv 2105.04906, equations 1 to 6. As in the authors' program, for which
 * the weights are meant, the squared distance is averaged over features, and the hinge over the two
 * views.
 *
 * @param one Embeddings of the first views, `f32[n, features]`.
 * @param other Embeddings of the second views, of the same shape.
 * @param options Weights of the terms.
 * @returns The loss, a scalar.
 * @throws {TypeError} If the shapes differ or there are fewer than two images.
 *
 * @example
 * ```ts
 * import { constant, valuesOf, vicReg } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const views = constant([[9, 9], [9, -9], [-9, 9], [-9, -9]]);
 * assertEquals(valuesOf(vicReg(views, views)), [0]);
 * ```
 */
export function vicReg(one: Tensor, other: Tensor, options: VicRegOptions = {}): Tensor {
  requireCall("vicReg", arguments, 2, 3);
  for (const batch of [one, other]) requireTensor("compare representations", batch);
  requireOptions("vicReg", options, { invariance: true, variance: true, covariance: true });
  requireViews("compare", one, other);
  const { invariance = 25, variance = 25, covariance = 1 } = options;
  const hinge = mul(add(deviationHinge(one), deviationHinge(other)), 0.5);
  const redundant = add(covariances(one), covariances(other));
  return add(
    add(mul(meanSquaredError(one, other), invariance), mul(hinge, variance)),
    mul(redundant, covariance),
  );
}

/** Equation 1: mean over features of `max(0, 1 - sqrt(variance + epsilon))`. */
function deviationHinge(x: Tensor): Tensor {
  const deviation = sqrt(add(variance(x, { axes: 0, correction: 1 }), EPSILON));
  return mean(relu(sub(1, deviation)));
}

/** Equations 3 and 4: sum of the squared covariances of different features, over their number. */
function covariances(x: Tensor): Tensor {
  const [count, features] = x.shape as [number, number];
  const centred = sub(x, mean(x, { axes: 0 }));
  const matrix = mul(matmul(transpose(centred), centred), 1 / (count - 1));
  return mul(sum(square(mul(matrix, sub(1, eye(features))))), 1 / features);
}
