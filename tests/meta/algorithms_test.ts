import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  adaptTasks,
  anil,
  combineMetaGradients,
  fomaml,
  initialRates,
  maml,
  type MetaGradientPart,
  metaSgd,
  reptile,
} from "../../src/meta/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import { add, mul, slice, square, sub, valuesOf, zeros } from "../../src/tensor/mod.ts";
import { valueAndGrad } from "../../src/transform/mod.ts";
import { flatten, unflatten } from "../../src/tree/tree.ts";
import { numbers, relativeError, run, runner, type Value, value } from "./host.ts";
import {
  type Constants,
  type Examples,
  type Net,
  problem,
  problemData,
  problemMeta,
  problemRates,
  type Shared,
} from "./problem.ts";

const KEY = value([2], [5, 6], "u32");
const RATE = 0.2;
const STEPS = 3;
const isHead = (path: string) => path.startsWith("head");
const fixed = { innerSteps: STEPS, optimizer: sgd() };

interface LossAndGrads {
  readonly loss: Float64Array;
  readonly grads: { readonly params: unknown; readonly shared: unknown; readonly rates: unknown };
}

/** The table: a new algorithm joins all tests by a row. */
interface Row {
  readonly name: string;
  /** The algorithm on any problem with parameters `{ body, head }`. */
  make<P, Sh, Su, Q, C>(
    problem: { inner: Loss<P, Sh, Su, C>; outer: Loss<P, Sh, Q, C> },
    rate: number,
  ): MetaGradientPart;
  /** Whether rates are learned, one for each element. */
  readonly learnedRates: boolean;
  /** Whether the gradient is the derivative of the outer loss. */
  readonly isDerivative: boolean;
  /** Gradient on the quadratic `(theta - a)^2 / 2` inside, `(theta - b)^2 / 2` outside. */
  quadratic(theta: number, a: number, b: number): { body: number; head: number };
}
type Loss<P, Sh, B, C> = Parameters<typeof maml<P, Sh, unknown, B, B, C>>[0]["inner"];

const shrink = (1 - RATE) ** STEPS;
const adaptedTo = (theta: number, a: number) => a + shrink * (theta - a);

const TABLE: Row[] = [
  {
    name: "maml",
    make: (problem, innerRate) => maml(problem, { ...fixed, innerRate }),
    learnedRates: false,
    isDerivative: true,
    quadratic(theta, a, b) {
      const gradient = shrink * (adaptedTo(theta, a) - b);
      return { body: gradient, head: gradient };
    },
  },
  {
    name: "fomaml",
    make: (problem, innerRate) => fomaml(problem, { ...fixed, innerRate }),
    learnedRates: false,
    isDerivative: false,
    quadratic(theta, a, b) {
      const gradient = adaptedTo(theta, a) - b;
      return { body: gradient, head: gradient };
    },
  },
  {
    name: "metaSgd",
    make: (problem) => metaSgd(problem, { innerSteps: STEPS }),
    learnedRates: true,
    isDerivative: true,
    quadratic(theta, a, b) {
      const gradient = shrink * (adaptedTo(theta, a) - b);
      return { body: gradient, head: gradient };
    },
  },
  {
    name: "anil",
    make: (problem, innerRate) => anil(problem, { ...fixed, innerRate, head: isHead }),
    learnedRates: false,
    isDerivative: true,
    quadratic: (theta, a, b) => ({ body: theta - b, head: shrink * (adaptedTo(theta, a) - b) }),
  },
];

function picked(meta: (...args: never[]) => unknown): (...args: never[]) => LossAndGrads {
  return (...args) => {
    const { loss, grads } = meta(...args) as LossAndGrads;
    return { loss, grads };
  };
}

