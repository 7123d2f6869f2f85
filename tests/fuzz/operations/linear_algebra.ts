/** Systems, factors and eigenvalues of small matrices. @module */
import type { Builder } from "../builder.ts";
import { bounded, type Operation, options, ref } from "./operation.ts";

/** Largest entry beside the diagonal: rows stay dominated by it, eigenvalues apart (Gershgorin). */
const OFF = 1 / 8;

/** Matrices `[..., n, n]` near `diag(1, ..., n)`: regular, positive definite, eigenvalues apart. */
function matrices(b: Builder, batch: readonly number[], n: number): number {
  const small = bounded(b, b.provide([...batch, n, n], "f32", "small"), 1);
  const numbers = b.call("add", [ref(b.call("range", [n, "f32"])), 1]);
  return b.call("add", [
    ref(b.call("mul", [ref(small), OFF])),
    ref(b.call("diag", [ref(numbers), {}])),
  ]);
}

function system(b: Builder): number | undefined {
  const batch = b.draw.chance(0.4) ? [2] : [];
  const n = b.draw.integer(1, 3);
  const a = ref(matrices(b, batch, n));
  const right = () => {
    const vector = batch.length === 0 && b.draw.chance(0.3);
    return ref(b.provide(vector ? [n] : [...batch, n, b.draw.integer(1, 2)], "f32", "small"));
  };
  switch (b.draw.pick(["cholesky", "triangularSolve", "solve", "inv", "eigh"])) {
    case "cholesky":
      return b.call("cholesky", [a]);
    case "triangularSolve":
      return b.call("triangularSolve", [
        a,
        right(),
        options(b, { lower: b.draw.chance(0.5), transposed: b.draw.chance(0.5) }),
      ]);
    case "solve":
      return b.call("solve", [a, right()]);
    case "inv":
      return b.call("inv", [a]);
    default:
      // Signs of eigenvectors are a convention; their values are not.
      return b.call("eigh", [a], "values");
  }
}

/** Small linear algebra. */
export const linearAlgebra: readonly Operation[] = [
  { name: "linear algebra", weight: 1, make: system },
];
