/** Methods that remember, draw or change gradients, against their papers' formulas on the host. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as multitask from "../../src/multitask/mod.ts";
import type { Weighting } from "../../src/multitask/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import { normal, randomKey } from "../../src/random/mod.ts";
import { constant, exp, eye, log, mean, mul, sub, sum, valuesOf } from "../../src/tensor/mod.ts";
import { grad } from "../../src/transform/mod.ts";
import { numbers } from "../meta/host.ts";
import { after, assertNear, direct, frozen, weigh } from "./weigh.ts";

type Matrix = number[][];

const total = (x: readonly number[]): number => x.reduce((a, b) => a + b);
const dot = (a: readonly number[], b: readonly number[]): number =>
  total(a.map((x, k) => x * b[k]!));
const scaled = (x: readonly number[], by: number): number[] => x.map((value) => value * by);
const plus = (a: readonly number[], b: readonly number[]): number[] => a.map((x, k) => x + b[k]!);
const combine = (rows: Matrix, w: readonly number[]): number[] =>
  rows.map((row, k) => scaled(row, w[k]!)).reduce(plus);

/** Weights of every step of losses alone. */
function course(method: Weighting, steps: Matrix): Matrix {
  let state = method.init(steps[0]!.length);
  return steps.map((losses) => {
    const result = weigh(method, eye(losses.length), { losses: constant(losses), state });
    state = frozen(result.state);
    return valuesOf(result.weights);
  });
}

/** Results of every step of gradients. */
function run(method: Weighting, steps: readonly Matrix[], losses?: Matrix) {
  const tasks = steps[0]!.length;
  let state = method.init(tasks, [constant(steps[0]![0]!)]);
  return steps.map((rows, k) => {
    const given = losses ? { losses: constant(losses[k]!) } : {};
    const result = direct(method, constant(rows), { state, seed: k, ...given });
    state = frozen(result.state);
    return { weights: valuesOf(result.weights), grad: valuesOf(result.grad), result };
  });
}

function randomSteps(seed: number, count: number, tasks: number, width: number): Matrix[] {
  const random = numbers(seed);
  const row = (length: number): number[] => Array.from({ length }, () => 2 * random() - 1);
  return Array.from({ length: count }, () => Array.from({ length: tasks }, () => row(width)));
}

const decaying = Array.from({ length: 12 }, (_, k) => [4 * 0.9 ** k, 1 + 0.5 * 0.7 ** k, 2]);

Deno.test("dwa() weighs by the means of the last two epochs", () => {
  const found = course(multitask.dwa({ epoch: 3, temperature: 2 }), decaying);
  const means = [0, 1, 2, 3].map((epoch) =>
    [0, 1, 2].map((task) =>
      total(decaying.slice(3 * epoch, 3 * epoch + 3).map((l) => l[task]!)) / 3
    )
  );
  found.forEach((weights, step) => {
    const epoch = Math.floor(step / 3);
    const rates = epoch < 2
      ? [1, 1, 1]
      : [0, 1, 2].map((k) => means[epoch - 1]![k]! / means[epoch - 2]![k]!);
    const powers = rates.map((rate) => Math.exp(rate / 2));
    assertNear(weights, powers.map((power) => 3 * power / total(powers)), 1e-12);
  });
});

Deno.test("lossBalancedWeighting() starts anew in each epoch and adds up to the number of tasks", () => {
  const found = course(multitask.lossBalancedWeighting({ epoch: 5, alpha: 0.5 }), decaying);
  found.forEach((weights, step) => {
    const first = decaying[5 * Math.floor(step / 5)]!;
    const raw = decaying[step]!.map((loss, k) => Math.sqrt(loss / first[k]!));
    assertNear(weights, raw.map((x) => 3 * x / total(raw)), 1e-12);
  });
  const signs = course(multitask.lossBalancedWeighting(), [[-1, 2], [-2, 1], [0, -1]]);
  assert(signs.flat().every((x) => x > 0 && x < 2), `${signs}`);
});

