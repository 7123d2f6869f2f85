import { requireTensor } from "../ir/require_tensor.ts";
import { formatAval, sameShape } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { add, eye, matmul, mul, square, standardize, sub, sum, transpose } from "../tensor/mod.ts";

/**
 * Throws unless two tensors are views `f32[n, features]` of the same images, two or more.
 *
 * @param attempt What is being done, for the error: "compare".
 * @param one The first views.
 * @param other The second views.
 * @throws {TypeError} If they are not.
 */
export function requireViews(attempt: string, one: Tensor, other: Tensor): void {
  if (one.rank !== 2 || !sameShape(one.shape, other.shape) || one.shape[0]! < 2) {
    throw new TypeError(
      `Cannot ${attempt} ${formatAval(one)} and ${formatAval(other)}: expected two tensors ` +
        `f32[n, features] of one shape, with n from 2.`,
    );
  }
}

/** Options of {@linkcode barlowTwins}. */
export interface BarlowTwinsOptions {
  /** Weight of the redundancy term; 0.005 unless told. */
  readonly redundancy?: number;
}

/**
 * The loss of Barlow Twins: the cross-correlation matrix of two views of a batch should be the
 * identity.
 *
 * Source: Zbontar et al., arXiv 2103.03230, equations 1 and 2:
 * `sum over i of (1 - C_ii)^2 + lambda sum over i != j of C_ij^2`, `C` the correlation over the
 * batch of feature `i` of one view with feature `j` of the other.
 *
 * @param one Embeddings of the first views, `f32[n, features]`.
 * @param other Embeddings of the second views, of the same shape.
 * @param options The weight of the redundancy term, the paper's lambda.
 * @returns The loss, a scalar.
 * @throws {TypeError} If the shapes differ or there are fewer than two images.
 *
 * @example
 * ```ts
 * import { barlowTwins, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const views = constant([[1, 1], [1, -1], [-1, 1], [-1, -1]]);
 * assertAlmostEquals(valuesOf(barlowTwins(views, views))[0]!, 0, 1e-9);
 * ```
 */
export function barlowTwins(
  one: Tensor,
  other: Tensor,
  options: BarlowTwinsOptions = {},
): Tensor {
  requireCall("barlowTwins", arguments, 2, 3);
  for (const batch of [one, other]) requireTensor("compare representations", batch);
  requireOptions("barlowTwins", options, { redundancy: true });
  const { redundancy = 0.005 } = options;
  requireViews("correlate", one, other);
  const [count, features] = one.shape as [number, number];
  const unit = (x: Tensor): Tensor => standardize(x, [0]).normal;
  const correlation = mul(matmul(transpose(unit(one)), unit(other)), 1 / count);
  const diagonal = eye(features);
  const distance = square(sub(correlation, diagonal));
  const onDiagonal = sum(mul(distance, diagonal));
  return add(onDiagonal, mul(sub(sum(distance), onDiagonal), redundancy));
}
