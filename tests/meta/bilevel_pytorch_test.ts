/** Auto-Lambda, FORUM and MOML against PyTorch: what `tests/meta/pytorch/bilevel.py` has written. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import { autoLambdaInit, autoLambdaStep, forum, moml } from "../../src/meta/mod.ts";
import { equalWeighting } from "../../src/multitask/mod.ts";
import { adam, sgd } from "../../src/optim/mod.ts";
import { randomKey } from "../../src/random/mod.ts";
import {
  add,
  constant,
  matmul,
  mean,
  mul,
  square,
  sub,
  tanh,
  valuesOf,
} from "../../src/tensor/mod.ts";
import { mapTree } from "../../src/tree/tree.ts";
import { waves } from "../waves.ts";
import golden from "./pytorch/bilevel.json" with { type: "json" };

/** `wave` of bilevel.py. */
const wave = waves(0.8);

interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
}

const batch = (task: number, phase: number): Batch => ({
  x: wave([5, 3], phase, 0, 1.5),
  y: wave([5], phase + 2.6 * task + 1),
});
const regression = (body: Tensor, head: Tensor, { x, y }: Batch): Tensor =>
  mean(square(sub(matmul(tanh(matmul(x, body)), head), y)));

function assertNear(tensor: Tensor, expected: readonly number[], tolerance = 1e-9): void {
  const found = valuesOf(tensor);
  assertEquals(found.length, expected.length);
  found.forEach((value, k) => assertAlmostEquals(value, expected[k]!, tolerance));
}

Deno.test("autoLambdaStep() takes the steps of its paper's program", () => {
  type Heads = { readonly aux: Tensor; readonly noise: Tensor; readonly wanted: Tensor };
  type Batches = { readonly aux: Batch; readonly noise: Batch; readonly wanted: Batch };
  const losses = { aux: regression, noise: regression, wanted: regression };
  const options = {
    primary: ["wanted"],
    optimizer: sgd(),
    weightsOptimizer: adam(),
    weightsRate: 0.05,
  };
  const step = autoLambdaStep<Tensor, Heads, Batches, object>(losses, options);
  const heads = { aux: wave([2], 1), noise: wave([2], 2), wanted: wave([2], 3) };
  let training = autoLambdaInit({ body: wave([3, 2], 0.1), heads }, options);
  golden.autoLambda.forEach((expected, k) => {
    const of = (phase: number): Batches => ({
      aux: batch(0, phase + k),
      noise: batch(1, phase + k),
      wanted: batch(2, phase + k),
    });
    const data = { train: of(0.3), validation: of(2.1), constants: {} };
    const found = step(training, data, randomKey(k), { rate: constant(0.3) });
    assertNear(found.wanted, [expected.wanted]);
    ["aux", "noise", "wanted"].forEach((name, at) => {
      assertNear(found.slopes[name]!, [expected.slopes[at]!]);
      assertNear(found.training.weights[name]!, [expected.weights[at]!]);
    });
    training = mapTree<typeof training>(
      (x: Tensor) => constant(valuesOf(x), { shape: x.shape }),
      found.training,
    );
    const { body, heads } = training.params;
    const all = [body, heads.aux, heads.noise, heads.wanted].flatMap(valuesOf);
    assertNear(constant(all), expected.params);
  });
});

/** Regression to targets that are learned. */
const inner = (params: Tensor, shared: Tensor): Tensor =>
  regression(params, wave([2], 1), { x: batch(0, 0.3).x, y: shared });
const outer = (task: number) => (params: Tensor, shared: Tensor): Tensor =>
  add(
    regression(params, wave([2], 1 + task), batch(task, 2.1)),
    mul(mean(square(shared)), 0.05 * (task + 1)),
  );
const outers = { a: outer(0), b: outer(1), c: outer(2) };
const start = () => ({ params: wave([3, 2], 0.1), shared: wave([5], 0.4) });

Deno.test("forum() is the direction of its paper's quadratic program", () => {
  const step = forum({ inner, outers }, { innerSteps: 4, innerRate: 0.3, strength: 0.05 });
  const found = step(start(), { support: {}, query: {}, constants: {} }, randomKey(0));
  assertNear(found.gap, [golden.forum.gap]);
  assertNear(found.weights, golden.forum.weights, 1e-5);
  const direction = [found.grads.params, found.grads.shared].flatMap(valuesOf);
  assertNear(constant(direction), golden.forum.direction, 1e-6);
});

Deno.test("moml() combines the meta-gradients of torch.autograd as its paper does", () => {
  const inside = { innerSteps: 2, innerRate: 0.3, optimizer: sgd() };
  const task = () => ({ support: constant([0]), query: constant([0]), constants: {} });
  const meta = () => ({ ...start(), rates: {} });
  const found = moml({ inner, outers }, inside)(meta(), task(), randomKey(0), {});
  assertNear(found.losses, golden.moml.losses);
  assertNear(found.weights, golden.moml.weights, 1e-5);
  const direction = [found.grads.params, found.grads.shared].flatMap(valuesOf);
  assertNear(constant(direction), golden.moml.direction, 1e-6);
  // The mean of the three is exact.
  const even = moml({ inner, outers }, { ...inside, weighting: equalWeighting() });
  const mixed = even(meta(), task(), randomKey(0), {}).grads;
  const count = golden.moml.direction.length;
  const expected = golden.moml.direction.map((_, k) =>
    [0, 1, 2].reduce((total, row) => total + golden.moml.each[row * count + k]! / 3, 0)
  );
  assertNear(constant([mixed.params, mixed.shared].flatMap(valuesOf)), expected);
});