Deno.test("focalWeighting() is the focal weight of the fall of the moving means", () => {
  const noisy = decaying.map((losses, k) =>
    losses.map((loss, j) => loss * (1 + 0.2 * Math.sin(k + j)))
  );
  let means = noisy[0]!;
  course(multitask.focalWeighting(), noisy).forEach((weights, step) => {
    if (step === 0) return assertNear(weights, [1, 1, 1].map(() => Math.log(2) / 4), 1e-12);
    const next = noisy[step]!.map((loss, k) => 0.25 * loss + 0.75 * means[k]!);
    const p = next.map((value, k) => Math.min(value, means[k]!) / means[k]!);
    assertNear(weights, p.map((x) => -((1 - x) ** 2) * Math.log(x)), 1e-12);
    means = next;
  });
  const kept = course(multitask.focalWeighting({ threshold: 0.16 }), [[4, 4, 4], [1, 3.9, 5]]);
  assertEquals(kept, [[1, 1, 1], [1, 0, 0]]);
});

Deno.test("weights of objectives of the losses are their derivatives", () => {
  const losses = constant([0.5, 2, 3]);
  const objectives: [Weighting, (x: Tensor) => Tensor][] = [
    [multitask.geometricLoss(), (x) => exp(mean(log(x)))],
    [multitask.logLosses(), (x) => sum(log(x))],
    [
      multitask.smoothTchebycheff({ mu: 0.3 }),
      (x) => mul(log(sum(exp(mul(x, 1 / 3 / 0.3)))), 0.3),
    ],
    [
      multitask.smoothTchebycheff({ mu: 0.3, preference: [0.2, 0.3, 0.5], ideal: [0.1, 0.2, 0] }),
      (x) => {
        const above = sub(x, constant([0.1, 0.2, 0]));
        return mul(log(sum(exp(mul(mul(above, constant([0.2, 0.3, 0.5])), 1 / 0.3)))), 0.3);
      },
    ],
  ];
  for (const [method, objective] of objectives) {
    const { weights } = weigh(method, eye(3), { losses });
    assertNear(valuesOf(weights), valuesOf(grad(objective)(losses)), 1e-12);
  }
  // After the warm-up, 3 mu log sum exp(log(loss / mean) / mu).
  const found = course(multitask.smoothTchebycheff({ mu: 0.3, warmup: 2 }), decaying.slice(0, 4));
  assertNear(found[1]!, decaying[1]!.map((loss) => 1 / loss), 1e-12);
  const nadir = scaled(plus(decaying[0]!, decaying[1]!), 0.5);
  const objective = (x: Tensor) =>
    mul(log(sum(exp(mul(log(mul(x, constant(nadir.map((n) => 1 / n)))), 1 / 0.3)))), 0.9);
  assertNear(found[3]!, valuesOf(grad(objective)(constant(decaying[3]!))), 1e-12);
});

Deno.test("imtlLoss() comes to rest where all weighted losses are 1", () => {
  const losses = constant([0.5, 4]);
  const method = multitask.imtlLoss({ rate: 0.1 });
  assertNear(after(method, 200, () => ({ losses, gram: eye(2) })), [2, 0.25], 1e-6);
  const wild = after(multitask.imtlLoss({ rate: 10 }), 50, () => ({
    losses: constant([-1, 1e14]),
    gram: eye(2),
  }));
  assert(wild.every((x) => x > 0 && x < 1e18), `${wild}`);
});

Deno.test("imtl() weighs heads by their losses, and combines the gradients of the scaled ones", () => {
  const method = multitask.imtl({ rate: 0.1, optimizer: sgd() });
  const steps = randomSteps(1, 3, 2, 4);
  const found = run(method, steps, [[1, 4], [1, 4], [1, 4]]);
  found.forEach(({ weights, result }, k) => {
    const scales = valuesOf(result.own);
    const scaled = steps[k]!.map((row, task) => row.map((x) => x * scales[task]!));
    const [alone] = run(multitask.imtlGradient(), [scaled]);
    assertNear(weights, alone!.weights.map((x, task) => x * scales[task]!), 1e-9);
  });
  // s moves by -0.1 (e^s loss - 1).
  const [first, second] = found.map(({ result }) => valuesOf(result.own));
  assertEquals(first, [1, 1]);
  assertNear(second!, [1, Math.exp(-0.3)], 1e-12);
});

