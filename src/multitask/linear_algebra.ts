/**
 * Small linear algebra of the weighting methods, free of the scale of the gradients.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import {
  add,
  concat,
  convert,
  div,
  equal,
  expandDims,
  eye,
  greater,
  greaterEqual,
  matmul,
  max,
  maximum,
  mean,
  mul,
  range,
  reshape,
  rsqrt,
  slice,
  sqrt,
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

/**
 * Inner products in units of the mean squared length, so that step sizes fit any gradients.
 *
 * @param gram The inner products `[n, n]`, of one or of two samples.
 * @param unit Inner products whose diagonal is the unit; the same unless told.
 * @returns The quotients; 0 where all gradients are 0.
 */
export function relativeGram(gram: Tensor, unit: Tensor = gram): Tensor {
  const size = mean(diagonal(unit));
  return div(gram, where(greater(size, 0), size, 1));
}

/**
 * One over lengths.
 *
 * @param squares Squares of lengths, from 1e-36 to 1e36.
 * @returns Of each one over its root; 0 where it is 0.
 */
export function inverseLengths(squares: Tensor): Tensor {
  const present = greater(squares, 0);
  return where(present, rsqrt(where(present, squares, 1)), 0);
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
  const inverse = inverseLengths(squares);
  const scaled = mul(mul(gram, inverse), expandDims(inverse, 1));
  return {
    cosines: where(greater(eye(gram.shape[0]!), 0), 1, scaled),
    lengths: mul(squares, inverse),
    inverse,
  };
}

/**
 * Gives tasks without a gradient the mean weight of the others, 1 if there are none.
 *
 * @param weights `[n]`, 0 where there is no gradient and positive elsewhere.
 * @returns Weights `[n]`, all positive.
 */
export function typicalWhereAbsent(weights: Tensor): Tensor {
  const present = greater(weights, 0);
  const count = sum(convert(present, "f32"));
  const typical = where(greater(count, 0), div(sum(weights), maximum(count, 1)), 1);
  return where(present, weights, typical);
}

/**
 * Root of a number that rounding may have made negative.
 *
 * @param x Any numbers.
 * @returns Their roots; 0, with the derivative 0, where they are not positive.
 */
export function rootOf(x: Tensor): Tensor {
  const found = greater(x, 0);
  return where(found, sqrt(where(found, x, 1)), 0);
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
 * @param right Right sides as columns, `[..., n, columns]`.
 * @returns The solutions, `[..., n, columns]`.
 */
export function solvePositive(matrices: Tensor, right: Tensor): Tensor {
  const axis = right.rank - 1;
  const size = right.shape[axis - 1]!;
  const places = reshape(range(size), [size, 1]);
  const batch = right.shape.slice(0, -2).map(() => null);
  // The columns that are left; the first of them is eliminated.
  let rest = concat([matrices, right], { axis });
  for (let k = 0; k < size; k++) {
    const own = slice(rest, [...batch, [k, k + 1]]);
    const pivot = maximum(slice(own, [...batch, null, [0, 1]]), SMALLEST_PIVOT);
    const row = div(slice(own, [...batch, null, [1, null]]), pivot);
    const column = slice(rest, [...batch, null, [0, 1]]);
    const others = sub(slice(rest, [...batch, null, [1, null]]), mul(column, row));
    rest = where(equal(places, k), row, others);
  }
  return rest;
}

/** Added to the cosines of a system that may be singular. */
const RIDGE = 1e-6;

/**
 * Solves a system with a matrix of cosines that may be singular.
 *
 * A ridge of 1e-6 keeps it regular, and one step of refinement takes the ridge's error out again:
 * what is left of it is the square of 1e-6 over the smallest eigenvalue.
 *
 * @param cosines `[n, n]`.
 * @param right `[n]`.
 * @returns The solution `[n]`; where there is none, one of bounded length.
 */
export function solveCosines(cosines: Tensor, right: Tensor): Tensor {
  const regular = add(cosines, mul(eye(right.shape[0]!), RIDGE));
  const solve = (column: Tensor): Tensor =>
    reshape(solvePositive(regular, expandDims(column, 1)), right.shape);
  const first = solve(right);
  return add(first, solve(sub(right, matmul(cosines, first))));
}

/**
 * The nearest point of the simplex, of numbers that are not negative and add up to 1.
 *
 * Source: Held et al., "Validation of subgradient optimization", 1974; the threshold is the largest
 * of those that any number of the largest elements gives.
 *
 * @param x `[n]`.
 * @returns `max(x - threshold, 0)`.
 */
export function projectToSimplex(x: Tensor): Tensor {
  const above = convert(greaterEqual(x, expandDims(x, 1)), "f32");
  const counts = sum(above, { axes: 1 });
  const threshold = max(div(sub(matmul(above, x), 1), counts));
  return maximum(sub(x, threshold), 0);
}