function argumentsFor(
  row: Row,
  rate: number,
): [Record<string, unknown>, Record<string, unknown>, Value] {
  const random = numbers(21);
  const meta = problemMeta(random);
  const shapes = flatten<Value>(problemRates(random, { per: "element" }));
  const constantRates = unflatten<unknown>(
    shapes.structure,
    shapes.leaves.map(({ array: { shape, data } }) => value(shape, data.map(() => rate))),
  );
  return [
    { ...meta, rates: row.learnedRates ? constantRates : {} },
    problemData(random, { tasks: 2 }),
    KEY,
  ];
}

for (const row of TABLE) {
  Deno.test(`${row.name}() ${row.isDerivative ? "agrees" : "disagrees"} with finite differences`, () => {
    const args = argumentsFor(row, RATE);
    const [meta, data] = args;
    const traced = runner<LossAndGrads>(picked(row.make(problem, RATE) as never), args);
    const { grads } = traced.run(...args);
    const point = flatten<Value>(meta);
    const random = numbers(2);
    const direction = point.leaves.map(({ array }) => value(array.shape, random));
    const lossAt = (step: number): number => {
      const leaves = point.leaves.map(({ array }, k) =>
        value(array.shape, array.data.map((x, i) => x + step * direction[k]!.array.data[i]!))
      );
      return traced.run(unflatten(point.structure, leaves), data, KEY).loss[0]!;
    };
    const measured = (lossAt(1e-5) - lossAt(-1e-5)) / 2e-5;
    const predicted = flatten<Float64Array>(grads).leaves
      .map((gradient, k) =>
        gradient.reduce((total, g, i) => total + g * direction[k]!.array.data[i]!, 0)
      )
      .reduce((a, b) => a + b);
    const error = Math.abs(measured - predicted) / Math.abs(measured);
    assert(row.isDerivative ? error < 1e-7 : error > 1e-2, `relative error ${error}`);
  });

  Deno.test(`${row.name}() at inner rate 0 is the plain gradient of the outer loss`, () => {
    const [meta, data] = argumentsFor(row, 0);
    // Without noise the keys do not matter.
    const silent = { ...data, constants: { noise: value([], [0]) } };
    const found = run<LossAndGrads>(picked(row.make(problem, 0) as never), [meta, silent, KEY]);
    const { params, shared } = meta;
    const expected = run<LossAndGrads>(picked(plainGradient as never), [
      { params, shared },
      silent,
      KEY,
    ]);
    assertAlmostEquals(found.loss[0]!, expected.loss[0]!, 1e-14);
    assert(relativeError(found.grads.params, expected.grads.params) < 1e-12);
    assert(relativeError(found.grads.shared, expected.grads.shared) < 1e-12);
  });

  Deno.test(`${row.name}() has the closed form on a quadratic`, () => {
    const meta = row.make({ inner: quadratic, outer: quadratic }, RATE);
    const rates = row.learnedRates ? { body: value([], [RATE]), head: value([], [RATE]) } : {};
    const { grads } = run<LossAndGrads>(picked(meta as never), [
      { params: { body: value([], [1.5]), head: value([], [1.5]) }, shared: {}, rates },
      { support: value([2], [1, -2]), query: value([2], [0.5, 3]), constants: {} },
      KEY,
    ]);
    const [first, second] = [row.quadratic(1.5, 1, 0.5), row.quadratic(1.5, -2, 3)];
    const { body, head } = grads.params as Record<string, Float64Array>;
    assertAlmostEquals(body![0]!, (first.body + second.body) / 2, 1e-12);
    assertAlmostEquals(head![0]!, (first.head + second.head) / 2, 1e-12);
  });
}

interface Pair {
  readonly body: Tensor;
  readonly head: Tensor;
}

/** `((body - target)^2 + (head - target)^2) / 2` */
function quadratic({ body, head }: Pair, _: unknown, target: Tensor): Tensor {
  return mul(add(square(sub(body, target)), square(sub(head, target))), 0.5);
}

