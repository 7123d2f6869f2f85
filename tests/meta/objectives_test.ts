/** Bilevel methods for several losses: learned weights, several outer losses, and gradient angles. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { Engine } from "../../src/engine/mod.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { hostArray } from "../../src/ir/host_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  autoLambdaInit,
  autoLambdaStep,
  type AutoLambdaTraining,
  forum,
  moml,
} from "../../src/meta/mod.ts";
import { shortestDescent } from "../../src/multitask/active_sets.ts";
import { equalWeighting, gradientOverlap, mgda } from "../../src/multitask/mod.ts";
import { momentum, sgd } from "../../src/optim/mod.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import {
  add,
  constant,
  matmul,
  mean,
  mul,
  square,
  sub,
  sum,
  tanh,
  valuesOf,
} from "../../src/tensor/mod.ts";
import { grad } from "../../src/transform/mod.ts";
import { mapTree } from "../../src/tree/tree.ts";
import { numbers } from "./host.ts";
import { type Matrix, sampleOf, times } from "../multitask/samples.ts";
import { assertNear } from "../multitask/weigh.ts";
import { webgpuTest } from "../webgpu.ts";

const fixed = <T>(tree: T): T =>
  mapTree<T>((x: Tensor) => constant(valuesOf(x), { shape: x.shape }), tree);

interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
}
type Heads = { readonly aux: Tensor; readonly noise: Tensor; readonly wanted: Tensor };
type Batches = { readonly aux: Batch; readonly noise: Batch; readonly wanted: Batch };

/** A small network with a head for each task. */
const regression = (body: Tensor, head: Tensor, { x, y }: Batch): Tensor =>
  mean(square(sub(matmul(tanh(matmul(x, body)), head), y)));
const losses = { aux: regression, noise: regression, wanted: regression };

function batches(seed: number): Batches {
  const random = numbers(seed);
  const row = (length: number): number[] => Array.from({ length }, () => 2 * random() - 1);
  const x = Array.from({ length: 6 }, () => row(3));
  const target = x.map(([a, b]) => a! - 0.5 * b!);
  const of = (y: number[]): Batch => ({ x: constant(x), y: constant(y) });
  return { aux: of(target.map((v) => v + 0.1)), noise: of(row(6)), wanted: of(target) };
}

const start = () => ({
  body: constant([[0.4, -0.3], [0.2, 0.5], [-0.6, 0.1]]),
  heads: {
    aux: constant([0.3, -0.2]),
    noise: constant([-0.4, 0.5]),
    wanted: constant([0.6, 0.1]),
  },
});
const options = {
  primary: ["wanted"],
  optimizer: sgd(),
  weightsOptimizer: sgd(),
  weightsRate: 0.5,
};
const data = () => ({ train: batches(1), validation: batches(2), constants: {} });

Deno.test("autoLambdaStep() has the slopes of finite differences, heads looked ahead too", () => {
  const step = autoLambdaStep<Tensor, Heads, Batches, object>(losses, options);
  const training = autoLambdaInit(start(), options);
  const rate = constant(0.3);
  const { slopes, wanted } = step(training, data(), randomKey(0), { rate });
  const { train, validation } = data();
  const ahead = (weights: Record<string, number>): number => {
    const slope = grad(({ body, heads }: ReturnType<typeof start>) =>
      (["aux", "noise", "wanted"] as const)
        .map((name) => mul(regression(body, heads[name], train[name]), weights[name]!))
        .reduce((a, b) => add(a, b))
    )(start());
    const moved = mapTree<ReturnType<typeof start>>(
      (x: Tensor, g: Tensor) => sub(x, mul(g, 0.3)),
      start(),
      slope,
    );
    return valuesOf(regression(moved.body, moved.heads.wanted, validation.wanted))[0]!;
  };
  const even = { aux: 0.1, noise: 0.1, wanted: 0.1 };
  assertAlmostEquals(valuesOf(wanted)[0]!, ahead(even), 1e-12);
  for (const name of ["aux", "noise", "wanted"] as const) {
    const [high, low] = [1e-5, -1e-5].map((by) => ahead({ ...even, [name]: 0.1 + by }));
    const expected = (high! - low!) / 2e-5;
    assert(Math.abs(expected) > 1e-4);
    assertAlmostEquals(valuesOf(slopes[name]!)[0]!, expected, 1e-8);
  }
});

