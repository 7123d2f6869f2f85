/**
 * Weighting methods against programs of their papers: the weights and directions of several steps that
 * `tests/multitask/pytorch/weightings.py` has written, trained by PyTorch and solved by SciPy.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import * as multitask from "../../src/multitask/mod.ts";
import type { Weighting } from "../../src/multitask/mod.ts";
import { constant, valuesOf } from "../../src/tensor/mod.ts";
import golden from "./pytorch/golden.json" with { type: "json" };
import { direct, frozen } from "./weigh.ts";

const WIDTH = 5;
const SCALES = [1, 3, 0.4];

/** The gradients of `rows_of` in weightings.py. */
const rowsOf = (step: number, tasks: number): number[][] =>
  Array.from({ length: tasks }, (_, k) =>
    Array.from(
      { length: WIDTH },
      (_, j) => SCALES[k]! * Math.sin(1 + 0.9 * step + 2.1 * k + 1.3 * j + 0.4 * k * j),
    ));

/** The losses of `losses_of`. */
const lossesOf = (step: number, tasks: number): number[] =>
  Array.from(
    { length: tasks },
    (_, k) => (k + 1) * 0.8 ** (step * (k + 1) / 3) + 0.1 * Math.sin(step + k) + 0.2,
  );

/** The second sample of `second_of`. */
const secondOf = (step: number, tasks: number): number[][] =>
  rowsOf(step, tasks).map((row, k) => row.map((x, j) => x + 0.3 * Math.cos(k * WIDTH + j + step)));

/** The same methods, with the options of the program where they are not the defaults. */
const METHODS: Readonly<Record<keyof typeof golden, Weighting>> = {
  uncertainty: multitask.uncertaintyWeighting({ rate: 0.1 }),
  gradnorm: multitask.gradNorm(),
  dwa: multitask.dwa({ epoch: 2 }),
  famo: multitask.famo(),
  "imtl-l": multitask.imtlLoss({ rate: 0.1 }),
  "imtl-g": multitask.imtlGradient(),
  imtl: multitask.imtl({ rate: 0.1 }),
  mgda: multitask.mgda(),
  cagrad: multitask.caGrad(),
  "nash-mtl": multitask.nashMtl(),
  fairgrad: multitask.fairGrad(),
  "aligned-mtl": multitask.alignedMtl(),
  upgrad: multitask.upGrad(),
  similarity: multitask.similarityWeighting(),
  pcgrad: multitask.pcGrad(),
  gradvac: multitask.gradVac({ part: 0.3 }),
  graddrop: multitask.gradDrop(),
  random: multitask.randomWeighting(),
  lbtw: multitask.lossBalancedWeighting({ epoch: 4 }),
  "db-mtl": multitask.dbMtl(),
  excessmtl: multitask.excessMtl({ rate: 0.3 }),
  moco: multitask.moCo({ decay: 0.05, relative: false }),
  modo: multitask.moDo({ rate: 0.02, relative: false }),
  sdmgrad: multitask.sdmGrad({ iterations: 2000 }),
  stch: multitask.smoothTchebycheff({ mu: 0.3, warmup: 2 }),
  focal: multitask.focalWeighting(),
  gls: multitask.geometricLoss(),
  log: multitask.logLosses(),
};

/** What SciPy's minimizers leave of an error; all else is exact but for rounding. */
const SOLVED: Readonly<Record<string, number>> = { mgda: 1e-6, cagrad: 1e-6, sdmgrad: 1e-6 };

for (const [name, method] of Object.entries(METHODS) as [keyof typeof golden, Weighting][]) {
  Deno.test(`${name} takes the steps of its paper's program`, () => {
    assertEquals(method.name, name);
    const { tasks, stride, steps } = golden[name];
    let state = method.init(tasks, [constant(rowsOf(0, tasks)[0]!)]);
    for (let step = 0; step < steps.length * stride; step++) {
      const losses = constant(lossesOf(step, tasks));
      const second = name === "modo" ? { second: constant(secondOf(step, tasks)) } : {};
      const given = { losses, state, ...second };
      const found = direct(method, constant(rowsOf(step, tasks)), given);
      state = frozen(found.state);
      if ((step + 1) % stride !== 0) continue;
      const { weights, direction } = steps[(step + 1) / stride - 1]!;
      const near = (actual: readonly number[], expected: readonly number[]) =>
        expected.forEach((value, k) => {
          const tolerance = (SOLVED[name] ?? 1e-9) * Math.max(1, Math.abs(value));
          assertAlmostEquals(actual[k]!, value, tolerance, `step ${step}`);
        });
      if (weights) near(valuesOf(found.weights), weights);
      near(valuesOf(found.grad), direction);
    }
  });
}

Deno.test("the programs' tasks conflict and their losses fall, or they would tell nothing apart", () => {
  const dot = (a: number[], b: number[]) => a.reduce((sum, x, k) => sum + x * b[k]!, 0);
  const signs = Array.from({ length: 6 }, (_, step) => {
    const rows = rowsOf(step, 3);
    return [dot(rows[0]!, rows[1]!), dot(rows[0]!, rows[2]!), dot(rows[1]!, rows[2]!)];
  }).flat();
  assert(signs.filter((x) => x < 0).length > 5 && signs.filter((x) => x > 0).length > 5);
});