/** Mean outer loss of two tasks without any adaptation, and its gradient. */
function plainGradient(
  meta: { readonly params: Net; readonly shared: Shared },
  { query, constants }: { readonly query: Examples; readonly constants: Constants },
  key: Tensor,
) {
  const loss = ({ params, shared }: typeof meta): Tensor => {
    const losses = [0, 1].map((task) => {
      const own = { x: slice(query.x, [task]), y: slice(query.y, [task]) };
      return (problem.outer(params, shared, own, { key, constants }) as { loss: Tensor }).loss;
    });
    return mul(add(losses[0]!, losses[1]!), 0.5);
  };
  const { value, grad } = valueAndGrad(loss)(meta);
  return { loss: value, grads: grad };
}

Deno.test("metaSgd() has the closed form of the gradient of the rates on a quadratic", () => {
  const meta = metaSgd({ inner: quadratic, outer: quadratic }, { innerSteps: 1 });
  const { grads } = run<LossAndGrads>(picked(meta as never), [
    {
      params: { body: value([], [2]), head: value([], [3]) },
      shared: {},
      rates: { body: value([], [0.1]), head: value([], [0.3]) },
    },
    { support: value([1], [1]), query: value([1], [-1]), constants: {} },
    KEY,
  ]);
  // theta' = theta - alpha (theta - a), dL/dalpha = -(theta' - b) (theta - a).
  const { body, head } = grads.rates as Record<string, Float64Array>;
  assertAlmostEquals(body![0]!, -(2 - 0.1 * 1 + 1) * 1, 1e-12);
  assertAlmostEquals(head![0]!, -(3 - 0.3 * 2 + 1) * 2, 1e-12);
});

Deno.test("anil() leaves the body alone", () => {
  const random = numbers(8);
  const meta = { ...problemMeta(random), rates: {} };
  const result = run<{ adapted: { body: unknown; head: unknown } }>(
    anil(problem, { ...fixed, innerRate: RATE, head: isHead }) as never,
    [meta, problemData(random, { tasks: 1 }), KEY],
  );
  const { body, head } = meta.params as Record<string, Record<string, Value>>;
  const start = ({ weight }: Record<string, Value>) => Float64Array.from(weight!.array.data);
  const adapted = result.adapted as Record<string, Record<string, Float64Array>>;
  assertEquals(adapted["body"]!["weight"], start(body!));
  assertNotEquals(adapted["head"]!["weight"], start(head!));
});

Deno.test("reptile() returns the way back from the adapted parameters and own gradients", () => {
  const options = { ...fixed, innerRate: RATE };
  const { loss, grads, innerLosses } = run<
    Omit<LossAndGrads, "innerLosses"> & { readonly innerLosses: Float64Array }
  >(reptile(quadratic, options) as never, [
    { params: { body: value([], [1.5]), head: value([], [0.5]) }, shared: {} },
    { support: value([2], [1, -2]), constants: {} },
    KEY,
  ]);
  const { body, head } = grads.params as Record<string, Float64Array>;
  const moved = (theta: number) => theta - (adaptedTo(theta, 1) + adaptedTo(theta, -2)) / 2;
  assertAlmostEquals(body![0]!, moved(1.5), 1e-12);
  assertAlmostEquals(head![0]!, moved(0.5), 1e-12);
  assertEquals(innerLosses.length, STEPS * 2);
  assertAlmostEquals(loss[0]!, (innerLosses[4]! + innerLosses[5]!) / 2, 1e-14);
});

Deno.test("reptile() trains what tasks share by the inner losses, and not what is not adapted", () => {
  // L = (theta + s - y)^2 / 2, of which the gradients with respect to theta and s are equal.
  const inner = ({ head }: Pair, shared: Tensor, y: Tensor): Tensor =>
    mul(square(sub(add(head, shared), y)), 0.5);
  const options = { ...fixed, innerRate: RATE, adapt: isHead };
  const { grads } = run<LossAndGrads>(reptile(inner, options) as never, [
    { params: { body: value([], [7]), head: value([], [1.5]) }, shared: value([], [0.5]) },
    { support: value([1], [1]), constants: {} },
    KEY,
  ]);
  const residuals = [1, 1 - RATE, (1 - RATE) ** 2];
  const total = residuals.reduce((a, b) => a + b);
  const { body, head } = grads.params as Record<string, Float64Array>;
  assertEquals([...body!], [0]);
  assertAlmostEquals(head![0]!, RATE * total, 1e-12);
  assertAlmostEquals((grads.shared as Float64Array)[0]!, total / 3, 1e-12);
});

