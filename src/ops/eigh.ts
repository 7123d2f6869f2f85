/** Eigenvalues and eigenvectors of a symmetric matrix. @module */
import { zerosNd } from "../ir/nd_array.ts";
import type { Primitive } from "../ir/primitive.ts";
import { applyAll, type Tensor } from "../ir/tensor.ts";
import { add, sub } from "./add.ts";
import { equal, less } from "./compare.ts";
import { fill, iota, like } from "./fill.ts";
import { diagonalOf, jacobiSweeps } from "./jacobi.ts";
import { jacobiOnHost } from "./jacobi_host.ts";
import { abs } from "./abs.ts";
import { and, or } from "./logical.ts";
import { broadcast } from "./broadcast.ts";
import { convert } from "./convert.ts";
import { matmul } from "./matmul.ts";
import {
  countOf,
  flatBatch,
  poison,
  requireSquare,
  rowsOf,
  setRowsOf,
  spread,
  transposed,
} from "./matrices.ts";
import { div, mul } from "./mul.ts";
import { argMax, reduceMax } from "./reduce_max.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { sum } from "./sum.ts";

/**
 * Eigenvalues `[..., n]` in rising order and orthonormal eigenvectors, the columns of `[..., n, n]`, of
 * symmetric matrices. The element of largest magnitude of a vector is positive. NaN throughout where an
 * element is not finite.
 */
export const eighP: Primitive<object> = {
  name: "eigh",
  avals: (_, [a]) => {
    requireSquare(a!);
    return [{ shape: a!.shape.slice(0, -1), dtype: "f32" }, { shape: a!.shape, dtype: "f32" }];
  },
  evaluate: (_, [a], [values, vectors]) => {
    const w = zerosNd(values!.shape, "f32");
    const v = zerosNd(vectors!.shape, "f32");
    const n = a!.shape.at(-1)!;
    for (let at = 0; at < countOf(a!); at++) {
      const pairs = jacobiOnHost(rowsOf(a!, at));
      w.data.set(pairs.map(({ value }) => value), at * n);
      const columns = pairs.map(({ vector }) => vector);
      setRowsOf(v, at, columns.map((_, i) => Float64Array.from(columns, (column) => column[i]!)));
    }
    return [w, v];
  },
  // E = V^T dA V: dw = diag(E), dV = V (F . E), F_ij = 1 / (w_j - w_i) off the diagonal; Giles, Oxford
  // report 08/01 (2008), section 3.1.
  jvp: ({ outputs: [w, v] }, [da]) => {
    if (!da) return [null, null];
    const inner = matmul(matmul(v!, da, { transposeA: true }), v!);
    const shape = inner.shape;
    const [row, column] = [iota(shape, [shape.length - 2]), iota(shape, [shape.length - 1])];
    const onDiagonal = equal(row, column);
    const gaps = sub(spread(w!, shape, "columns"), spread(w!, shape, "rows"));
    const apart = div(inner, select(onDiagonal, like(gaps, 1), gaps));
    const turn = select(onDiagonal, like(apart, 0), apart);
    return [diagonalOf(inner), matmul(v!, turn)];
  },
  transpose: "not linear",
  vmap: (_, [a]) => applyAll(eighP, {}, [a!.tensor]),
  lower: {
    kind: "expand",
    expand: ({ inputs: [a] }) => {
      const flat = flatBatch(a!);
      const [batch, n] = flat.shape as [number, number];
      // Scaled to 1, so that squares neither overflow nor vanish.
      const largest = reduceMax(abs(flat), [1, 2]);
      const scale = select(less(like(largest, 0), largest), largest, like(largest, 1));
      const scaled = div(flat, broadcast(scale, flat.shape, [0]));
      const { values, rows } = jacobiSweeps(scaled);
      // Ranks by counting, and rows in their order by a product with ones and zeros.
      const [own, other] = [
        spread(values, flat.shape, "rows"),
        spread(values, flat.shape, "columns"),
      ];
      const [row, column] = [iota(flat.shape, [1]), iota(flat.shape, [2])];
      const before = or(less(other, own), and(equal(other, own), less(column, row)));
      const rank = sum(convert(before, "f32"), [2]);
      const wanted = iota(flat.shape, [1], "f32");
      const order = convert(equal(spread(rank, flat.shape, "columns"), wanted), "f32");
      const sorted = matmul(order, rows);
      const w = matmul(order, reshape(values, [batch, n, 1]));
      // The sign of the element of largest magnitude.
      const place = spread(argMax(abs(sorted), [2]), flat.shape, "rows");
      const head = sum(select(equal(place, column), sorted, like(sorted, 0)), [2]);
      const sign = select(less(head, like(head, 0)), like(head, -1), like(head, 1));
      const vectors = transposed(mul(sorted, spread(sign, flat.shape, "rows")));
      const unscaled = mul(reshape(w, [batch, n]), broadcast(scale, [batch, n], [0]));
      const zero = mul(largest, fill(0, [batch]));
      return [
        reshape(add(unscaled, broadcast(zero, [batch, n], [0])), a!.shape.slice(0, -1)),
        reshape(poison(vectors, flat), a!.shape),
      ];
    },
  },
  flops: (_, [a]) => 9 * countOf(a!) * a!.shape.at(-1)! ** 3,
};

/** Eigenvalues and eigenvectors of symmetric matrices `[..., n, n]`. */
export function eigh(a: Tensor): { readonly values: Tensor; readonly vectors: Tensor } {
  const [values, vectors] = applyAll(eighP, {}, [a]);
  return { values: values!, vectors: vectors! };
}