Deno.test("randomWeighting() draws other weights from every key", () => {
  const found = [0, 1, 2].map((seed) =>
    valuesOf(weigh(multitask.randomWeighting(), eye(3), { seed }).weights)
  );
  assertEquals(new Set(found.map(String)).size, 3);
  const many = Array.from(
    { length: 500 },
    (_, seed) => valuesOf(weigh(multitask.randomWeighting(), eye(3), { seed }).weights),
  );
  const means = many.reduce(plus).map((x) => x / 500);
  means.forEach((x) => assertAlmostEquals(x, 1 / 3, 0.04));
});

/** GradVac of one task on the host, the others in a given order. */
function vaccinated(rows: Matrix, own: number, order: number[], targets: Matrix): number[] {
  let g = rows[own]!;
  for (const other of order) {
    const h = rows[other]!;
    const [length, size] = [Math.sqrt(dot(g, g)), Math.sqrt(dot(h, h))];
    const [cosine, target] = [dot(g, h) / length / size, targets[own]![other]!];
    if (cosine < target) {
      const sines = [Math.sqrt(1 - cosine ** 2), Math.sqrt(1 - target ** 2)];
      const amount = length * (target * sines[0]! - cosine * sines[1]!) / (size * sines[1]!);
      g = plus(g, scaled(h, amount));
      // The new angle is the target.
      assertAlmostEquals(dot(g, h) / Math.sqrt(dot(g, g)) / size, target, 1e-9);
    }
    targets[own]![other] = 0.8 * target + 0.2 * cosine;
  }
  return g;
}

Deno.test("gradVac() turns gradients to the usual angle of each pair", () => {
  const steps = randomSteps(2, 6, 2, 5);
  // The first steps are alike, so that the targets rise.
  steps.slice(0, 3).forEach((rows) => rows[1] = plus(rows[1]!, scaled(rows[0]!, 2)));
  const found = run(multitask.gradVac({ part: 0.2 }), steps);
  const targets = [[0, 0], [0, 0]];
  found.forEach(({ grad, result }, k) => {
    const expected = plus(
      vaccinated(steps[k]!, 0, [1], targets),
      vaccinated(steps[k]!, 1, [0], targets),
    );
    assertNear(grad, expected, 1e-6);
    assertNear(valuesOf(result.state["targets"]!), targets.flat(), 1e-6);
  });
});

