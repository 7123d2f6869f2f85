import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { add, mul } from "./arithmetic.ts";
import { broadcastShapes, broadcastTo } from "./operand.ts";
import { transpose } from "./shape.ts";

function requireSquare(attempt: string, a: Tensor): void {
  requireTensor(attempt, a);
  const [rows, columns] = a.shape.slice(-2);
  if (a.rank < 2 || rows !== columns || rows === 0 || a.dtype !== "f32") {
    throw new TypeError(
      `Cannot ${attempt} ${formatAval(a)}: expected square matrices f32[..., n, n], n from 1.`,
    );
  }
}

/** `(A + A^T) / 2`, so that derivatives are symmetric too. */
function symmetric(a: Tensor): Tensor {
  const axes = a.shape.map((_, axis) => axis);
  const [last, other] = [axes.pop()!, axes.pop()!];
  return mul(add(a, transpose(a, [...axes, last, other])), 0.5);
}

/**
 * Factors symmetric positive definite matrices: `A = L L^T` with lower triangular `L`.
 *
 * What counts is the symmetric part `(A + A^T) / 2`. This is the page on small linear algebra: `cholesky`,
 * `triangularSolve`, `solve`, `inv` and `eigh` are made for matrices of up to about 64 rows, many at once;
 * on a device a matrix of `n` rows takes about `2 n` dispatches (`cholesky`), `5 n` (`inv`, `solve`), or
 * `6 n` times the number of sweeps, `2 + log2 n` (`eigh`), whatever the number of matrices. All have exact
 * derivatives of every order in forward and reverse mode.
 *
 * **What cannot be computed is NaN**, the whole matrix, and the others of the batch are not touched: a matrix
 * that is not positive definite, a singular one, an element that is not finite. Of right sides it is the column.
 * Rounding may make a singular matrix a regular one with huge results.
 *
 * Source of the derivative: Murray, arXiv 1602.07527, equations 8 and 9.
 *
 * @param a Matrices `f32[..., n, n]`.
 * @returns Lower triangular matrices of the shape of `a`.
 * @throws {TypeError} If they are not square.
 *
 * @example
 * ```ts
 * import { cholesky, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(cholesky(constant([[4, 2], [2, 10]]))), [2, 0, 1, 3]);
 * assertEquals(valuesOf(cholesky(constant([[-1]]))), [NaN]);
 * ```
 */
export function cholesky(a: Tensor): Tensor {
  requireCall("cholesky", arguments, 1);
  requireSquare("factor", a);
  return ops.cholesky(symmetric(a));
}

/** Options of {@linkcode triangularSolve}. */
export interface TriangularSolveOptions {
  /** Whether the lower triangle counts (true unless told), or the upper one. */
  readonly lower?: boolean;
  /** Whether the transposed matrix stands in the equation; false unless told. */
  readonly transposed?: boolean;
}

/**
 * Solves `T X = B` for triangular `T`. The other triangle is not read; a zero on the diagonal gives NaN.
 *
 * Source of the derivative: Giles, Oxford report 08/01 (2008), section 2.3.1.
 *
 * @param t Matrices `f32[..., n, n]`.
 * @param b Right sides `f32[..., n, columns]`, or one vector `f32[n]` for all; batch axes broadcast.
 * @param options Which triangle, and whether it is transposed.
 * @returns `X`: `[..., n, columns]` with the common batch axes, `[..., n]` for a vector.
 * @throws {TypeError} If the matrices are not square or shapes do not fit.
 *
 * @example
 * ```ts
 * import { constant, triangularSolve, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const t = constant([[2, 0], [1, 4]]);
 * assertEquals(valuesOf(triangularSolve(t, constant([2, 9]))), [1, 2]);
 * ```
 */
export function triangularSolve(
  t: Tensor,
  b: Tensor,
  options: TriangularSolveOptions = {},
): Tensor {
  requireCall("triangularSolve", arguments, 2, 3);
  requireOptions("triangularSolve", options, { lower: true, transposed: true });
  const { lower = true, transposed = false } = options;
  return systems("solve triangular systems with", [t, b], (own, right) => {
    const axes = own.shape.map((_, axis) => axis);
    const [last, other] = [axes.pop()!, axes.pop()!];
    const factor = lower ? own : ops.permute(own, [...axes, last, other]);
    return ops.triangularSolve(factor, right, { transposed: transposed === lower });
  });
}

