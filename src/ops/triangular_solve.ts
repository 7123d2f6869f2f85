/** Systems of equations with a triangular matrix. Linear in the right side. @module */
import { type Aval, sameShape } from "../ir/aval.ts";
import { zerosNd } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { add, neg, sub } from "./add.ts";
import { concat } from "./concat.ts";
import { requireFloat, withBatch } from "./elementwise.ts";
import { fill, iota, like } from "./fill.ts";
import { equal, less } from "./compare.ts";
import { matmul } from "./matmul.ts";
import {
  areFinite,
  countOf,
  flatBatch,
  lowerTriangle,
  requireSquare,
  rowsOf,
  setRowsOf,
  solution,
} from "./matrices.ts";
import { div } from "./mul.ts";
import { permute, reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { pad, slice } from "./slice_pad.ts";

/** Parameters of {@linkcode triangularSolveP} and `solveP`. */
export interface SolveParams {
  /** Whether the transposed matrix counts. */
  readonly transposed: boolean;
}

/** Shape rule of systems `A X = B` with equal batch axes. */
export function systemAval(a: Aval, b: Aval): Aval {
  requireSquare(a);
  requireFloat(b);
  const leading = a.shape.slice(0, -2);
  if (!sameShape(leading, b.shape.slice(0, -2)) || b.shape.at(-2) !== a.shape.at(-1)) {
    throw new TypeError("expected right sides [..., n, columns] with the matrices' batch axes.");
  }
  return { shape: b.shape, dtype: "f32" };
}

/**
 * Solves `L X = B` or `L^T X = B` for lower triangular `L`, of which the upper triangle is not read; NaN
 * throughout where a diagonal has a zero, or as {@linkcode solution} says.
 */
export const triangularSolveP: Primitive<SolveParams> = /* @__PURE__ */ definePrimitive<
  SolveParams
>({
  name: "triangular_solve",
  aval: (_, [l, b]) => systemAval(l!, b!),
  evaluate: ({ transposed }, [l, b], output) => {
    const result = zerosNd(output.shape, "f32");
    for (let at = 0; at < countOf(l!); at++) {
      const [factor, x] = [rowsOf(l!, at), rowsOf(b!, at)];
      const n = factor.length;
      const read = factor.map((row, k) => row.subarray(0, k + 1));
      const solvable = read.every((row, k) => row[k] !== 0) && read.every(areFinite);
      for (let step = 0; step < n; step++) {
        const i = transposed ? n - 1 - step : step;
        for (let c = 0; c < x[i]!.length; c++) {
          let rest = x[i]![c]!;
          for (let k = transposed ? i + 1 : 0; k < (transposed ? n : i); k++) {
            rest -= (transposed ? factor[k]![i]! : factor[i]![k]!) * x[k]![c]!;
          }
          x[i]![c] = rest / factor[i]![i]!;
        }
      }
      setRowsOf(result, at, solution(x, rowsOf(b!, at), solvable));
    }
    return result;
  },
  // L X = B: L dX = dB - dL X; Giles, Oxford report 08/01 (2008), section 2.3.1.
  jvp: ({ params, inputs: [l, b], outputs: [x] }, [dl, db]) => {
    if (!dl && !db) return null;
    const { transposed } = params;
    const pushed = dl && matmul(lowerTriangle(dl), x!, { transposeA: transposed });
    const right = pushed ? sub(db ?? like(b!, 0), pushed) : db!;
    return triangularSolve(l!, right, params);
  },
  transpose: ({ params: { transposed }, inputs: [l] }, ct) => [
    null,
    triangularSolve(l!, ct, { transposed: !transposed }),
  ],
  vmap: ({ params }, [l, b], batch) =>
    triangularSolve(withBatch(l!, batch), withBatch(b!, batch), params),
  lower: {
    kind: "expand",
    // By the inverse, whose halves are computed all at once, and one step of refinement, which gives the
    // accuracy of substitution (Higham, Accuracy and Stability of Numerical Algorithms, section 12.1).
    expand: ({ params: { transposed: transposeA }, inputs: [l, b] }) => {
      const [factor, right] = [lowerTriangle(flatBatch(l!)), flatBatch(b!)];
      const inverse = triangularInverse(factor);
      const first = matmul(inverse, right, { transposeA });
      const rest = sub(right, matmul(factor, first, { transposeA }));
      const refined = add(first, matmul(inverse, rest, { transposeA }));
      // Where a zero stood on the diagonal, or something was not finite, the rest has multiplied zeros with
      // infinities, or taken an infinity from itself: all is NaN.
      return [reshape(refined, b!.shape)];
    },
  },
  flops: (_, [l, b]) => l!.shape.at(-1)! * b!.shape.reduce((size, extent) => size * extent, 1),
});

/**
 * Inverts lower triangular matrices `[b, n, n]`: for halves, `[[A, 0], [C, B]]` has the inverse
 * `[[A', 0], [-B' C A', B']]`, and all blocks of one size are done together.
 */
function triangularInverse(l: Tensor): Tensor {
  const [batch, n] = l.shape as [number, number];
  const size = 2 ** Math.ceil(Math.log2(n));
  // Ones on what is added of the diagonal.
  const wide = pad(l, { low: [0, 0, 0], high: [0, size - n, size - n] });
  const [row, column] = [iota(wide.shape, [1]), iota(wide.shape, [2])];
  const added = less(fill(n - 1, wide.shape, "i32"), row);
  const ones = select(equal(row, column), like(wide, 1), like(wide, 0));
  const full = select(added, ones, wide);
  /** Elements `k` to `k + 1` along the diagonal of `[b, count, count, ...]`. */
  const diagonal = (x: Tensor): Tensor => {
    const count = x.shape[1]!;
    const rest = x.shape.slice(3);
    const flat = reshape(x, [batch, count * count, ...rest]);
    return slice(flat, {
      start: [0, 0, ...rest.map(() => 0)],
      shape: [batch, count, ...rest],
      stride: [1, count + 1, ...rest.map(() => 1)],
    });
  };
  const entries = diagonal(full);
  let inverse = reshape(div(like(entries, 1), entries), [batch, size, 1, 1]);
  for (let side = 1; side < size; side *= 2) {
    const pairs = size / (2 * side);
    // Blocks in the lower left of every pair: [b, pairs, side, pairs, side], of which the diagonal.
    const cut = slice(reshape(full, [batch, pairs, 2, side, pairs, 2, side]), {
      start: [0, 0, 1, 0, 0, 0, 0],
      shape: [batch, pairs, 1, side, pairs, 1, side],
    });
    const corner = diagonal(
      permute(reshape(cut, [batch, pairs, side, pairs, side]), [0, 1, 3, 2, 4]),
    );
    const both = reshape(inverse, [batch, pairs, 2, side, side]);
    const [upper, lower] = [0, 1].map((half) =>
      reshape(
        slice(both, { start: [0, 0, half, 0, 0], shape: [batch, pairs, 1, side, side] }),
        [batch, pairs, side, side],
      )
    );
    const left = neg(matmul(matmul(lower!, corner), upper!));
    const top = concat([upper!, like(upper!, 0)], 3);
    inverse = concat([top, concat([left, lower!], 3)], 2);
  }
  return slice(reshape(inverse, [batch, size, size]), { start: [0, 0, 0], shape: [batch, n, n] });
}

/** Solves `L X = B`, or `L^T X = B`, of matrices `[..., n, n]` and `[..., n, columns]`. */
export function triangularSolve(l: Tensor, b: Tensor, params: Partial<SolveParams> = {}): Tensor {
  return apply(triangularSolveP, { transposed: params.transposed ?? false }, [l, b]);
}
