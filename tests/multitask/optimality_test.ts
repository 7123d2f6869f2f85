/**
 * Conditions of optimality of the weighting methods that solve a problem, over random Gram matrices.
 *
 * All conditions are checked in plain float64 on the host, from the matrix alone.
 */
import { assert, assertAlmostEquals } from "@std/assert";
import { Engine } from "../../src/engine/mod.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { hostArray } from "../../src/ir/host_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  mgda,
  nashMtl,
  normalizeWeights,
  pcGrad,
  type Weighting,
} from "../../src/multitask/mod.ts";
import { constant, valuesOf } from "../../src/tensor/mod.ts";
import { jvp, vmap } from "../../src/transform/mod.ts";
import { numbers } from "../meta/host.ts";
import { gramOf, type Sample, sampleOf, samples, solve, sum, times, weights } from "./samples.ts";
import { webgpuTest } from "../webgpu.ts";

/**
 * Least distance from violating a condition of MGDA's optimum, in units of gradients of length 1:
 * weights `w >= 0` that add up to 1, and `<g_i, d> >= |d|^2` for all tasks.
 */
function mgdaViolation({ gram, lengths }: Sample, weights: readonly number[]): number {
  const products = times(gram, weights);
  const squared = sum(products.map((x, k) => x * weights[k]!));
  const size = sum(weights.map((w, k) => w * lengths[k]!));
  return Math.max(
    Math.abs(sum(weights) - 1),
    ...weights.map((w) => -w),
    ...products.map((x, k) =>
      size === 0 ? 0 : (squared - x) / (lengths[k] === 0 ? size * size : lengths[k]! * size)
    ),
  );
}

/** Largest `|a_i (G a)_i - 1|` of tasks with a gradient. */
function nashResidual({ gram, lengths }: Sample, weights: readonly number[]): number {
  const products = times(gram, weights);
  return Math.max(
    ...products.map((x, k) => lengths[k] === 0 ? 0 : Math.abs(x * weights[k]! - 1)),
  );
}

for (const tasks of [2, 3, 4, 5, 6, 7, 8]) {
  const all = samples(tasks, 144);

  Deno.test(`mgda() is optimal on ${all.length} matrices of ${tasks} tasks`, () => {
    solve(mgda(), all).forEach((found, k) => {
      const violation = mgdaViolation(all[k]!, found);
      assert(violation < 1e-9, `${all[k]!.kind} ${k}: ${violation}`);
    });
  });

  Deno.test(`nashMtl() solves ${all.length} matrices of ${tasks} tasks`, () => {
    solve(nashMtl(), all).forEach((found, k) => {
      const { kind, lengths, gram } = all[k]!;
      assert(found.every((value) => Number.isFinite(value) && value > 0), `${kind} ${k}: ${found}`);
      const units = found.map((value, task) => value * lengths[task]!);
      if (kind === "opposed") {
        // Without a solution: bounded, and no gradient is opposed by more than rounding in f32.
        assert(Math.max(...units) < 1500, `${k}: ${units}`);
        times(gram, found).forEach((x, task) =>
          assert(x > -1e-5 * lengths[task]! * sum(units), `${k}: ${x}`)
        );
        return;
      }
      const residual = nashResidual(all[k]!, found);
      assert(residual < 1e-6, `${kind} ${k}: residual ${residual}`);
      if (kind === "zero") {
        const others = found.slice(0, -1);
        assertAlmostEquals(found.at(-1)! / (sum(others) / others.length), 1, 1e-9);
      }
    });
  });
}

Deno.test("mgda() and nashMtl() have the closed forms of two tasks", () => {
  for (const [a, b, c] of [[1, 4, -1.99], [1e-12, 1e12, -0.9], [9, 1, 0.3], [1, 1, -0.999]]) {
    const gram = constant([[a!, c!], [c!, b!]]);
    // Shortest point between two vectors; the weights of two directions are alike in Nash's case.
    const first = Math.min(1, Math.max(0, (b! - c!) / (a! + b! - 2 * c!)));
    const found = valuesOf(weights(mgda(), gram));
    assertAlmostEquals(found[0]!, first, 1e-12 * Math.max(first, 1e-9));
    assertAlmostEquals(found[1]!, 1 - first, 1e-12);
    const unit = 1 / Math.sqrt(1 + c! / Math.sqrt(a! * b!));
    const [x, y] = valuesOf(weights(nashMtl(), gram));
    assertAlmostEquals(x! * Math.sqrt(a!) / unit, 1, 1e-8);
    assertAlmostEquals(y! * Math.sqrt(b!) / unit, 1, 1e-8);
  }
});