Deno.test("adaptTasks() evaluates before and after the adaptation that maml() differentiates", () => {
  const options = { ...fixed, innerRate: RATE };
  const random = numbers(9);
  const args = [{ ...problemMeta(random), rates: {} }, problemData(random, { tasks: 3 }), KEY];
  interface Losses {
    readonly losses: Float64Array;
  }
  const found = run<{ adapted: unknown; before: Losses; after: Losses; innerLosses: unknown }>(
    adaptTasks(problem, options) as never,
    args,
  );
  const meta = run<{ adapted: unknown; outerLosses: Float64Array; innerLosses: unknown }>(
    maml(problem, options) as never,
    args,
  );
  assertEquals(found.adapted, meta.adapted);
  assertEquals(found.innerLosses, meta.innerLosses);
  assertEquals(found.after.losses, meta.outerLosses);
  assertEquals(found.before.losses.length, 3);
  assertNotEquals(found.before.losses, found.after.losses);
});

Deno.test("combineMetaGradients() is the weighted sum of its parts", () => {
  const parts = {
    one: maml<Pair, unknown, unknown, Tensor, Tensor, unknown>(
      { inner: quadratic, outer: quadratic },
      { ...fixed, innerRate: RATE },
    ),
    two: fomaml<Pair, unknown, unknown, Tensor, Tensor, unknown>(
      { inner: quadratic, outer: quadratic },
      { ...fixed, innerRate: RATE },
    ),
  };
  const none = { one: {}, two: {} };
  const task = (a: number, b: number) => ({
    support: value([1], [a]),
    query: value([1], [b]),
    constants: {},
  });
  const combined = combineMetaGradients(parts, { weights: { one: 2, two: 3 } });
  const { grads, loss, parts: own } = run<
    LossAndGrads & { readonly parts: Record<string, LossAndGrads> }
  >(combined as never, [
    { params: { body: value([], [1.5]), head: value([], [0.5]) }, shared: none, rates: none },
    { one: task(1, 0.5), two: task(-2, 3) },
    KEY,
  ]);
  const { body } = grads.params as Record<string, Float64Array>;
  const expected = 2 * TABLE[0]!.quadratic(1.5, 1, 0.5).body +
    3 * TABLE[1]!.quadratic(1.5, -2, 3).body;
  assertAlmostEquals(body![0]!, expected, 1e-12);
  assertAlmostEquals(loss[0]!, 2 * own["one"]!.loss[0]! + 3 * own["two"]!.loss[0]!, 1e-12);
});

Deno.test("initialRates() makes one rate for all, a tensor or an element, and a step", () => {
  const params = { body: { weight: zeros([3, 2]) }, head: zeros([4]), count: zeros([], "i32") };
  const shapes = (options: Parameters<typeof initialRates>[1]) =>
    Object.fromEntries(
      Object.entries(initialRates(params, options)).map(([path, { shape }]) => [path, shape]),
    );
  assertEquals(shapes({ rate: 1, per: "all" }), { all: [] });
  assertEquals(shapes({ rate: 1 }), { "body.weight": [], head: [] });
  assertEquals(shapes({ rate: 1, per: "element" }), { "body.weight": [3, 2], head: [4] });
  assertEquals(shapes({ rate: 1, per: "element", innerSteps: 5, adapt: isHead }), { head: [5, 4] });
  assertEquals(valuesOf(initialRates(params, { rate: 0.5 })["head"]!), [0.5]);
});
