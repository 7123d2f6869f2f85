/**
 * The other methods that solve a problem, against its conditions or another solver, over random Gram
 * matrices in float64.
 */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { Engine } from "../../src/engine/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { hostArray } from "../../src/ir/host_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as multitask from "../../src/multitask/mod.ts";
import type { Weighting } from "../../src/multitask/mod.ts";
import { shortestDescent } from "../../src/multitask/active_sets.ts";
import { symmetricEigen } from "../../src/multitask/eigen.ts";
import { constant, valuesOf } from "../../src/tensor/mod.ts";
import { jvp, vmap } from "../../src/transform/mod.ts";
import { numbers } from "../meta/host.ts";
import {
  gramOf,
  type Matrix,
  type Sample,
  sampleOf,
  samples,
  solve,
  sum,
  times,
  weights,
} from "./samples.ts";
import { webgpuTest } from "../webgpu.ts";

/** Gram matrix of the unit gradients; that of a gradient that is 0 has a row of 0. */
function cosinesOf({ gram, lengths }: Sample): Matrix {
  return gram.map((row, i) => row.map((x, j) => x === 0 ? 0 : x / lengths[i]! / lengths[j]!));
}

/** Inner products of the unit gradients with the combined gradient, over the sizes of its parts. */
function products(sample: Sample, found: readonly number[]): number[] {
  const units = found.map((value, k) => value * sample.lengths[k]!);
  const size = sum(units.map(Math.abs));
  return times(cosinesOf(sample), units).map((x) => size === 0 ? 0 : x / size);
}

/**
 * How far weights are from CAGrad's conditions: `d = g + c |g| u`, where the unit vector `u` is a
 * combination, with weights from 0, of those gradients that have the least product with `d`.
 */
function caGradViolation(sample: Sample, found: readonly number[], radius: number): number {
  const { gram, lengths } = sample;
  const tasks = gram.length;
  const extra = found.map((value) => value - 1 / tasks);
  const lengthOf = (w: readonly number[]) =>
    Math.sqrt(Math.max(0, sum(times(gram, w).map((x, k) => x * w[k]!))));
  const mean = lengthOf(extra.map(() => 1 / tasks));
  const length = Math.abs(lengthOf(extra) / (radius * mean) - 1);
  const size = sum(found.map((x, k) => Math.abs(x) * lengths[k]!));
  const gains = times(gram, found);
  // Weights that are 0 but for rounding, in units of the step.
  const active = extra.map((x, k) => x * lengths[k]! > 1e-9 * size);
  const multiplier = Math.min(...gains.filter((_, k) => active[k]));
  const conditions = gains.map((gain, k) =>
    (active[k] ? Math.abs(gain - multiplier) : multiplier - gain) / (lengths[k]! * size)
  );
  return Math.max(length, ...extra.map((x, k) => -x * lengths[k]! / size), ...conditions);
}

/** Least-length coefficients `v >= e_i` of unit gradients by projected coordinate descent. */
function projection(cosines: Matrix, own: number): number[] {
  const v: number[] = cosines.map((_, k) => k === own ? 1 : 0);
  for (let pass = 0; pass < 20000; pass++) {
    let moved = 0;
    cosines.forEach((row, k) => {
      const slope = row.reduce((total, x, j) => total + x * v[j]!, 0);
      const next = Math.max(k === own ? 1 : 0, v[k]! - slope / row[k]!);
      moved = Math.max(moved, Math.abs(next - v[k]!));
      v[k] = next;
    });
    if (moved < 1e-13) break;
  }
  return v;
}

function multiply(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => b[0]!.map((_, j) => row.reduce((total, x, k) => total + x * b[k]![j]!, 0)));
}

function inverse(matrix: Matrix): Matrix {
  const size = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => i === j ? 1 : 0)]);
  for (let k = 0; k < size; k++) {
    const best = rows.slice(k).reduce(
      (at, row, j) => Math.abs(row[k]!) > Math.abs(rows[at]![k]!) ? k + j : at,
      k,
    );
    [rows[k], rows[best]] = [rows[best]!, rows[k]!];
    const pivot = rows[k]![k]!;
    rows[k] = rows[k]!.map((x) => x / pivot);
    rows.forEach((row, i) => {
      if (i !== k) rows[i] = row.map((x, j) => x - row[k]! * rows[k]![j]!);
    });
  }
  return rows.map((row) => row.slice(size));
}

