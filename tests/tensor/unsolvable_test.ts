/** Systems and matrices that have no answer, or that something in them makes meaningless. */
import { assert, assertEquals } from "@std/assert";
import { hostArray } from "../../src/ir/host_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as t from "../../src/tensor/mod.ts";
import { engineTest } from "./engine_tests.ts";

engineTest("a matrix without an answer is NaN, and no other", async (engine) => {
  const regular = [[2, 1], [1, 2]];
  const run = async (fn: (a: Tensor) => Tensor, bad: readonly (readonly number[])[]) => {
    const a = hostArray(Float32Array.from([...bad, ...regular].flat()), [2, 2, 2]);
    const found = await engine.read(await engine.jit(fn)(a as never));
    const meant = t.valuesOf(fn(t.constant(a.data, { shape: a.shape })));
    for (const values of [Array.from(found.data as Float32Array), Array.from(meant)]) {
      const half = values.length / 2;
      assert(values.slice(0, half).every(Number.isNaN), `${values}`);
      assert(values.slice(half).every(Number.isFinite), `${values}`);
    }
  };
  const right = t.constant([[1, 2], [3, 4]]);
  const singular = [[1, 2], [2, 4]];
  for (
    const indefinite of [[[0, 0], [0, 1]], [[1, 0], [0, 0]], [[-1, 0], [0, 2]], [[1, 2], [2, 1]]]
  ) {
    await run((a) => t.cholesky(a), indefinite);
  }
  const spoilt = [[[NaN, 1], [1, 2]], [[Infinity, 0], [0, 2]], [[1, -Infinity], [0, 2]]];
  for (const bad of [singular, [[0, 0], [0, 0]], [[1, 0], [0, 0]], ...spoilt]) {
    await run((a) => t.inv(a), bad);
    await run((a) => t.solve(a, right), bad);
  }
  for (const bad of spoilt) {
    await run((a) => t.triangularSolve(a, right, { lower: false }), bad);
    await run((a) => t.triangularSolve(a, right, { lower: false, transposed: true }), bad);
  }
  await run((a) => t.triangularSolve(a, right), [[1, 9], [9, 0]]);
  await run((a) => t.triangularSolve(a, t.zeros([2, 2])), [[1, 9], [0, 0]]);
  await run((a) => t.triangularSolve(a, right, { lower: false }), [[0, 9], [9, 1]]);
  await run((a) => t.eigh(a).values, [[1, NaN], [0, 1]]);
  await run((a) => t.eigh(a).vectors, [[Infinity, 0], [0, 1]]);
});

engineTest(
  "a right side that is not finite gives a column of NaN, and no other",
  async (engine) => {
    const matrices = [[[2]], [[2, 0], [0, 3]], [[2, 0, 0], [1, 1, 0], [-1, 2, -3]]];
    const systems: ((a: Tensor, b: Tensor) => Tensor)[] = [
      t.solve,
      t.triangularSolve,
      (a, b) => t.triangularSolve(a, b, { transposed: true }),
      (a, b) => t.triangularSolve(t.transpose(a), b, { lower: false }),
    ];
    for (const rows of matrices) {
      const n = rows.length;
      const a = hostArray(Float32Array.from(rows.flat()), [n, n]);
      // Every column but the last has one such number, in its own row.
      const specials = [NaN, Infinity, -Infinity].slice(0, n);
      const b = hostArray(
        Float32Array.from({ length: n * (n + 1) }, (_, k) => {
          const [row, column] = [Math.floor(k / (n + 1)), k % (n + 1)];
          return row === column ? specials[(row + 1) % n]! : k;
        }),
        [n, n + 1],
      );
      for (const fn of systems) {
        const found = await engine.read(await engine.jit(fn)(a as never, b as never));
        const [own, right] = [a, b].map(({ data, shape }) => t.constant(data, { shape }));
        for (const values of [found.data, t.valuesOf(fn(own!, right!))]) {
          Array.from(values as Float32Array).forEach((value, k) => {
            const kind = Number.isNaN(value)
              ? "NaN"
              : Number.isFinite(value)
              ? "finite"
              : "infinite";
            assertEquals(kind, k % (n + 1) < n ? "NaN" : "finite", `${fn}, ${n} rows: ${values}`);
          });
        }
      }
    }
  },
);
