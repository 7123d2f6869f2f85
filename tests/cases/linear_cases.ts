/** Cases of linear algebra. @module */
import * as ops from "../../src/ops/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { f32, type PrimitiveCase, primitiveCase } from "./case.ts";

/** Multiples of the identity, or a rising diagonal, of the shape of `x`. */
function diagonal(x: Tensor, value: (k: number) => number): Tensor {
  const n = x.shape.at(-1)!;
  const one = Array.from({ length: n * n }, (_, k) => k % (n + 1) === 0 ? value(k / (n + 1)) : 0);
  return ops.broadcast(ops.literal(one, [n, n]), x.shape, [x.rank - 2, x.rank - 1]);
}

function swapped(x: Tensor): Tensor {
  const last = x.rank - 1;
  return ops.permute(x, [...x.shape.slice(0, -2).map((_, axis) => axis), last, last - 1]);
}

const shifted = (x: Tensor): Tensor => ops.add(x, diagonal(x, () => 3));
const definite = (x: Tensor): Tensor =>
  ops.add(ops.matmul(x, x, { transposeB: true }), diagonal(x, () => 2));
const symmetric = (x: Tensor): Tensor => ops.add(ops.add(x, swapped(x)), diagonal(x, (k) => 5 * k));

const small = f32([2, 3, 3], -0.5, 0.5);
const right = f32([2, 3, 2]);

/** Cases of all primitives of linear algebra. */
export const linearCases: readonly PrimitiveCase[] = [
  primitiveCase("cholesky", [small], { build: (x) => ops.cholesky(definite(x)) }),
  primitiveCase("triangular_solve", [small, right], {
    build: (x, b) => ops.triangularSolve(shifted(x), b),
  }),
  primitiveCase("triangular_solve transposed", [small, right], {
    build: (x, b) => ops.triangularSolve(shifted(x), b, { transposed: true }),
  }),
  primitiveCase("inverse", [small], { build: (x) => ops.inverse(shifted(x)) }),
  primitiveCase("solve", [small, right], { build: (x, b) => ops.solve(shifted(x), b) }),
  primitiveCase("solve transposed", [small, right], {
    build: (x, b) => ops.solve(shifted(x), b, { transposed: true }),
  }),
  primitiveCase("eigh values", [small], { build: (x) => ops.eigh(symmetric(x)).values }),
  primitiveCase("eigh vectors", [small], { build: (x) => ops.eigh(symmetric(x)).vectors }),
];