/** `(root, inverse root)` of a positive definite matrix: Denman and Beavers' iteration. */
function roots(matrix: Matrix): [Matrix, Matrix] {
  let y = matrix;
  let z: Matrix = matrix.map((row, i) => row.map((_, j) => i === j ? 1 : 0));
  for (let k = 0; k < 60; k++) {
    const [yi, zi] = [inverse(y), inverse(z)];
    const mean = (a: Matrix, b: Matrix): Matrix =>
      a.map((row, i) => row.map((x, j) => (x + b[i]![j]!) / 2));
    [y, z] = [mean(y, zi), mean(z, yi)];
  }
  return [y, z];
}

/** Smallest eigenvalue by powers of the inverse. */
function smallest(matrix: Matrix): number {
  const inverted = inverse(matrix);
  let x = matrix.map((_, k) => 1 + k / 7);
  let value = 0;
  for (let k = 0; k < 3000; k++) {
    const next = times(inverted, x);
    value = Math.hypot(...next);
    x = next.map((each) => each / value);
  }
  return 1 / value;
}

for (const tasks of [2, 3, 5, 8]) {
  const all = samples(tasks, tasks === 8 ? 12 : 96);

  Deno.test(`upGrad() is the mean of ${tasks} projections onto the dual cone`, () => {
    solve(multitask.upGrad(), all).forEach((found, k) => {
      const sample = all[k]!;
      const where = `${sample.kind} ${k}`;
      products(sample, found).forEach((x) => assert(x > -1e-8, `${where} opposes by ${x}`));
      if (sample.kind === "opposed" || sample.kind === "zero") return;
      const cosines = cosinesOf(sample);
      // Gradients that are alike share their weights in any way; the combined gradient is one.
      const units = cosines.map((_, own) =>
        projection(cosines, own).map((v) => v * sample.lengths[own]! / tasks)
      );
      const expected = units.reduce((a, b) => a.map((x, j) => x + b[j]!));
      const gap = found.map((value, j) => value * sample.lengths[j]! - expected[j]!);
      const squared = sum(times(cosines, gap).map((x, j) => x * gap[j]!));
      const size = sum(expected.map(Math.abs));
      assert(squared < 1e-10 * size * size, `${where}: ${Math.sqrt(squared) / size}`);
    });
  });

  Deno.test(`caGrad() fulfils its conditions on ${tasks} tasks`, () => {
    for (const radius of [0.1, 0.4, 0.9]) {
      solve(multitask.caGrad({ radius }), all).forEach((found, k) => {
        assert(found.every((x) => Number.isFinite(x) && x >= 0), `${found}`);
        const { kind } = all[k]!;
        // Without a direction that all tasks gain from, the dual is not smooth.
        if (kind === "opposed" || kind === "zero") return;
        const violation = caGradViolation(all[k]!, found, radius);
        assert(violation < 1e-6, `${radius} ${kind} ${k}: ${violation}`);
      });
    }
    const none = solve(multitask.caGrad({ radius: 0 }), all.slice(0, 3));
    none.flat().forEach((x) => assertAlmostEquals(x, 1 / tasks, 1e-12));
  });

  Deno.test(`fairGrad() solves gram a = a^(-1/alpha) for ${tasks} tasks`, () => {
    for (const [alpha, spread] of [[1, 6], [2, 6], [5, 3], [10, 2]] as const) {
      const some = samples(tasks, 48, spread);
      solve(multitask.fairGrad({ alpha }), some).forEach((found, k) => {
        const { kind, gram, lengths } = some[k]!;
        assert(found.every((x) => Number.isFinite(x) && x > 0), `${alpha} ${kind} ${k}: ${found}`);
        if (kind === "opposed") return;
        times(gram, found).forEach((x, j) => {
          if (lengths[j] === 0) return;
          const residual = Math.abs(x * found[j]! ** (1 / alpha) - 1);
          assert(residual < 1e-4, `${alpha} ${kind} ${k}: residual ${residual}`);
        });
      });
    }
  });

  Deno.test(`imtlGradient() projects onto ${tasks} gradients alike`, () => {
    solve(multitask.imtlGradient(), all).forEach((found, k) => {
      const { kind, lengths } = all[k]!;
      assert(found.every(Number.isFinite));
      if (kind === "opposed") return;
      const found1 = products(all[k]!, found).filter((_, j) => lengths[j]! > 0);
      const spread = Math.max(...found1) - Math.min(...found1);
      assert(spread < 1e-6 && Math.min(...found1) > 0, `${kind} ${k}: ${found1}`);
    });
  });

  Deno.test(`alignedMtl() makes ${tasks} gradients orthogonal and of one length`, () => {
    // Eigenvalues over a wide range are cut off; here the spread of the lengths is small.
    const near = samples(tasks, 48, 0.5).filter(({ kind }) =>
      kind === "free" || kind === "aligned"
    );
    for (const preference of [undefined, Array.from({ length: tasks }, (_, k) => 1 + k)]) {
      const method = multitask.alignedMtl(preference ? { preference } : {});
      solve(method, near).forEach((found, k) => {
        const { gram } = near[k]!;
        const scale = Math.sqrt(smallest(gram));
        const wanted = preference ?? gram.map(() => 1 / tasks);
        const expected = times(roots(gram)[1], wanted).map((x) => x * scale);
        expected.forEach((x, j) =>
          assertAlmostEquals(found[j]!, x, 1e-6 * Math.max(...expected.map(Math.abs)))
        );
      });
    }
    // Whatever the gradients are, weights are finite; of a lost rank the rest is aligned.
    assert(solve(multitask.alignedMtl(), all).flat().every(Number.isFinite));
  });

  Deno.test(`sdmGrad() comes to the shortest combination with the mean for ${tasks} tasks`, () => {
    const near = samples(tasks, 12, 0.5);
    const pull = 0.3;
    solve(multitask.sdmGrad({ pull, iterations: 1000 }), near).forEach((found, k) => {
      const { gram, kind } = near[k]!;
      // lambda + pull / K, of which the slopes are the least where lambda is positive.
      const mixed = found.map((x) => x * (1 + pull));
      const lambda = mixed.map((x) => x - pull / tasks);
      assertAlmostEquals(sum(lambda), 1, 1e-9);
      const slopes = times(gram, mixed);
      const least = Math.min(...slopes);
      const size = Math.max(...gram.map((row, j) => row[j]!));
      lambda.forEach((x, j) => {
        assert(x > -1e-12);
        assert(x * (slopes[j]! - least) < 1e-4 * size, `${kind} ${k}: ${x} ${slopes[j]! - least}`);
      });
    });
  });
}