/**
 * Solves `A X = B` by elimination with partial pivoting. A singular matrix gives NaN.
 *
 * Source of the derivative: Giles, Oxford report 08/01 (2008), section 2.3.1.
 *
 * @param a Matrices `f32[..., n, n]`.
 * @param b Right sides `f32[..., n, columns]`, or one vector `f32[n]`; batch axes broadcast.
 * @returns `X`: `[..., n, columns]` with the common batch axes, `[..., n]` for a vector.
 * @throws {TypeError} If the matrices are not square or shapes do not fit.
 *
 * @example
 * ```ts
 * import { constant, solve, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const a = constant([[0, 2], [4, 0]]);
 * assertEquals(valuesOf(solve(a, constant([6, 4]))), [1, 3]);
 * assertEquals(valuesOf(solve(constant([[1, 2], [2, 4]]), constant([1, 1]))), [NaN, NaN]);
 * ```
 */
export function solve(a: Tensor, b: Tensor): Tensor {
  requireCall("solve", arguments, 2);
  return systems("solve systems with", [a, b], (own, right) => ops.solve(own, right));
}

/**
 * Inverts matrices. A singular one gives NaN. For `A^-1 B`, {@linkcode solve} is more accurate.
 *
 * Source of the derivative: Giles, Oxford report 08/01 (2008), section 2.2.3.
 *
 * @param a Matrices `f32[..., n, n]`.
 * @returns The inverses, of the shape of `a`.
 * @throws {TypeError} If they are not square.
 *
 * @example
 * ```ts
 * import { constant, inv, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(inv(constant([[0, 2], [4, 0]]))), [0, 0.25, 0.5, 0]);
 * ```
 */
export function inv(a: Tensor): Tensor {
  requireCall("inv", arguments, 1);
  requireSquare("invert", a);
  return ops.inverse(a);
}

/** What {@linkcode eigh} gives. */
export interface Eigen {
  /** Eigenvalues in rising order, `[..., n]`. */
  readonly values: Tensor;
  /** Orthonormal eigenvectors, the columns of `[..., n, n]`. */
  readonly vectors: Tensor;
}

/**
 * Finds eigenvalues and eigenvectors of symmetric matrices: `A V = V diag(values)`.
 *
 * What counts is the symmetric part `(A + A^T) / 2`. In every vector the element of largest magnitude is
 * positive. The derivative of eigenvectors divides by the differences of eigenvalues: where two are equal
 * the vectors are not unique and their derivative is not finite, while that of the eigenvalues stays.
 *
 * Source of the method: Jacobi rotations, Golub and Van Loan, Matrix Computations, section 8.5. Source of the
 * derivative: Giles, Oxford report 08/01 (2008), section 3.1.
 *
 * @param a Matrices `f32[..., n, n]`.
 * @returns Eigenvalues and eigenvectors.
 * @throws {TypeError} If they are not square.
 *
 * @example
 * ```ts
 * import { constant, eigh, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const { values, vectors } = eigh(constant([[2, 1], [1, 2]]));
 * assertAlmostEquals(valuesOf(values)[0]!, 1);
 * assertAlmostEquals(valuesOf(values)[1]!, 3);
 * assertAlmostEquals(valuesOf(vectors)[1]!, Math.SQRT1_2);
 * ```
 */
export function eigh(a: Tensor): Eigen {
  requireCall("eigh", arguments, 1);
  requireSquare("find eigenvalues of", a);
  return ops.eigh(symmetric(a));
}

/** Brings matrices and right sides to common batch axes, and a vector to one column and back. */
function systems(
  attempt: string,
  [a, b]: readonly [Tensor, Tensor],
  run: (a: Tensor, b: Tensor) => Tensor,
): Tensor {
  requireSquare(attempt, a);
  requireTensor(attempt, b);
  const columns = b.rank === 1 ? ops.reshape(b, [b.size, 1]) : b;
  const n = a.shape.at(-1)!;
  const shape = broadcastShapes([a.shape.slice(0, -2), columns.shape.slice(0, -2)]);
  if (columns.rank < 2 || columns.shape.at(-2) !== n || b.dtype !== "f32" || shape === null) {
    throw new TypeError(
      `Cannot ${attempt} ${formatAval(a)} and right sides ${formatAval(b)}: expected ` +
        `f32[..., ${n}, columns] or f32[${n}], with batch axes that broadcast.`,
    );
  }
  const right = broadcastTo(columns, [...shape, ...columns.shape.slice(-2)]);
  const result = run(broadcastTo(a, [...shape, n, n]), right);
  return b.rank === 1 ? ops.reshape(result, [...shape, n]) : result;
}
