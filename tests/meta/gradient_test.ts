import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { print } from "../../src/ir/print.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { metaGradient, type MetaGradientOptions } from "../../src/meta/mod.ts";
import {
  adam,
  momentum,
  type Optimizer,
  type OptimizerState,
  type Rate,
  rmsProp,
  sgd,
  withClipping,
} from "../../src/optim/mod.ts";
import { add, mul, square, sub, sum } from "../../src/tensor/mod.ts";
import { checkpoint } from "../../src/transform/mod.ts";
import { flatten, mapTree, unflatten } from "../../src/tree/tree.ts";
import { callees, numbers, relativeError, run, runner, type Value, value } from "./host.ts";
import { problem, problemData, problemMeta, problemRates } from "./problem.ts";
import { unrolledMetaGradient } from "./unrolled_meta_gradient.ts";

interface LossAndGrads {
  readonly loss: Float64Array;
  readonly grads: Record<string, unknown>;
}

const KEY = value([2], [3, 7], "u32");

interface Case extends Partial<MetaGradientOptions> {
  readonly name: string;
  readonly optimizer: Optimizer;
  readonly rates?: "all" | "tensor" | "element";
}

const isBody = (path: string) => path.startsWith("body");
const isHead = (path: string) => path.startsWith("head");

/** Gradient descent that is pulled back to where it started: the first state depends on the parameters. */
const proximal: Optimizer = {
  init: (params) => ({ start: params }),
  update<P>(grads: P, state: OptimizerState, params: P, step: { readonly rate: Rate }) {
    const pulled = mapTree<P>(
      (g: Tensor, x: Tensor, start: Tensor) => add(g, mul(sub(x, start), 0.7)),
      grads,
      params,
      state["start"],
    );
    return { ...sgd().update(pulled, {}, params, step), state };
  },
};

const CASES: Case[] = [
  { name: "sgd", optimizer: sgd(), innerRate: 0.3 },
  { name: "sgd, one step", optimizer: sgd(), innerRate: 0.3, innerSteps: 1 },
  { name: "sgd, one learned rate", optimizer: sgd(), rates: "all" },
  { name: "sgd, a learned rate a tensor", optimizer: sgd(), rates: "tensor" },
  { name: "sgd, a learned rate an element", optimizer: sgd(), rates: "element" },
  { name: "sgd, learned rates a step", optimizer: sgd(), rates: "tensor", ratesPerStep: true },
  { name: "sgd, clipped", optimizer: withClipping(sgd(), { maxNorm: 0.5 }), innerRate: 0.3 },
  { name: "momentum", optimizer: momentum(), innerRate: 0.1 },
  { name: "momentum, learned rates", optimizer: momentum({ nesterov: true }), rates: "element" },
  { name: "adam", optimizer: adam(), innerRate: 0.05 },
  { name: "adam, learned rates", optimizer: adam({ epsilon: 1e-3 }), rates: "tensor" },
  { name: "rmsProp", optimizer: rmsProp({ decay: 0.9, epsilon: 1e-2 }), innerRate: 0.05 },
  { name: "proximal, whose state is the start", optimizer: proximal, innerRate: 0.3 },
  { name: "proximal, a learned rate a tensor", optimizer: proximal, rates: "tensor" },
  { name: "support of each step", optimizer: sgd(), innerRate: 0.3, supportPerStep: true },
  { name: "body only", optimizer: sgd(), innerRate: 0.3, adapt: isBody },
  { name: "head only", optimizer: momentum(), rates: "tensor", adapt: isHead },
  {
    name: "outer loss of every step",
    optimizer: momentum(),
    innerRate: 0.1,
    outerWeights: [0.2, 0.3, 0.5],
  },
];

function caseArguments(test: Case, options: MetaGradientOptions): unknown[] {
  const random = numbers(11);
  const steps = { ...(options.supportPerStep ? { steps: options.innerSteps } : {}) };
  const perStep = options.ratesPerStep ? { steps: options.innerSteps } : {};
  const rates = test.rates === undefined
    ? {}
    : test.rates === "all"
    ? { all: value([], [0.3]) }
    : problemRates(random, {
      per: test.rates,
      ...perStep,
      ...(test.adapt ? { adapt: test.adapt } : {}),
    });
  return [
    { ...problemMeta(random), rates },
    problemData(random, { tasks: 2, ...steps }),
    KEY,
  ];
}