Deno.test("alignedMtl() leaves out what has no eigenvalue", () => {
  // The second gradient is the first one: one direction of length 2, eigenvalue 8.
  const found = valuesOf(weights(multitask.alignedMtl(), constant([[4, 4], [4, 4]])));
  found.forEach((x) => assertAlmostEquals(x, 0.5, 1e-9));
});

Deno.test("symmetricEigen() decomposes matrices of any size and of equal eigenvalues", () => {
  const random = numbers(5);
  for (const size of [1, 2, 3, 4, 7, 10]) {
    const rows = Array.from({ length: size }, () => Array.from({ length: size }, random));
    const symmetric = rows.map((row, i) => row.map((x, j) => x + rows[j]![i]!));
    const even = rows.map((row, i) => row.map((_, j) => i === j ? 3 : 0));
    for (const matrix of [symmetric, even, gramOf(rows)]) {
      const { values, vectors } = symmetricEigen(constant(matrix));
      const [l, flat] = [valuesOf(values), valuesOf(vectors)];
      const v = Array.from({ length: size }, (_, i) => flat.slice(i * size, (i + 1) * size));
      const back = multiply(v.map((row) => row.map((x, k) => x * l[k]!)), transposed(v));
      back.flat().forEach((x, k) => assertAlmostEquals(x, matrix.flat()[k]!, 1e-10));
      multiply(transposed(v), v).forEach((row, i) =>
        row.forEach((x, j) => assertAlmostEquals(x, i === j ? 1 : 0, 1e-12))
      );
    }
  }
});

function transposed(matrix: Matrix): Matrix {
  return matrix[0]!.map((_, j) => matrix.map((row) => row[j]!));
}

