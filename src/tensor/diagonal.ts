import { requireTensor } from "../ir/require_tensor.ts";
import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";

/** Options of {@linkcode diag}, {@linkcode tril} and {@linkcode triu}. */
export interface DiagonalOptions {
  /** Which diagonal: 0 is the main one, positive ones lie above it; 0 unless told. */
  readonly offset?: number;
}

function requireOffset(attempt: string, x: Tensor, offset: number): void {
  if (Number.isInteger(offset)) return;
  throw new RangeError(
    `Cannot ${attempt} ${formatAval(x)} at offset ${offset}: expected a whole number.`,
  );
}

/** Where `column - row` of the last two axes has a property, as `bool` of the shape of `x`. */
function whereOffset(
  x: Tensor,
  offset: number,
  compare: (difference: Tensor, offset: Tensor) => Tensor,
): Tensor {
  const axis = x.rank - 2;
  const difference = ops.sub(ops.iota(x.shape, [axis + 1]), ops.iota(x.shape, [axis]));
  return compare(difference, ops.like(difference, offset));
}

/**
 * Makes a matrix with a vector on a diagonal, or takes the diagonal of a matrix.
 *
 * @param x A vector `[n]`, or matrices `[..., rows, columns]`.
 * @param options Which diagonal; the main one unless told.
 * @returns For a vector `[n + |offset|, n + |offset|]`, zero elsewhere; for matrices `[..., length]`.
 * @throws {TypeError} If `x` is a scalar.
 * @throws {RangeError} If the offset is not a whole number.
 *
 * @example
 * ```ts
 * import { constant, diag, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(diag(constant([1, 2]))), [1, 0, 0, 2]);
 * assertEquals(valuesOf(diag(constant([[1, 2], [3, 4]]), { offset: 1 })), [2]);
 * ```
 */
export function diag(x: Tensor, options: DiagonalOptions = {}): Tensor {
  requireCall("diag", arguments, 1, 2);
  requireTensor("take the diagonal", x);
  requireOptions("diag", options, { offset: true });
  const { offset = 0 } = options;
  requireOffset("take the diagonal of", x, offset);
  if (x.rank === 0) {
    throw new TypeError(
      `Cannot take the diagonal of ${formatAval(x)}: expected a vector or matrices.`,
    );
  }
  const [below, right] = [Math.max(-offset, 0), Math.max(offset, 0)];
  if (x.rank === 1) {
    const size = x.shape[0]! + Math.abs(offset);
    // Elements `size + 1` apart in row-major order are those of a diagonal.
    const row = ops.pad(x, { low: [0], high: [0], interior: [size] });
    const first = below * size + right;
    const fits = x.shape[0] === 0 ? 0 : row.shape[0]!;
    const flat = ops.pad(row, { low: [first], high: [size * size - first - fits] });
    return ops.reshape(flat, [size, size]);
  }
  const [rows, columns] = [x.shape.at(-2)!, x.shape.at(-1)!];
  const length = Math.max(0, Math.min(rows - below, columns - right));
  const leading = x.shape.slice(0, -2);
  if (length === 0) return ops.fill(0, [...leading, 0], x.dtype);
  const flat = ops.reshape(x, [...leading, rows * columns]);
  return ops.slice(flat, {
    start: [...leading.map(() => 0), below * columns + right],
    shape: [...leading, length],
    stride: [...leading.map(() => 1), columns + 1],
  });
}

/**
 * Keeps the lower triangle of matrices, and sets the rest to 0.
 *
 * @param x Matrices `[..., rows, columns]`.
 * @param options The last diagonal that is kept; the main one unless told.
 * @returns A tensor of the shape of `x`.
 * @throws {TypeError} If `x` has fewer than two axes.
 * @throws {RangeError} If the offset is not a whole number.
 *
 * @example
 * ```ts
 * import { ones, tril, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(tril(ones([2, 2]))), [1, 0, 1, 1]);
 * ```
 */
export function tril(x: Tensor, options: DiagonalOptions = {}): Tensor {
  requireCall("tril", arguments, 1, 2);
  requireTensor("take the lower triangle", x);
  requireOptions("tril", options, { offset: true });
  const { offset = 0 } = options;
  return triangle("take the lower triangle of", x, offset, ops.lessEqual);
}

/**
 * Keeps the upper triangle of matrices, and sets the rest to 0.
 *
 * @param x Matrices `[..., rows, columns]`.
 * @param options The first diagonal that is kept; the main one unless told.
 * @returns A tensor of the shape of `x`.
 * @throws {TypeError} If `x` has fewer than two axes.
 * @throws {RangeError} If the offset is not a whole number.
 *
 * @example
 * ```ts
 * import { ones, triu, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(triu(ones([2, 2]), { offset: 1 })), [0, 1, 0, 0]);
 * ```
 */
export function triu(x: Tensor, options: DiagonalOptions = {}): Tensor {
  requireCall("triu", arguments, 1, 2);
  requireTensor("take the upper triangle", x);
  requireOptions("triu", options, { offset: true });
  const { offset = 0 } = options;
  return triangle(
    "take the upper triangle of",
    x,
    offset,
    (difference, least) => ops.lessEqual(least, difference),
  );
}

function triangle(
  attempt: string,
  x: Tensor,
  offset: number,
  compare: (difference: Tensor, offset: Tensor) => Tensor,
): Tensor {
  if (x.rank < 2) {
    throw new TypeError(
      `Cannot ${attempt} ${formatAval(x)}: expected matrices [..., rows, columns].`,
    );
  }
  requireOffset(attempt, x, offset);
  return ops.select(whereOffset(x, offset, compare), x, ops.like(x, 0));
}
