/**
 * Small linear algebra of the weighting methods, free of the scale of the gradients.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import {
  concat,
  constant,
  div,
  equal,
  expandDims,
  eye,
  greater,
  maximum,
  mul,
  range,
  reshape,
  rsqrt,
  slice,
  sub,
  sum,
  where,
} from "../tensor/mod.ts";

/**
 * Diagonal of a square matrix.
 *
 * @param matrix The matrix `[n, n]`.
 * @returns Its diagonal `[n]`.
 */
export function diagonal(matrix: Tensor): Tensor {
  return sum(mul(matrix, eye(matrix.shape[0]!)), { axes: 1 });
}

/** Inner products of gradients, taken apart into directions and lengths. */
export interface UnitGram {
  /** Cosines of the angles `[n, n]`; 1 on the diagonal, 0 beside it for a gradient that is 0. */
  readonly cosines: Tensor;
  /** Lengths `[n]`. */
  readonly lengths: Tensor;
  /** One over the lengths `[n]`; 0 for a gradient that is 0. */
  readonly inverse: Tensor;
}

/**
 * Takes inner products apart, so that no number depends on the scale of a gradient: squares of
 * lengths from 1e-36 to 1e36 are numbers of `f32`, their products are not.
 *
 * @param gram The inner products `[n, n]`.
 * @returns Directions and lengths.
 */
export function unitGram(gram: Tensor): UnitGram {
  const squares = diagonal(gram);
  const present = greater(squares, 0);
  const inverse = where(present, rsqrt(where(present, squares, 1)), 0);
  const scaled = mul(mul(gram, inverse), expandDims(inverse, 1));
  return {
    cosines: where(greater(eye(gram.shape[0]!), 0), 1, scaled),
    lengths: mul(squares, inverse),
    inverse,
  };
}

/** Smallest pivot; those of a matrix of cosines are between 0 and 1. */
const SMALLEST_PIVOT = 1e-9;

/**
 * Solves systems of equations with positive definite matrices whose diagonals are not far below 1.
 *
 * Gauss-Jordan elimination without exchanges; a pivot below 1e-9 is taken for 1e-9, which gives
 * finite numbers that solve nothing.
 *
 * @param matrices `[..., n, n]`.
 * @param right `[..., n]`.
 * @returns The solutions `[..., n]`.
 */
export function solvePositive(matrices: Tensor, right: Tensor): Tensor {
  const axis = right.rank;
  const places = reshape(range(right.shape.at(-1)!), [right.shape.at(-1)!, 1]);
  const batch = right.shape.slice(0, -1).map(() => null);
  // The columns that are left; the first of them is eliminated.
  let rest = concat([matrices, expandDims(right, axis)], { axis });
  for (let k = 0; k < right.shape.at(-1)!; k++) {
    const own = slice(rest, [...batch, [k, k + 1]]);
    const pivot = maximum(slice(own, [...batch, null, [0, 1]]), SMALLEST_PIVOT);
    const row = div(slice(own, [...batch, null, [1, null]]), pivot);
    const column = slice(rest, [...batch, null, [0, 1]]);
    const others = sub(slice(rest, [...batch, null, [1, null]]), mul(column, row));
    rest = where(equal(places, k), row, others);
  }
  return reshape(rest, right.shape);
}

/** Most elements of which {@linkcode subsets} are enumerated. */
export const MOST_ENUMERATED = 10;

/**
 * All subsets of some elements but the empty one.
 *
 * @param count Number of elements.
 * @returns For each subset a row of ones and zeros, `f32[2^count - 1, count]`; single ones first
 *   among equals, as bits of whole numbers are.
 */
export function subsets(count: number): Tensor {
  return constant(
    Array.from(
      { length: 2 ** count - 1 },
      (_, k) => Array.from({ length: count }, (_, bit) => ((k + 1) >> bit) & 1),
    ),
  );
}