for (const order of ["exact", "first"] as const) {
  for (const test of CASES) {
    Deno.test(`metaGradient() equals the unrolled gradient: ${test.name}, order ${order}`, () => {
      const { name: _, rates: __, ...given } = test;
      const options: MetaGradientOptions = { innerSteps: 3, ...given, order };
      const args = caseArguments(test, options);
      const pick = (fn: (...args: never[]) => unknown) => (...args: never[]) => {
        const { loss, grads } = fn(...args) as LossAndGrads;
        return { loss, grads };
      };
      const found = run<LossAndGrads>(pick(metaGradient(problem, options)), args);
      const expected = run<LossAndGrads>(pick(unrolledMetaGradient(problem, options)), args);
      assert(Math.abs(found.loss[0]! - expected.loss[0]!) < 1e-13);
      const error = relativeError(found.grads, expected.grads);
      assert(error < 1e-10, `relative error ${error}`);
      assertNotEquals(found.loss[0], 0);
    });
  }
}

/** Loss and gradient of the problem as a runner, with the arguments it was traced with. */
function lossAndGrads(options: MetaGradientOptions, test: Case) {
  const args = caseArguments(test, options);
  const meta = metaGradient(problem, options);
  const traced = runner<LossAndGrads>((...given: Parameters<typeof meta>) => {
    const { loss, grads } = meta(...given);
    return { loss, grads };
  }, args);
  return { args, traced };
}

Deno.test("metaGradient() agrees with finite differences in every meta-parameter", () => {
  const options: MetaGradientOptions = { innerSteps: 3, optimizer: momentum() };
  const { args: [meta, data], traced } = lossAndGrads(options, {
    ...options,
    name: "",
    optimizer: momentum(),
    rates: "tensor",
  });
  const { grads } = traced.run(meta, data, KEY);
  const flat = flatten<Value>(meta);
  const gradients = flatten<Float64Array>(grads);
  assertEquals(gradients.paths, flat.paths);
  assertEquals(flat.paths.length, 11);
  const step = 1e-5;
  flat.leaves.forEach(({ array }, k) => {
    const random = numbers(k);
    const direction = Float64Array.from(array.data, () => 2 * random() - 1);
    const lossAt = (sign: number): number => {
      const moved = value(array.shape, array.data.map((x, i) => x + sign * step * direction[i]!));
      const leaves = flat.leaves.map((leaf, at) => at === k ? moved : leaf);
      return traced.run(unflatten(flat.structure, leaves), data, KEY).loss[0]!;
    };
    const measured = (lossAt(1) - lossAt(-1)) / (2 * step);
    const predicted = gradients.leaves[k]!.reduce((sum, g, i) => sum + g * direction[i]!, 0);
    const error = Math.abs(measured - predicted) / Math.abs(measured);
    assert(error < 1e-6, `${flat.paths[k]}: ${measured} against ${predicted}`);
  });
});

Deno.test("metaGradient() has three programs for any number of inner steps", () => {
  const texts = [1, 2, 5, 20].map((innerSteps) => {
    const options: MetaGradientOptions = { innerSteps, optimizer: adam(), innerRate: 0.1 };
    const { traced } = lossAndGrads(options, { name: "", optimizer: adam() });
    const counts = callees(traced.program);
    assertEquals([...counts.values()], [innerSteps, 1, innerSteps]);
    return [...counts.keys()].map(print);
  });
  for (const text of texts) assertEquals(text, texts[0]);
});

Deno.test("metaGradient() has two programs at first order", () => {
  const options: MetaGradientOptions = {
    innerSteps: 4,
    optimizer: momentum(),
    innerRate: 0.1,
    order: "first",
  };
  const { traced } = lossAndGrads(options, { name: "", optimizer: momentum() });
  assertEquals([...callees(traced.program).values()], [4, 1]);
});

Deno.test("metaGradient() keeps parameters and state of each inner step, nothing else", () => {
  const options: MetaGradientOptions = { innerSteps: 6, optimizer: momentum(), innerRate: 0.1 };
  const { traced } = lossAndGrads(options, { name: "", optimizer: momentum() });
  const calls = traced.program.nodes.filter(({ primitive }) => primitive.name === "call");
  const forward = new Set(calls.slice(0, 6));
  const kept = new Set(
    calls.slice(7).flatMap(({ inputs }) => inputs.filter(({ node }) => forward.has(node))),
  );
  const size = [...kept].reduce((total, tensor) => total + tensor.size, 0);
  const tasks = 2;
  const parameters = 3 * 4 + 4 + 4 * 2 + 2;
  // Momentum's state is as large as the parameters; the first step starts from the inputs.
  assertEquals(size, 5 * 2 * tasks * parameters);
});