const solvers: readonly Weighting[] = [
  multitask.upGrad(),
  multitask.caGrad(),
  multitask.fairGrad(),
  multitask.imtlGradient(),
  multitask.alignedMtl(),
  multitask.sdmGrad(),
  multitask.gradVac(),
];

for (const method of solvers) {
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

Deno.test("methods that try all subsets say how many tasks they take", () => {
  for (const method of [multitask.mgda(), multitask.upGrad(), multitask.caGrad()]) {
    const gram = constant(
      Array.from({ length: 11 }, (_, i) => Array.from({ length: 11 }, (_, j) => i === j ? 1 : 0)),
    );
    assertThrows(() => weights(method, gram), RangeError, "expected at most 10 tasks");
  }
  assertThrows(() => multitask.caGrad({ radius: 1 }), RangeError, "from 0 below 1");
  assertThrows(() => multitask.fairGrad({ alpha: 0.5 }), RangeError, "expected alpha from 1");
});

webgpuTest("the solvers agree with the reference on WebGPU", async (gpu) => {
  const engine = new Engine(new WebGpuBackend(gpu));
  const tasks = 4;
  const all = samples(tasks, 24, 1).filter(({ kind }) => kind !== "opposed" && kind !== "zero");
  const grams = hostArray(all.flatMap(({ gram }) => gram.flat()), [all.length, tasks, tasks]);
  for (const method of solvers) {
    const map = engine.jit(vmap((gram: Tensor) => weights(method, gram)));
    const { data } = await engine.read(await map(grams));
    solve(method, all).forEach((expected, k) => {
      const sample = all[k]!;
      // Which of two equal gradients counts, and so the sum of the weights, is up to rounding.
      if (sample.kind === "repeated" && method.name === "imtl-g") return;
      const gap = expected.map((x, j) => (data[k * tasks + j]! - x) * sample.lengths[j]!);
      const squared = sum(times(cosinesOf(sample), gap).map((x, j) => x * gap[j]!));
      const size = sum(expected.map((x, j) => Math.abs(x) * sample.lengths[j]!));
      const error = Math.sqrt(Math.max(0, squared)) / size;
      assert(error < 3e-3, `${method.name} ${tasks} ${sample.kind} ${k}: ${error}`);
    });
  }
});

webgpuTest("gradients that depend on each other do not lead astray on WebGPU", async (gpu) => {
  // More tasks than dimensions: on most faces the systems are singular, and rounding decides what comes of them.
  const engine = new Engine(new WebGpuBackend(gpu));
  const random = numbers(7);
  const tasks = 5;
  const all = Array.from({ length: 120 }, (_, k) => {
    const dimensions = 1 + k % 2;
    return Array.from(
      { length: tasks },
      () => Array.from({ length: dimensions }, () => 2 * random() - 1),
    );
  });
  const grams = all.map(gramOf);
  const given = hostArray(grams.flat(2), [all.length, tasks, tasks]);
  const solved = async (method: Weighting): Promise<number[][]> => {
    const map = engine.jit(vmap((gram: Tensor) => weights(method, gram)));
    const { data } = await engine.read(await map(given));
    return all.map((_, k) => Array.from(data).slice(k * tasks, (k + 1) * tasks));
  };
  (await solved(multitask.upGrad())).forEach((found, k) => {
    times(grams[k]!, found).forEach((product, j) => {
      const along = product / Math.sqrt(grams[k]![j]![j]!);
      assert(along > -2e-3, `upgrad ${k}: opposes a task by ${along}, ${found}`);
    });
  });
  const radius = 0.9;
  (await solved(multitask.caGrad({ radius }))).forEach((found, k) => {
    const length = (v: readonly number[]) =>
      Math.sqrt(sum(times(grams[k]!, v).map((x, j) => x * v[j]!)));
    const mean = length(found.map(() => 1 / tasks));
    const far = length(found.map((x) => x - 1 / tasks));
    // The root of what inner products of float32 leave of parts that cancel.
    const rounding = 4e-4 * sum(found.map((x, j) => x * Math.sqrt(grams[k]![j]![j]!)));
    assert(far < radius * mean + rounding, `cagrad ${k}: ${far} from the mean, ${found}`);
  });
});

Deno.test("shortestDescent() leaves the constraint alone where no objective has a gradient", () => {
  assertEquals(valuesOf(shortestDescent(constant([[0, 0], [0, 9]]), 0.1)), [0, 0.1]);
});