Deno.test("autoLambdaStep() steps with the new weights", () => {
  const step = autoLambdaStep<Tensor, Heads, Batches, object>(losses, options);
  const training = autoLambdaInit(start(), options);
  const result = step(training, data(), randomKey(0), { rate: constant(0.3) });
  const { train } = data();
  const after = result.training;
  for (const name of ["aux", "noise", "wanted"] as const) {
    const expected = 0.1 - 0.5 * valuesOf(result.slopes[name]!)[0]!;
    assertAlmostEquals(valuesOf(after.weights[name]!)[0]!, expected, 1e-12);
    assertAlmostEquals(
      valuesOf(result.losses[name]!)[0]!,
      valuesOf(regression(start().body, start().heads[name], train[name]))[0]!,
      1e-12,
    );
  }
  const slope = grad((body: Tensor) =>
    (["aux", "noise", "wanted"] as const)
      .map((name) => mul(regression(body, start().heads[name], train[name]), after.weights[name]!))
      .reduce((a, b) => add(a, b))
  )(start().body);
  assertNear(valuesOf(after.params.body), valuesOf(sub(start().body, mul(slope, 0.3))), 1e-12);
});

Deno.test("autoLambdaStep() learns that noise does not serve", () => {
  const step = autoLambdaStep<Tensor, Heads, Batches, object>(losses, {
    ...options,
    optimizer: momentum(),
  });
  let training: AutoLambdaTraining<Tensor, Heads> = autoLambdaInit(start(), {
    ...options,
    optimizer: momentum(),
  });
  for (let k = 0; k < 40; k++) {
    const given = { train: batches(2 * k), validation: batches(2 * k + 1), constants: {} };
    training = fixed(step(training, given, randomKey(k), { rate: constant(0.1) }).training);
  }
  const [aux, noise, wanted] = ["aux", "noise", "wanted"].map((name) =>
    valuesOf(training.weights[name]!)[0]!
  );
  assert(wanted! > aux! && aux! > noise! + 0.02, `${aux} ${noise} ${wanted}`);
});

Deno.test("autoLambdaStep() wants known losses", () => {
  assertThrows(
    () => autoLambdaStep(losses as never, { ...options, primary: ["none"] }),
    RangeError,
    "expected at least one of aux, noise, wanted",
  );
  assertThrows(() => autoLambdaStep(losses as never, { ...options, primary: [] }), RangeError);
});

const quadratic = (target: readonly number[]) => (x: Tensor): Tensor =>
  sum(square(sub(x, constant(target))));

Deno.test("moml() combines the exact meta-gradients of its outer losses", () => {
  const outers = { a: quadratic([1, 0]), b: quadratic([-1, 0.5]), c: quadratic([0, -3]) };
  const inner = quadratic([0, 0]);
  const inside = { innerSteps: 2, innerRate: 0.2, optimizer: sgd() };
  const task = () => ({ support: constant([0]), query: constant([0]), constants: {} });
  const meta = { params: constant([0.5, 2]), shared: {}, rates: {} };
  // Two steps of 0.2 shrink the parameters by 0.36.
  const gradients = [[1, 0], [-1, 0.5], [0, -3]].map((target) =>
    [0.5, 2].map((x, k) => 0.36 * 2 * (0.36 * x - target[k]!))
  );
  for (const weighting of [mgda(), equalWeighting()]) {
    const { weights, grads, losses: values } = moml(
      { inner, outers },
      { ...inside, weighting },
    )(meta, task(), randomKey(0), {});
    const w = valuesOf(weights);
    const expected = [0, 1].map((k) => gradients.reduce((t, g, i) => t + w[i]! * g[k]!, 0));
    assertNear(valuesOf(grads.params), expected, 1e-12);
    assertAlmostEquals(valuesOf(values)[2]!, (0.18) ** 2 + (0.72 + 3) ** 2, 1e-12);
    if (weighting.name === "mgda") {
      const squared = expected.reduce((total, x) => total + x * x, 0);
      gradients.forEach((g) =>
        assert(g[0]! * expected[0]! + g[1]! * expected[1]! > squared - 1e-12)
      );
    }
  }
  assertThrows(() => moml({ inner, outers: {} }, inside), RangeError, "found no outer loss");
});