Deno.test("metaGradient() does not mix tasks up: the mean of single tasks is the batch", () => {
  const options: MetaGradientOptions = { innerSteps: 2, optimizer: sgd(), innerRate: 0.3 };
  const random = numbers(4);
  const meta = { ...problemMeta(random), rates: {} };
  const data = problemData(random, { tasks: 3 });
  // Without noise a task's result does not depend on its place, which decides on its key.
  const silent = { ...data, constants: { noise: value([], [0]) } };
  const evaluate = (some: unknown) =>
    run<LossAndGrads & { outerLosses: Float64Array; innerLosses: Float64Array }>(
      (...given: Parameters<ReturnType<typeof metaGradient>>) => {
        const { loss, grads, outerLosses, innerLosses } = metaGradient(problem, options)(
          ...given as unknown as [never, never, Tensor],
        );
        return { loss, grads, outerLosses, innerLosses };
      },
      [meta, some, KEY],
    );
  const all = evaluate(silent);
  const one = [0, 1, 2].map((task) =>
    evaluate({ ...silent, support: only(silent.support, task), query: only(silent.query, task) })
  );
  assertEquals(one.map(({ loss }) => loss[0]), [...all.outerLosses]);
  assertEquals(one.map(({ innerLosses }) => innerLosses[0]), [...all.innerLosses.slice(0, 3)]);
  const mean = mapTree(
    (a: Float64Array, b: Float64Array, c: Float64Array) => a.map((x, i) => (x + b[i]! + c[i]!) / 3),
    one[0]!.grads,
    one[1]!.grads,
    one[2]!.grads,
  );
  assert(relativeError(all.grads, mean) < 1e-12);
});

function only<T>(tree: T, task: number): T {
  return mapTree<T>(({ array: { shape, data } }: Value) => {
    const size = data.length / shape[0]!;
    return value([1, ...shape.slice(1)], data.slice(task * size, (task + 1) * size));
  }, tree);
}

Deno.test("metaGradient() returns losses, metrics, adapted parameters and own gradients", () => {
  const options: MetaGradientOptions = {
    innerSteps: 3,
    optimizer: sgd(),
    innerRate: 0.3,
    ownGradients: true,
    order: "first",
  };
  const meta = metaGradient(problem, options);
  assertEquals([meta.algorithm, meta.order, meta.innerSteps], ["fomaml", "first", 3]);
  const args = caseArguments({ name: "", optimizer: sgd() }, options);
  const result = run<Record<string, unknown> & LossAndGrads>(meta, args);
  assertEquals((result["innerLosses"] as Float64Array).length, 3 * 2);
  assertEquals((result["outerLosses"] as Float64Array).length, 2);
  const inner = result["innerMetrics"] as { losses: Record<string, Float64Array> }[];
  const [first] = inner;
  assertEquals(inner.length, 3);
  // The inner loss is the weighted sum of the named losses, with the learned and the fixed weight.
  const total = 0.8 * first!.losses["auxiliary"]![1]! + 0.7 * first!.losses["main"]![1]!;
  assertAlmostEquals((result["innerLosses"] as Float64Array)[1]!, total, 1e-12);
  assertEquals((result["outerMetrics"] as { first: Float64Array }).first.length, 2 * 6 * 4);
  const adapted = flatten<Float64Array>(result["adapted"]);
  assertEquals(adapted.leaves.map(({ length }) => length), [8, 24, 4, 16]);
  // At first order the targets of the inner loss get no gradient, but their own is there.
  const grads = flatten<Float64Array>(result.grads);
  const own = flatten<Float64Array>(result["own"]);
  const targets = grads.leaves[grads.paths.indexOf("shared.heads.auxiliary.targets")]!;
  assertEquals(targets.every((x) => x === 0), true);
  assertEquals(
    own.leaves[own.paths.indexOf("heads.auxiliary.targets")]!.every((x) => x !== 0),
    true,
  );
});

Deno.test("metaGradient() returns the alignment of inner and outer gradients", () => {
  // Inside the gradient is x - a, outside it is x' - b: in one dimension the cosine is a sign.
  const half = (x: Tensor, _: unknown, y: Tensor) => mul(sum(square(sub(x, y))), 0.5);
  const meta = metaGradient({ inner: half, outer: half }, {
    innerSteps: 2,
    optimizer: sgd(),
    innerRate: 0.1,
    alignment: true,
  });
  // A cosine does not depend on the unit of its vectors.
  for (const unit of [1, 1e-10, 1e10]) {
    const of = (...numbers: number[]) => numbers.map((x) => x * unit);
    const { alignment } = run<{ alignment: Float64Array }>(meta as never, [
      { params: value([2], of(3, 0)), shared: {}, rates: {} },
      {
        support: value([3, 2], of(1, 0, 1, 0, 1, 0)),
        query: value([3, 2], of(0, 0, 9, 0, 2.62, 5)),
        constants: {},
      },
      KEY,
    ]);
    // Adapted to 1 + 2 * 0.81 = 2.62 in the first dimension.
    assertAlmostEquals(alignment[0]!, 1, 1e-12);
    assertAlmostEquals(alignment[4]!, -1, 1e-12);
    assertAlmostEquals(alignment[5]!, 0, 1e-12);
    assertEquals(alignment.length, 2 * 3);
  }
});