Deno.test("gradVac() takes three tasks in some order", () => {
  const [rows] = randomSteps(3, 1, 3, 4);
  const orders = [[[1, 2], [2, 1]], [[0, 2], [2, 0]], [[0, 1], [1, 0]]];
  const none = () => [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
  const possible = orders[0]!.flatMap((a) =>
    orders[1]!.flatMap((b) =>
      orders[2]!.map((c) => [a, b, c].map((o, k) => vaccinated(rows!, k, o, none())).reduce(plus))
    )
  );
  for (let seed = 0; seed < 6; seed++) {
    const { grad } = direct(multitask.gradVac(), constant(rows!), { seed });
    const gaps = possible.map((each) => Math.hypot(...plus(each, scaled(valuesOf(grad), -1))));
    assert(Math.min(...gaps) < 1e-6, `${seed}: ${Math.min(...gaps)}`);
  }
});

Deno.test("gradDrop() keeps one sign of every element, as often as it is pure", () => {
  const [rows] = randomSteps(4, 1, 3, 40);
  const draws = 300;
  const positive = new Array(40).fill(0);
  for (let seed = 0; seed < draws; seed++) {
    const { grad } = direct(multitask.gradDrop(), constant(rows!), { seed });
    valuesOf(grad).forEach((value, k) => {
      const column = rows!.map((row) => row[k]!);
      const [up, down] = [1, -1].map((sign) => total(column.map((x) => x * sign > 0 ? x : 0)));
      assert(Math.min(Math.abs(value - up!), Math.abs(value - down!)) < 1e-12);
      if (up !== 0 && value === up) positive[k]++;
    });
  }
  const errors = positive.map((count, k) => {
    const column = rows!.map((row) => row[k]!);
    return count / draws - (1 + total(column) / total(column.map(Math.abs))) / 2;
  });
  assert(Math.max(...errors.map(Math.abs)) < 0.12 && Math.abs(total(errors)) / 40 < 0.01);
  const leaky = direct(multitask.gradDrop({ leak: 1 }), constant(rows!));
  assertNear(valuesOf(leaky.grad), rows!.reduce(plus), 1e-12);
});

/** Nearest point of the simplex by bisection of the threshold. */
function onSimplex(x: readonly number[]): number[] {
  let [low, high] = [Math.min(...x) - 1, Math.max(...x)];
  for (let k = 0; k < 100; k++) {
    const middle = (low + high) / 2;
    const mass = total(x.map((value) => Math.max(0, value - middle)));
    [low, high] = mass > 1 ? [middle, high] : [low, middle];
  }
  return x.map((value) => Math.max(0, value - low));
}

const gram = (rows: Matrix, others = rows): Matrix => rows.map((a) => others.map((b) => dot(a, b)));
const times = (matrix: Matrix, x: readonly number[]): number[] => matrix.map((row) => dot(row, x));

Deno.test("moCo() tracks gradients and moves weights to their shortest combination", () => {
  const steps = randomSteps(5, 8, 3, 4).map((rows) => rows.map((row, k) => scaled(row, 1 + 3 * k)));
  const method = multitask.moCo({ part: 0.7, rate: 0.5, decay: 0.2, fall: 0.5, relative: false });
  let tracked = steps[0]!;
  let lambda = [1 / 3, 1 / 3, 1 / 3];
  run(method, steps).forEach(({ weights, grad }, step) => {
    const fall = (step + 1) ** -0.5;
    if (step > 0) {
      tracked = tracked.map((row, k) =>
        plus(row, scaled(plus(steps[step]![k]!, scaled(row, -1)), 0.7 * fall))
      );
    }
    const slope = plus(times(gram(tracked), lambda), scaled(lambda, 0.2));
    lambda = onSimplex(plus(lambda, scaled(slope, -0.5 * fall)));
    assertNear(weights, lambda, 1e-9);
    assertNear(grad, combine(tracked, lambda), 1e-9);
  });
});

Deno.test("moDo() and sdmGrad() take products of two samples and step along both", () => {
  const [first, second] = randomSteps(6, 2, 3, 4) as [Matrix, Matrix];
  const given = (method: Weighting) => ({
    losses: constant([1, 1, 1]),
    grads: first.map((row) => constant(row)),
    second: second.map((row) => constant(row)),
    state: method.init(3),
  });
  const even = [1 / 3, 1 / 3, 1 / 3];
  const cross = gram(first, second);
  const half = first.map((row, k) => scaled(plus(row, second[k]!), 0.5));
  const moDo = multitask.moDo({ rate: 0.2, decay: 0.3, relative: false });
  const one = multitask.weighGradients(moDo, given(moDo));
  const slope = plus(times(cross, even), scaled(even, 0.3));
  const lambda = onSimplex(plus(even, scaled(slope, -0.2)));
  assertNear(valuesOf(one.weights), lambda, 1e-9);
  assertNear(valuesOf(one.grad), combine(half, lambda), 1e-9);

  const sdm = multitask.sdmGrad({ pull: 0.5, rate: 0.4, iterations: 7 });
  const two = multitask.weighGradients(sdm, given(sdm));
  const unit = total(gram(first).map((row, k) => row[k]!)) / 3;
  let w = even;
  for (let k = 0; k < 7; k++) {
    const step = times(cross, plus(w, scaled(even, 0.5)));
    w = onSimplex(plus(w, scaled(step, -0.4 / unit)));
  }
  const expected = scaled(plus(w, scaled(even, 0.5)), 1 / 1.5);
  assertNear(valuesOf(two.weights), expected, 1e-9);
  assertNear(valuesOf(two.grad), combine(half, expected), 1e-9);
  // A single sample makes the products those of itself.
  const single = multitask.weighGradients(moDo, { ...given(moDo), second: undefined as never });
  assert(Math.abs(valuesOf(single.weights)[0]! - lambda[0]!) > 1e-3);
});

Deno.test("excessMtl() is its algorithm with the diagonal of AdaGrad", () => {
  const steps = randomSteps(7, 6, 3, 5);
  const sums = steps[0]!.map((row) => row.map(() => 0));
  let [weights, initial] = [[1, 1, 1], [0, 0, 0]];
  run(multitask.excessMtl({ rate: 0.3 }), steps).forEach((found, step) => {
    const excess = steps[step]!.map((row, k) => {
      row.forEach((x, j) => sums[k]![j]! += x * x);
      return total(row.map((x, j) => x * x / Math.sqrt(sums[k]![j]!)));
    });
    if (step === 0) initial = excess;
    else {
      const grown = weights.map((w, k) => w * Math.exp(0.3 * excess[k]! / initial[k]!));
      weights = grown.map((w) => 3 * w / total(grown));
    }
    assertNear(found.weights, weights, 1e-9);
    assertNear(found.grad, combine(steps[step]!, weights), 1e-9);
  });
});

Deno.test("dbMtl() balances logarithms and lengths of mean gradients", () => {
  const steps = randomSteps(8, 6, 3, 5);
  const losses = decaying.slice(0, 6);
  let means: Matrix = [];
  run(multitask.dbMtl({ decay: 0.6, fall: 0.5 }), steps, losses).forEach((found, step) => {
    const fresh = steps[step]!.map((row, k) => scaled(row, 1 / losses[step]![k]!));
    const kept = 0.6 * (step + 1) ** -0.5;
    means = step === 0
      ? fresh
      : fresh.map((row, k) => plus(row, scaled(plus(means[k]!, scaled(row, -1)), kept)));
    const lengths = means.map((row) => Math.sqrt(dot(row, row)));
    const weights = lengths.map((length) => Math.max(...lengths) / length);
    assertNear(found.weights, weights, 1e-9);
    assertNear(found.grad, combine(means, weights), 1e-9);
    assertNear(valuesOf(found.result.own), losses[step]!.map((loss) => 1 / loss), 1e-12);
  });
});

Deno.test("methods that remember gradients want the shared parameters", () => {
  for (const method of [multitask.moCo(), multitask.dbMtl(), multitask.excessMtl()]) {
    assertThrows(() => method.init(2), TypeError, "without the shared parameters");
    const state = method.init(2, [constant([[1, 2]]), constant(3)]);
    assertEquals(state["gradients0"]!.shape, [2, 1, 2]);
    assertEquals(state["gradients1"]!.shape, [2]);
  }
});

Deno.test("weighGradients() transforms trees with several tensors, and leaves integers alone", () => {
  const tree = (seed: number) => ({
    a: normal(randomKey(seed), [2, 3]),
    b: { c: normal(randomKey(seed + 10), [4]), n: constant(seed, { dtype: "i32" }) },
  });
  const [one, two] = [tree(1), tree(2)];
  const method = multitask.dbMtl();
  const losses = constant([2, 5]);
  const { grad: found } = multitask.weighGradients(method, {
    losses,
    grads: [one, two],
    state: method.init(2, [one.a, one.b.c]),
  });
  const flat = (x: typeof one): number[] => [...valuesOf(x.a), ...valuesOf(x.b.c)];
  const rows = [scaled(flat(one), 1 / 2), scaled(flat(two), 1 / 5)];
  const lengths = rows.map((row) => Math.sqrt(dot(row, row)));
  const expected = combine(rows, lengths.map((length) => Math.max(...lengths) / length));
  assertNear(flat(found), expected, 1e-9);
  assertEquals(valuesOf(found.b.n), [1]);
});
