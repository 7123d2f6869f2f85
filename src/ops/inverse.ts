/** Inverse matrices, and systems of equations by them. Linear in the right side. @module */
import { zerosNd } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { abs } from "./abs.ts";
import { add, neg, sub } from "./add.ts";
import { broadcast } from "./broadcast.ts";
import { equal, less } from "./compare.ts";
import { concat } from "./concat.ts";
import { withBatch } from "./elementwise.ts";
import { fill, iota, like } from "./fill.ts";
import { matmul } from "./matmul.ts";
import {
  areFinite,
  countOf,
  flatBatch,
  poison,
  requireSquare,
  rowsOf,
  setRowsOf,
  solution,
  spread,
} from "./matrices.ts";
import { div, mul } from "./mul.ts";
import { argMax } from "./reduce_max.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { pad, slice } from "./slice_pad.ts";
import { stage } from "./stage.ts";
import { sum } from "./sum.ts";
import { type SolveParams, systemAval } from "./triangular_solve.ts";

/** The inverse; NaN throughout where a pivot is zero or an element is not finite. */
export const inverseP: Primitive<object> = /* @__PURE__ */ definePrimitive<object>({
  name: "inverse",
  aval: (_, [a]) => {
    requireSquare(a!);
    return { shape: a!.shape, dtype: "f32" };
  },
  evaluate: (_, [a], output) => {
    const result = zerosNd(output.shape, "f32");
    for (let at = 0; at < countOf(a!); at++) {
      const rows = rowsOf(a!, at);
      const identity = rows.map((row, k) => row.map((_, j) => j === k ? 1 : 0));
      setRowsOf(result, at, eliminate(rows, identity));
    }
    return result;
  },
  // d(A^-1) = -A^-1 dA A^-1; Giles, Oxford report 08/01 (2008), section 2.2.3.
  jvp: ({ outputs: [x] }, [da]) => da ? neg(matmul(matmul(x!, da), x!)) : null,
  transpose: "not linear",
  vmap: (_, [a]) => inverse(a!.tensor),
  lower: {
    kind: "expand",
    // Gauss and Jordan's elimination of [A | I] with partial pivoting (Golub and Van Loan, Matrix
    // Computations, section 3.4). Rows are not exchanged but marked as used; the column that is done moves
    // out to the left, so that all steps are one stage.
    expand: ({ inputs: [a] }) => {
      const flat = flatBatch(a!);
      const [batch, n] = flat.shape as [number, number];
      const [row, column] = [iota(flat.shape, [1]), iota(flat.shape, [2])];
      const identity = select(equal(row, column), like(flat, 1), like(flat, 0));
      let rest = concat([flat, identity], 2);
      let used = fill(0, [batch, n]);
      const step = stage("a column of inverse", [rest, used], (x, used) => {
        const wide = x!.shape;
        const first = reshape(slice(x!, { start: [0, 0, 0], shape: [batch, n, 1] }), [batch, n]);
        const free = less(used!, like(used!, 0.5));
        const pivot = argMax(select(free, abs(first), like(first, -1)), [1]);
        const hit = equal(iota([batch, n], [1]), broadcast(pivot, [batch, n], [0]));
        const isPivot = spread(hit, wide, "rows");
        const chosen = sum(select(isPivot, x!, like(x!, 0)), [1]);
        const head = reshape(slice(chosen, { start: [0, 0], shape: [batch, 1] }), [batch]);
        const scaled = spread(div(chosen, broadcast(head, chosen.shape, [0])), wide, "columns");
        const others = sub(x!, mul(spread(first, wide, "rows"), scaled));
        const next = select(isPivot, scaled, others);
        const left = slice(next, { start: [0, 0, 1], shape: [batch, n, 2 * n - 1] });
        const mark = select(hit, like(used!, 1), like(used!, 0));
        return [pad(left, { low: [0, 0, 0], high: [0, 0, 1] }), add(used!, mark), mark];
      });
      const marks: Tensor[] = [];
      for (let k = 0; k < n; k++) {
        const [next, marked, mark] = step(rest, used);
        [rest, used] = [next!, marked!];
        marks.push(reshape(mark!, [batch, 1, n]));
      }
      const right = slice(rest, { start: [0, 0, 0], shape: [batch, n, n] });
      // A zero pivot has left something that is not finite in every column, and products with zeros make all
      // of them NaN.
      return [reshape(poison(matmul(concat(marks, 1), right), flat), a!.shape)];
    },
  },
  flops: (_, [a]) => 2 * countOf(a!) * a!.shape.at(-1)! ** 3,
});

