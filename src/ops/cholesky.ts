/** The Cholesky factor of a positive definite matrix. @module */
import { zerosNd } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { sub } from "./add.ts";
import { concat } from "./concat.ts";
import { matmul } from "./matmul.ts";
import {
  countOf,
  flatBatch,
  lowerTriangle,
  poison,
  requireSquare,
  rowsOf,
  setRowsOf,
  spread,
  transposed,
} from "./matrices.ts";
import { mul } from "./mul.ts";
import { reshape } from "./reshape.ts";
import { pad, slice } from "./slice_pad.ts";
import { rsqrt } from "./sqrt.ts";
import { broadcast } from "./broadcast.ts";
import { stage } from "./stage.ts";
import { triangularSolve } from "./triangular_solve.ts";

/**
 * Lower triangular `L` with `L L^T = A` of symmetric `A`, of which the lower triangle is read; NaN
 * throughout where `A` is not positive definite.
 */
export const choleskyP: Primitive<object> = /* @__PURE__ */ definePrimitive<object>({
  name: "cholesky",
  aval: (_, [a]) => {
    requireSquare(a!);
    return { shape: a!.shape, dtype: "f32" };
  },
  evaluate: (_, [a], output) => {
    const result = zerosNd(output.shape, "f32");
    for (let at = 0; at < countOf(a!); at++) {
      const l = rowsOf(a!, at);
      let definite = true;
      for (let j = 0; j < l.length; j++) {
        for (let i = 0; i < l.length; i++) {
          let rest = l[i]![j]!;
          for (let k = 0; k < j; k++) rest -= l[i]![k]! * l[j]![k]!;
          if (i === j) definite &&= rest > 0 && rest < Infinity;
          l[i]![j] = i < j ? 0 : i === j ? Math.sqrt(rest) : rest / l[j]![j]!;
        }
      }
      if (!definite) l.forEach((row) => row.fill(NaN));
      setRowsOf(result, at, l);
    }
    return result;
  },
  // dL = L phi(L^-1 dA L^-T), phi the lower triangle with half the diagonal; Murray, arXiv 1602.07527,
  // equations 8 and 9.
  jvp: ({ outputs: [l] }, [da]) => {
    if (!da) return null;
    const half = triangularSolve(l!, da);
    const inner = triangularSolve(l!, transposed(half));
    return matmul(l!, lowerTriangle(inner, 0.5));
  },
  transpose: "not linear",
  vmap: (_, [a]) => cholesky(a!.tensor),
  lower: {
    kind: "expand",
    // Column by column: the first column of what is left, scaled, is a column of L; its outer product with
    // itself is taken away, and the rest moves up and left by one (Golub and Van Loan, Matrix Computations,
    // algorithm 4.2.2). So all steps are one stage.
    expand: ({ inputs: [a] }) => {
      let rest = flatBatch(a!);
      const [batch, n] = rest.shape as [number, number];
      const step = stage("a column of cholesky", [rest], (x) => {
        const first = slice(x!, { start: [0, 0, 0], shape: [batch, n, 1] });
        const pivot = slice(first, { start: [0, 0, 0], shape: [batch, 1, 1] });
        const scale = broadcast(reshape(rsqrt(pivot), [batch]), [batch, n], [0]);
        const column = mul(reshape(first, [batch, n]), scale);
        const outer = mul(spread(column, x!.shape, "rows"), spread(column, x!.shape, "columns"));
        const inner = slice(sub(x!, outer), { start: [0, 1, 1], shape: [batch, n - 1, n - 1] });
        return [column, pad(inner, { low: [0, 0, 0], high: [0, 1, 1] })];
      });
      const columns: Tensor[] = [];
      for (let k = 0; k < n; k++) {
        const [column, next] = step(rest);
        columns.push(reshape(column!, [batch, 1, n]));
        rest = next!;
      }
      // Column k begins at row k: rows that are one longer than they count skew the square.
      const skewed = pad(concat(columns, 1), { low: [0, 0, 0], high: [0, 0, 1] });
      const flat = slice(reshape(skewed, [batch, n * (n + 1)]), {
        start: [0, 0],
        shape: [batch, n * n],
      });
      const l = lowerTriangle(transposed(reshape(flat, [batch, n, n])));
      return [reshape(poison(l, l), a!.shape)];
    },
  },
  flops: (_, [a]) => countOf(a!) * a!.shape.at(-1)! ** 3 / 3,
});

/** The lower Cholesky factor of symmetric positive definite matrices `[..., n, n]`. */
export function cholesky(a: Tensor): Tensor {
  return apply(choleskyP, {}, [a]);
}