Deno.test("nashMtl() solves a gradient along the sum of others that conflict", () => {
  // The full Newton step from equal weights makes the first weight negative.
  const along = 0.4 / Math.sqrt(7 - 4.2);
  const row = (of: (k: number) => number): number[] => Array.from({ length: 8 }, (_, k) => of(k));
  const gram = row(() => 0).map((_, i) =>
    row((j) => i === j ? 1 : i === 0 || j === 0 ? along : -0.1)
  );
  const found = valuesOf(weights(nashMtl(), constant(gram)));
  assert(nashResidual({ kind: "free", gram, lengths: row(() => 1) }, found) < 1e-9);
  assert(Math.min(...found) > 0, `${found}`);
});

Deno.test("mgda() of opposite gradients is 0", () => {
  const found = valuesOf(weights(mgda(), constant([[4, -2, 0], [-2, 1, 0], [0, 0, 1]])));
  [1 / 3, 2 / 3, 0].forEach((want, k) => assertAlmostEquals(found[k]!, want, 1e-9));
});

for (const method of [mgda(), nashMtl(), pcGrad()]) {
  Deno.test(`weights of ${method.name} do not depend on the scale of all gradients`, () => {
    for (const tasks of [2, 5]) {
      const { gram } = sampleOf(numbers(tasks), tasks, "conflicting", 2);
      const [plain, ...others] = [1, 1e-14, 1e-10, 1e14].map((scale) =>
        valuesOf(weights(
          normalizeWeights(method, { to: "one" }),
          constant(gram.map((row) => row.map((x) => x * scale * scale))),
        ))
      );
      for (const other of others) {
        other.forEach((value, k) => assertAlmostEquals(value, plain![k]!, 1e-9));
      }
    }
  });

  Deno.test(`the derivative of ${method.name} is that of finite differences`, () => {
    for (const [seed, tasks] of [[1, 2], [2, 3], [3, 5]] as const) {
      const random = numbers(seed);
      const { gram } = sampleOf(random, tasks, "conflicting", 0);
      const direction = gramOf(gram.map((row) => row.map(() => random() - 0.5)));
      const at = (step: number): Tensor =>
        constant(gram.map((row, i) => row.map((x, j) => x + step * direction[i]![j]!)));
      const of = (x: Tensor): Tensor => weights(method, x);
      const found = valuesOf(jvp(of, [at(0)], [constant(direction)]).tangent);
      const [high, low] = [valuesOf(of(at(1e-6))), valuesOf(of(at(-1e-6)))];
      found.forEach((value, k) =>
        assertAlmostEquals(value, (high[k]! - low[k]!) / 2e-6, 1e-5 * (1 + Math.abs(value)))
      );
    }
  });
}

/** Holds the conditions on an engine of float32, at scales of 1e+-2. */
async function assertOptimal(engine: Engine): Promise<void> {
  for (const tasks of [3, 8]) {
    const all = samples(tasks, 24, 2);
    // Two opposite gradients, long beside the third, whose combination is 0.
    if (tasks === 3) {
      const gram = [[1e10, -2e10, 0], [-2e10, 4e10, 0], [0, 0, 1]];
      all.push({ kind: "opposed", gram, lengths: [1e5, 2e5, 1] });
    }
    const grams = hostArray(all.flatMap(({ gram }) => gram.flat()), [all.length, tasks, tasks]);
    const run = async (method: Weighting): Promise<number[][]> => {
      const map = engine.jit(vmap((gram: Tensor) => weights(method, gram)));
      const { data } = await engine.read(await map(grams));
      return all.map((_, k) => Array.from(data.slice(k * tasks, (k + 1) * tasks)));
    };
    (await run(mgda())).forEach((found, k) => {
      const violation = mgdaViolation(all[k]!, found);
      assert(violation < 2e-5, `mgda ${tasks} ${all[k]!.kind} ${k}: ${violation}`);
    });
    (await run(nashMtl())).forEach((found, k) => {
      assert(found.every((x) => Number.isFinite(x) && x > 0), `nash ${tasks} ${k}: ${found}`);
      if (all[k]!.kind === "opposed") return;
      // Below 1e-4, or what the rounding of f32 makes of the products.
      const rounding = all[k]!.gram.map((row, i) =>
        2 ** -21 * sum(row.map((x, j) => Math.abs(x * found[i]! * found[j]!)))
      );
      const residual = nashResidual(all[k]!, found);
      assert(residual < Math.max(1e-4, ...rounding), `nash ${all[k]!.kind} ${k}: ${residual}`);
    });
  }
}

webgpuTest(
  "mgda() and nashMtl() are optimal on WebGPU",
  (gpu) => assertOptimal(new Engine(new WebGpuBackend(gpu))),
);

Deno.test("mgda() and nashMtl() are optimal on TensorFlow.js", async () => {
  const engine = await openEngine("tfjs");
  try {
    await assertOptimal(engine);
  } finally {
    engine.close();
  }
});