/** Solves `A X = B` or `A^T X = B`; NaN throughout where a pivot is zero, or as {@linkcode solution} says. */
export const solveP: Primitive<SolveParams> = /* @__PURE__ */ definePrimitive<SolveParams>({
  name: "solve",
  aval: (_, [a, b]) => systemAval(a!, b!),
  evaluate: ({ transposed }, [a, b], output) => {
    const result = zerosNd(output.shape, "f32");
    for (let at = 0; at < countOf(a!); at++) {
      const rows = rowsOf(a!, at);
      const own = transposed ? rows.map((row, i) => row.map((_, j) => rows[j]![i]!)) : rows;
      setRowsOf(result, at, eliminate(own, rowsOf(b!, at)));
    }
    return result;
  },
  // A X = B: A dX = dB - dA X; Giles, Oxford report 08/01 (2008), section 2.3.1.
  jvp: ({ params, inputs: [a, b], outputs: [x] }, [da, db]) => {
    if (!da && !db) return null;
    const pushed = da && matmul(da, x!, { transposeA: params.transposed });
    return solve(a!, pushed ? sub(db ?? like(b!, 0), pushed) : db!, params);
  },
  transpose: ({ params: { transposed }, inputs: [a] }, ct) => [
    null,
    solve(a!, ct, { transposed: !transposed }),
  ],
  vmap: ({ params }, [a, b], batch) => solve(withBatch(a!, batch), withBatch(b!, batch), params),
  lower: {
    kind: "expand",
    // By the inverse, which all right sides and all derivatives share, and one step of refinement, which
    // makes the residual as small as that of elimination, and NaN of a column that is not finite.
    expand: ({ params: { transposed: transposeA }, inputs: [a, b] }) => {
      const own = inverse(a!);
      const first = matmul(own, b!, { transposeA });
      const rest = sub(b!, matmul(a!, first, { transposeA }));
      return [add(first, matmul(own, rest, { transposeA }))];
    },
  },
  flops: (_, [a, b]) => {
    const n = a!.shape.at(-1)!;
    return countOf(a!) * (2 * n ** 3 / 3 + 2 * n * n * b!.shape.at(-1)!);
  },
});

/** Elimination with partial pivoting: `a` becomes the identity, `b` the solution. Both are changed. */
function eliminate(a: Float64Array[], b: Float64Array[]): Float64Array[] {
  const n = a.length;
  const [given, solvable] = [[...b], a.every(areFinite)];
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i]![k]!) > Math.abs(a[pivot]![k]!)) pivot = i;
    [a[k], a[pivot]] = [a[pivot]!, a[k]!];
    [b[k], b[pivot]] = [b[pivot]!, b[k]!];
    const head = a[k]![k]!;
    if (!(Math.abs(head) > 0)) return solution(b, given, false);
    a[k] = a[k]!.map((value) => value / head);
    b[k] = b[k]!.map((value) => value / head);
    for (let i = 0; i < n; i++) {
      const factor = a[i]![k]!;
      if (i === k || factor === 0) continue;
      a[i] = a[i]!.map((value, j) => value - factor * a[k]![j]!);
      b[i] = b[i]!.map((value, j) => value - factor * b[k]![j]!);
    }
  }
  return solution(b, given, solvable);
}

/** The inverses of matrices `[..., n, n]`. */
export function inverse(a: Tensor): Tensor {
  return apply(inverseP, {}, [a]);
}

/** Solves `A X = B`, or `A^T X = B`, of matrices `[..., n, n]` and `[..., n, columns]`. */
export function solve(a: Tensor, b: Tensor, params: Partial<SolveParams> = {}): Tensor {
  return apply(solveP, { transposed: params.transposed ?? false }, [a, b]);
}