/** Worst condition of the shortest direction, in units of gradients of length 1. */
function descentViolation(gram: Matrix, found: readonly number[], strength: number): number {
  const last = gram.length - 1;
  const lengths = gram.map((row, k) => Math.sqrt(row[k]!));
  const products = times(gram, found);
  const size = found.reduce((total, x, k) => total + Math.abs(x) * lengths[k]!, 0);
  const multiplier = products.slice(0, last).reduce((total, x, k) => total + x * found[k]!, 0);
  const wanted = products.map((_, k) => k === last ? strength * gram[last]![last]! : multiplier);
  return Math.max(
    Math.abs(found.slice(0, last).reduce((a, b) => a + b) - 1),
    ...found.map((x) => -x),
    ...products.map((x, k) => lengths[k] === 0 ? 0 : (wanted[k]! - x) / (lengths[k]! * size)),
    // Where the constraint counts, it is met exactly.
    lengths[last] === 0
      ? 0
      : found[last]! * lengths[last]! / size * Math.abs(wanted[last]! - products[last]!) /
        (lengths[last]! * size),
  );
}

Deno.test("shortestDescent() fulfils its conditions on random matrices", () => {
  for (const size of [2, 3, 5, 7]) {
    const random = numbers(size);
    for (const kind of ["free", "conflicting", "aligned"] as const) {
      for (let k = 0; k < 12; k++) {
        const { gram } = sampleOf(random, size, kind, 3);
        const strength = [0.1, 1, 3][k % 3]!;
        const found = valuesOf(shortestDescent(constant(gram), strength));
        const violation = descentViolation(gram, found, strength);
        assert(violation < 1e-8, `${size} ${kind} ${k}: ${violation}`);
      }
    }
  }
  // Without a constraint's gradient, MGDA.
  const [a, b, c] = valuesOf(shortestDescent(constant([[1, 0, 0], [0, 3, 0], [0, 0, 0]]), 0.5));
  assertNear([a!, b!, c!], [0.75, 0.25, 0], 1e-9);
});

Deno.test("forum() comes to a Pareto optimum whose inner loss is at its optimum", async () => {
  // f = (x - 2 alpha)^2 (plus what is its optimum), F = |x - target|^2: optima have x = 2 alpha in [1, 3].
  const inner = (x: Tensor, alpha: Tensor): Tensor =>
    add(square(sub(x, mul(alpha, 2))), mul(square(alpha), 0.1));
  const outers = {
    high: (x: Tensor) => square(sub(x, 3)),
    low: (x: Tensor) => square(sub(x, 1)),
  };
  const step = forum({ inner, outers }, { innerSteps: 20, innerRate: 0.3, strength: 0.5 });
  const engine = await openEngine("reference", { float64: true });
  const next = engine.jit((point: { params: Tensor; shared: Tensor }) => {
    const { grads } = step(point, { support: {}, query: {}, constants: {} }, randomKey(0));
    return mapTree<typeof point>((v: Tensor, g: Tensor) => sub(v, mul(g, 0.05)), point, grads);
  });
  for (const [x, alpha] of [[8, -1], [-4, 3], [0, 0]] as const) {
    let point = engine.put({ params: hostArray([x], []), shared: hostArray([alpha], []) });
    for (let k = 0; k < 400; k++) point = await next(point);
    const [params, shared] = await Promise.all(
      [point.params, point.shared].map(async (part) => (await engine.read(part)).data[0]!),
    );
    assertAlmostEquals(params!, 2 * shared!, 2e-2);
    assert(params! > 0.98 && params! < 3.02, `from ${x}, ${alpha} to ${params}, ${shared}`);
  }
  engine.close();
  assertThrows(
    () => forum({ inner, outers: {} }, { innerSteps: 1, innerRate: 1 }),
    RangeError,
    "Cannot make a step of FORUM from 0 outer losses",
  );
});