Deno.test("metaGradient() takes losses that hold checkpoints", () => {
  const options: MetaGradientOptions = { innerSteps: 3, optimizer: momentum(), innerRate: 0.2 };
  const { args, traced } = lossAndGrads(options, { name: "", optimizer: momentum() });
  const inner = checkpoint((...given: Parameters<typeof problem.inner>) =>
    (problem.inner(...given) as { loss: Tensor }).loss
  );
  const meta = metaGradient({ ...problem, inner }, options);
  const found = run<LossAndGrads>((...given: Parameters<typeof meta>) => {
    const { loss, grads } = meta(...given);
    return { loss, grads };
  }, args);
  const expected = traced.run(...args);
  assertAlmostEquals(found.loss[0]!, expected.loss[0]!, 1e-13);
  assert(relativeError(found.grads, expected.grads) < 1e-12);
});

Deno.test("metaGradient() differs between orders, keys and steps", () => {
  const losses = (options: Partial<MetaGradientOptions>, key: Value) => {
    const whole = { innerSteps: 2, optimizer: sgd(), innerRate: 0.3, ...options };
    const { args, traced } = lossAndGrads(whole, { name: "", optimizer: sgd() });
    const { loss, grads } = traced.run(args[0], args[1], key);
    return { loss: loss[0]!, grads };
  };
  const exact = losses({}, KEY);
  const first = losses({ order: "first" }, KEY);
  assertEquals(exact.loss, first.loss);
  assert(relativeError(first.grads["params"], exact.grads["params"]) > 0.01);
  assertNotEquals(exact.loss, losses({}, value([2], [3, 8], "u32")).loss);
  assertNotEquals(exact.loss, losses({ innerSteps: 3 }, KEY).loss);
});

Deno.test("metaGradient() refuses parameters of which two have one path", () => {
  const loss = (x: unknown) =>
    sum(mul(flatten<Tensor>(x).leaves[0]!, flatten<Tensor>(x).leaves[1]!));
  const meta = metaGradient({ inner: loss, outer: loss }, {
    ...{ innerSteps: 1 },
    optimizer: sgd(),
  });
  const params = { "a.b": value([], [1]), a: { b: value([], [2]) } };
  assertThrows(
    () =>
      run(meta as never, [
        { params, shared: {}, rates: {} },
        { support: value([1], [0]), query: value([1], [0]), constants: {} },
        KEY,
      ]),
    TypeError,
    "found two leaves with the path 'a.b'",
  );
});

Deno.test("metaGradient() throws on impossible options and data", () => {
  const trace = (options: Partial<MetaGradientOptions>, rates: unknown = {}, tasks = 2) => {
    const whole = { innerSteps: 2, optimizer: sgd(), ...options };
    const random = numbers(1);
    const data = problemData(random, { tasks: 2 });
    const query = tasks === 2 ? data.query : problemData(random, { tasks }).query;
    run(metaGradient(problem, whole) as never, [
      { ...problemMeta(random), rates },
      { ...data, query },
      KEY,
    ]);
  };
  const fixed = { innerRate: 0.1 };
  assertThrows(() => trace({ ...fixed, innerSteps: 0 }), RangeError, "0 inner steps");
  assertThrows(() => trace({ ...fixed, outerWeights: [1] }), RangeError, "1 weights, expected 2");
  assertThrows(() => trace({ ...fixed, adapt: () => false }), RangeError, "none of the parameters");
  assertThrows(() => trace({}), TypeError, "found no rate");
  assertThrows(() => trace(fixed, { all: value([], [1]) }), TypeError, "expected one of both");
  assertThrows(() => trace({}, { body: value([], [1]) }), TypeError, "found learned rates for");
  assertThrows(() => trace(fixed, {}, 3), RangeError, "expected 3 tasks along axis 0");
  assertThrows(
    () => trace({ ...fixed, supportPerStep: true, innerSteps: 3 }),
    RangeError,
    "expected 2 tasks along axis 1",
  );
  const rates = problemRates(numbers(1), { per: "tensor", steps: 3 });
  assertThrows(() => trace({ ratesPerStep: true }, rates), RangeError, "expected 2 inner steps");
});

Deno.test("metaGradient() throws on a loss that is no scalar", () => {
  const bad = { inner: (x: Tensor) => x, outer: (x: Tensor) => x };
  const options = { innerSteps: 1, optimizer: sgd(), innerRate: 0.1 };
  const x = value([3], [1, 2, 3]);
  assertThrows(
    () =>
      run(metaGradient(bad, options) as never, [
        { params: x, shared: {}, rates: {} },
        { support: x, query: x, constants: {} },
        KEY,
      ]),
    TypeError,
    "the inner loss is f32[3], expected a scalar f32[]",
  );
});
