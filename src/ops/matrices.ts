/** What the primitives of linear algebra share. @module */
import { type Aval, formatAval, type Shape, sizeOf } from "../ir/aval.ts";
import type { NdArray } from "../ir/nd_array.ts";
import type { Tensor } from "../ir/tensor.ts";
import { abs } from "./abs.ts";
import { add } from "./add.ts";
import { broadcast } from "./broadcast.ts";
import { equal, less } from "./compare.ts";
import { iota, like } from "./fill.ts";
import { mul } from "./mul.ts";
import { reduceMax } from "./reduce_max.ts";
import { permute, reshape } from "./reshape.ts";
import { select } from "./select.ts";

/** Throws unless an operand is square matrices `f32[..., n, n]` with `n` from 1. */
export function requireSquare(aval: Aval): void {
  const { shape, dtype } = aval;
  const [rows, columns] = shape.slice(-2);
  if (shape.length < 2 || rows !== columns || rows === 0 || dtype !== "f32") {
    throw new TypeError(`found ${formatAval(aval)}, expected square matrices f32[..., n, n].`);
  }
}

/** Matrices with one batch axis in front. */
export function flatBatch(x: Tensor): Tensor {
  return reshape(x, [sizeOf(x.shape.slice(0, -2)), ...x.shape.slice(-2)]);
}

/** The transposed matrices `[..., columns, rows]`. */
export function transposed(x: Tensor): Tensor {
  const last = x.rank - 1;
  return permute(x, [...x.shape.slice(0, -2).map((_, axis) => axis), last, last - 1]);
}

/** Keeps what is below the diagonal of matrices and `diagonal` times the diagonal; the rest is 0. */
export function lowerTriangle(x: Tensor, diagonal = 1): Tensor {
  const [row, column] = [iota(x.shape, [x.rank - 2]), iota(x.shape, [x.rank - 1])];
  const zero = like(x, 0);
  const onDiagonal = select(equal(row, column), mul(x, like(x, diagonal)), zero);
  return select(less(column, row), x, onDiagonal);
}

/** The diagonals `[..., n]` repeated along rows or columns: `result[..., i, j] = x[..., i]` or `x[..., j]`. */
export function spread(x: Tensor, shape: Shape, along: "rows" | "columns"): Tensor {
  const leading = shape.slice(0, -2).map((_, axis) => axis);
  return broadcast(x, shape, [...leading, along === "rows" ? shape.length - 2 : shape.length - 1]);
}

/** Makes a matrix NaN throughout where an element of its `evidence` is not finite. */
export function poison(x: Tensor, evidence: Tensor): Tensor {
  const axes = [evidence.rank - 2, evidence.rank - 1];
  const largest = reduceMax(abs(evidence), axes);
  const leading = x.shape.slice(0, -2).map((_, axis) => axis);
  return add(x, broadcast(mul(largest, like(largest, 0)), x.shape, leading));
}

/** One matrix of a batch, as rows. */
export function rowsOf({ data, shape }: NdArray, at: number): Float64Array[] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const first = at * rows * columns;
  return Array.from(
    { length: rows },
    (_, row) =>
      Float64Array.from(data.subarray(first + row * columns, first + (row + 1) * columns)),
  );
}

/** Writes rows as a matrix of a batch. */
export function setRowsOf({ data, shape }: NdArray, at: number, rows: readonly Float64Array[]) {
  const columns = shape.at(-1)!;
  rows.forEach((row, k) => data.set(row, (at * rows.length + k) * columns));
}

/** Whether no element is NaN or infinite. */
export function areFinite(row: Float64Array): boolean {
  return row.every(Number.isFinite);
}

/**
 * The solution `x` of a system with right sides `b`: NaN throughout where the system has none, and a column where
 * the right side's is not finite, so that the order in which it is eliminated does not matter.
 */
export function solution(
  x: readonly Float64Array[],
  b: readonly Float64Array[],
  solvable: boolean,
): Float64Array[] {
  const counts = Array.from(
    b[0]!,
    (_, column) => solvable && b.every((row) => Number.isFinite(row[column])),
  );
  return x.map((row) => row.map((value, column) => counts[column] ? value : NaN));
}

/** How many matrices there are. */
export function countOf({ shape }: Aval): number {
  return sizeOf(shape.slice(0, -2));
}