Deno.test("forum() gives each loss its own key and says how far the constraint is", () => {
  const noisy = (x: Tensor, alpha: Tensor, _: unknown, { key }: { readonly key: Tensor }) =>
    add(square(sub(x, alpha)), uniform(key, []));
  const step = forum({ inner: noisy, outers: { a: noisy, b: noisy } }, {
    innerSteps: 50,
    innerRate: 0.3,
  });
  const { gap, losses: values, weights } = step(
    { params: constant(2), shared: constant(0.5) },
    { support: {}, query: {}, constants: {} },
    randomKey(0),
  );
  assertAlmostEquals(valuesOf(gap)[0]!, 1.5 ** 2, 1e-9);
  const [a, b] = valuesOf(values);
  assert(Math.abs(a! - b!) > 1e-6);
  assertAlmostEquals(valuesOf(weights).reduce((x, y) => x + y), 1, 1e-12);
});

const pair = {
  a: (x: { readonly w: Tensor; readonly head: Tensor }) => ({
    loss: add(sum(mul(square(x.w), constant([1, 2, 0.5]))), sum(mul(x.w, constant([1, -1, 2])))),
    aux: {},
  }),
  b: (x: { readonly w: Tensor; readonly head: Tensor }) => ({
    loss: add(sum(tanh(mul(x.w, constant([0.5, 1, -1])))), sum(square(x.head))),
    aux: {},
  }),
};

Deno.test("gradientOverlap() is the squared cosine and has its gradient of second order", () => {
  const overlap = gradientOverlap(pair, { shared: (path) => path === "w" });
  const at = (w: readonly number[]) => ({ w: constant(w), head: constant([3, 4]) });
  const of = (w: readonly number[]): number => valuesOf(overlap(at(w), {}, randomKey(0)))[0]!;
  const w = [0.3, -0.2, 0.7];
  const gradients = [pair.a, pair.b].map((loss) =>
    valuesOf(grad((x: ReturnType<typeof at>) => loss(x).loss)(at(w)).w)
  );
  const dot = (a: number[], b: number[]) => a.reduce((total, x, k) => total + x * b[k]!, 0);
  const [g, h] = gradients as [number[], number[]];
  assertAlmostEquals(of(w), dot(g, h) ** 2 / dot(g, g) / dot(h, h), 1e-12);
  const slope = grad((x: ReturnType<typeof at>) => overlap(x, {}, randomKey(0)))(at(w));
  valuesOf(slope.w).forEach((value, k) => {
    const [high, low] = [1e-5, -1e-5].map((by) => of(w.map((x, j) => j === k ? x + by : x)));
    assertAlmostEquals(value, (high! - low!) / 2e-5, 1e-8);
  });
  assertEquals(valuesOf(slope.head), [0, 0]);
  assertThrows(() => gradientOverlap({ a: pair.a }), RangeError, "expected at least two");
});

webgpuTest("bilevel methods agree with the reference on WebGPU", async (gpu) => {
  const step = autoLambdaStep<Tensor, Heads, Batches, object>(losses, options);
  const bilevel = forum<Tensor, Tensor, object, object, object>({
    inner: (x: Tensor, alpha: Tensor) => square(sub(x, alpha)),
    outers: { high: (x: Tensor) => square(sub(x, 3)), low: (x: Tensor) => square(sub(x, 1)) },
  }, { innerSteps: 3, innerRate: 0.3 });
  const program = () => {
    const { slopes, training } = step(
      autoLambdaInit(start(), options),
      data(),
      randomKey(0),
      { rate: constant(0.3) },
    );
    const { grads } = bilevel(
      { params: constant(8), shared: constant(-1) },
      { support: {}, query: {}, constants: {} },
      randomKey(0),
    );
    const overlap = gradientOverlap(pair)(
      { w: constant([0.3, -0.2, 0.7]), head: constant([3, 4]) },
      {},
      randomKey(0),
    );
    return { slopes, body: training.params.body, grads, overlap };
  };
  const on = async (engine: Engine): Promise<number[]> => {
    const { slopes, body, grads, overlap } = await engine.jit(program)();
    const parts = [slopes["aux"]!, slopes["noise"]!, body, grads.params, grads.shared, overlap];
    return (await Promise.all(parts.map((part) => engine.read(part))))
      .flatMap(({ data }) => [...data]);
  };
  const reference = await openEngine("reference", { float64: true });
  const [found, expected] = [await on(new Engine(new WebGpuBackend(gpu))), await on(reference)];
  reference.close();
  expected.forEach((want, k) => assertAlmostEquals(found[k]!, want, 1e-5 * (1 + Math.abs(want))));
});
