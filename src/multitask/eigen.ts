import type { Tensor } from "../ir/tensor.ts";
import {
  abs,
  add,
  constant,
  div,
  expandDims,
  eye,
  greater,
  greaterEqual,
  matmul,
  mul,
  rsqrt,
  sub,
  sum,
  transpose,
  where,
} from "../tensor/mod.ts";
import { checkpoint } from "../transform/call.ts";
import { diagonal, rootOf } from "./linear_algebra.ts";

/** Eigenvalues and eigenvectors of a symmetric matrix. */
export interface Eigen {
  /** The eigenvalues `[n]`, in no order. */
  readonly values: Tensor;
  /** The eigenvectors as columns `[n, n]`. */
  readonly vectors: Tensor;
}

/** Sweeps over all pairs: convergence is quadratic, 6 are enough for 10 x 10. */
const SWEEPS = 7;

/**
 * Eigenvalues and eigenvectors of a small symmetric matrix, by rotations of Jacobi's method, as many
 * at once as there are disjoint pairs.
 *
 * Source: Golub and Van Loan, "Matrix computations", sections 8.5.2 and 8.5.7.
 *
 * @param matrix Symmetric, `[n, n]`.
 * @returns Eigenvalues and eigenvectors.
 */
export function symmetricEigen(matrix: Tensor): Eigen {
  const size = matrix.shape[0]!;
  let state = { matrix, vectors: eye(size) };
  for (let turn = 0; turn < SWEEPS; turn++) state = sweep(state);
  return { values: diagonal(state.matrix), vectors: state.vectors };
}

/** Rotates every pair of axes once. */
const sweep = /* @__PURE__ */ checkpoint(
  (state: { readonly matrix: Tensor; readonly vectors: Tensor }) => {
    let { matrix, vectors } = state;
    for (const pairs of rounds(matrix.shape[0]!)) {
      const rotation = rotationOf(matrix, pairs);
      matrix = matmul(transpose(rotation), matmul(matrix, rotation));
      vectors = matmul(vectors, rotation);
    }
    return { matrix, vectors };
  },
);

/** The rotation in the planes of disjoint pairs that makes their elements 0. */
function rotationOf(matrix: Tensor, pairs: readonly (readonly [number, number])[]): Tensor {
  const size = matrix.shape[0]!;
  const select = (side: 0 | 1): Tensor =>
    constant(pairs.map((pair) => Array.from({ length: size }, (_, k) => k === pair[side] ? 1 : 0)));
  const [p, q] = [select(0), select(1)];
  const element = (row: Tensor, column: Tensor): Tensor =>
    sum(mul(matmul(row, matrix), column), { axes: 1 });
  const gap = sub(element(q, q), element(p, p));
  const twice = mul(element(p, q), 2);
  // The smaller tangent of the two, without a quotient that may be infinite.
  const root = rootOf(add(mul(gap, gap), mul(twice, twice)));
  const signed = where(greaterEqual(gap, 0), twice, mul(twice, -1));
  const bottom = add(abs(gap), root);
  const tangent = div(signed, where(greater(bottom, 0), bottom, 1));
  const cosine = rsqrt(add(mul(tangent, tangent), 1));
  const [c, s] = [sub(cosine, 1), mul(tangent, cosine)].map((x) => expandDims(x, 1));
  const [pt, qt] = [transpose(p), transpose(q)];
  const kept = add(matmul(pt, mul(p, c!)), matmul(qt, mul(q, c!)));
  const turned = sub(matmul(pt, mul(q, s!)), matmul(qt, mul(p, s!)));
  return add(eye(size), add(kept, turned));
}

/** All pairs of axes, in rounds of disjoint pairs, as a tournament is played. */
function rounds(size: number): (readonly [number, number])[][] {
  const even = size + size % 2;
  return Array.from({ length: even - 1 }, (_, round) => {
    const seats = Array.from(
      { length: even },
      (_, k) => k === 0 ? even - 1 : (k - 1 + round) % (even - 1),
    );
    return Array.from({ length: even / 2 }, (_, k) => [seats[k]!, seats[even - 1 - k]!] as const)
      .filter((pair) => pair.every((axis) => axis < size))
      .map(([a, b]) => a < b ? [a, b] as const : [b, a] as const);
  }).filter((pairs) => pairs.length > 0);
}
