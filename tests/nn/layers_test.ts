import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  batchNorm,
  classifierHead,
  conv2dLayer,
  conv4,
  dropout,
  encoder,
  flattenLayer,
  kaimingUniform,
  type Layer,
  layerNorm,
  linear,
  type Params,
  sequential,
  statelessLayer,
} from "../../src/nn/mod.ts";
import { normal, randomKey } from "../../src/random/mod.ts";
import {
  add,
  constant,
  mul,
  ones,
  reshape,
  stack,
  sum,
  valuesOf,
  zeros,
} from "../../src/tensor/mod.ts";
import { grad, vmap } from "../../src/transform/mod.ts";
import { flatten, unflatten } from "../../src/tree/tree.ts";

function shapesOf(params: Params): Record<string, readonly number[]> {
  const { leaves, paths } = flatten<Tensor>(params);
  return Object.fromEntries(paths.map((path, k) => [path, leaves[k]!.shape]));
}

function assertNear(actual: readonly number[], expected: readonly number[], tolerance = 1e-12) {
  assertEquals(actual.length, expected.length);
  actual.forEach((value, k) => assertAlmostEquals(value, expected[k]!, tolerance));
}

Deno.test("kaimingUniform() fills PyTorch's bound for linear layers and convolutions", () => {
  const weights = valuesOf(kaimingUniform(randomKey(0), [3, 3, 4, 50]));
  const bound = 1 / Math.sqrt(3 * 3 * 4);
  const largest = Math.max(...weights.map(Math.abs));
  assert(largest <= bound && largest > 0.99 * bound, `largest ${largest}, bound ${bound}`);
  const relu = valuesOf(kaimingUniform(randomKey(0), [3, 3, 4, 50], { slope: 0 }));
  assertNear(relu, weights.map((weight) => weight * Math.sqrt(6)));
});

Deno.test("linear() and conv2dLayer() draw weight and bias from different streams", () => {
  const { params } = linear({ inputs: 4, outputs: 4 }).init(randomKey(3));
  const { weight, bias } = params as Record<string, Tensor>;
  assert(!valuesOf(weight!).some((value) => valuesOf(bias!).includes(value)));
  assertEquals(
    shapesOf(conv2dLayer({ inputs: 2, outputs: 5, bias: false }).init(randomKey(0)).params),
    {
      weight: [3, 3, 2, 5],
    },
  );
  assertThrows(
    () => linear({ inputs: 3, outputs: 2 }).apply(params, {}, ones([2, 4]), { training: true }),
    TypeError,
    "Cannot apply a linear layer of 3 inputs to f32[2, 4]",
  );
  assertThrows(
    () => linear({ inputs: 4, outputs: 2 }).apply({}, {}, ones([2, 4]), { training: true }),
    TypeError,
    "its parameters have no tensor 'weight'",
  );
});

Deno.test("batchNorm() normalizes by the batch and remembers unbiased running statistics", () => {
  const layer = batchNorm({ features: 2, momentum: 0.25 });
  const { params: initial, state } = layer.init(randomKey(0));
  const params = { ...initial, gamma: constant([2, 3]), beta: constant([1, -1]) };
  const rows = [[1, 10], [2, 30], [6, 20]];
  const x = constant(rows);
  const trained = layer.apply(params, state, x, { training: true });
  const column = (k: number): number[] => rows.map((row) => row[k]!);
  const mean = (list: number[]): number => list.reduce((a, b) => a + b) / list.length;
  const biased = (list: number[]): number => mean(list.map((v) => (v - mean(list)) ** 2));
  assertNear(
    valuesOf(trained.output),
    rows.flatMap((row) =>
      row.map((v, k) =>
        (v - mean(column(k))) / Math.sqrt(biased(column(k)) + 1e-5) * [2, 3][k]! + [1, -1][k]!
      )
    ),
  );
  const next = trained.state as Record<string, Tensor>;
  assertNear(valuesOf(next["mean"]!), [0, 1].map((k) => 0.25 * mean(column(k))));
  assertNear(
    valuesOf(next["variance"]!),
    [0, 1].map((k) => 0.75 + 0.25 * biased(column(k)) * 3 / 2),
  );
  const evaluated = layer.apply(params, next, x, { training: false });
  assertEquals(evaluated.state, next);
  const expected = rows.flatMap((row) =>
    row.map((v, k) =>
      (v - valuesOf(next["mean"]!)[k]!) / Math.sqrt(valuesOf(next["variance"]!)[k]! + 1e-5) *
        [2, 3][k]! + [1, -1][k]!
    )
  );
  assertNear(valuesOf(evaluated.output), expected);
  const alone = layer.apply(params, next, constant([rows[0]!]), { training: false });
  assertNear(valuesOf(alone.output), expected.slice(0, 2));
  assertThrows(
    () => layer.apply(params, state, constant([rows[0]!]), { training: true }),
    TypeError,
    "more than one vector",
  );
});

Deno.test("batchNorm() with batch statistics has no state and is the same in evaluation", () => {
  const layer = batchNorm({ features: 3, statistics: "batch" });
  const { params, state } = layer.init(randomKey(0));
  const x = normal(randomKey(1), [2, 4, 3]);
  assertEquals(state, {});
  const [training, evaluation] = [true, false].map((training) =>
    valuesOf(layer.apply(params, state, x, { training }).output)
  );
  assertEquals(training, evaluation);
  const running = batchNorm({ features: 3 });
  const other = running.apply(params, running.init(randomKey(0)).state, x, { training: true });
  assertEquals(valuesOf(other.output), training);
});

Deno.test("no derivative goes through running statistics", () => {
  const layer = batchNorm({ features: 1 });
  const { params, state } = layer.init(randomKey(0));
  const loss = (x: Tensor): Tensor => {
    const { state: next } = layer.apply(params, state, x, { training: true });
    const { mean, variance } = next as Record<string, Tensor>;
    return sum(add(mean!, variance!));
  };
  assertEquals(valuesOf(grad(loss)(constant([[1], [2]]))), [0, 0]);
});

Deno.test("layerNorm() normalizes every vector by itself", () => {
  const layer = layerNorm({ features: 3 });
  const { params, state } = layer.init(randomKey(0));
  const x = constant([[1, 2, 3], [10, 10, 40]]);
  const root = (spread: number): number => Math.sqrt(spread + 1e-5);
  assertNear(valuesOf(layer.apply(params, state, x, { training: true }).output), [
    ...[-1, 0, 1].map((v) => v / root(2 / 3)),
    ...[-10, -10, 20].map((v) => v / root(200)),
  ]);
});

Deno.test("dropout() keeps the mean, drops in training only, and needs a key", () => {
  const layer = dropout({ rate: 0.25 });
  const run = (training: boolean, seed: number): number[] =>
    valuesOf(layer.apply({}, {}, ones([4000]), { training, key: randomKey(seed) }).output);
  const dropped = run(true, 1);
  const share = dropped.filter((value) => value === 0).length / 4000;
  assert(Math.abs(share - 0.25) < 4 * Math.sqrt(0.1875 / 4000), `share ${share}`);
  assert(dropped.every((value) => value === 0 || Math.abs(value - 4 / 3) < 1e-12));
  assertEquals(run(true, 1), dropped);
  assertEquals(run(false, 1), new Array(4000).fill(1));
  assertThrows(
    () => layer.apply({}, {}, ones([1]), { training: true }),
    TypeError,
    "Cannot drop out without a random key",
  );
  assertThrows(() => dropout({ rate: 1 }), RangeError, "expected 0 <= rate < 1");
});

Deno.test("sequential() gives its layers different keys", () => {
  const model = sequential({ first: dropout({ rate: 0.5 }), second: dropout({ rate: 0.5 }) });
  const { output } = model.apply({}, {}, ones([2000]), { training: true, key: randomKey(0) });
  const kept = valuesOf(output).filter((value) => value > 0).length / 2000;
  assert(Math.abs(kept - 0.25) < 0.05, `kept ${kept}: one mask would keep 0.5`);
  const twins = sequential({
    a: linear({ inputs: 2, outputs: 2 }),
    b: linear({ inputs: 2, outputs: 2 }),
  }).init(randomKey(0)).params as Record<string, Record<string, Tensor>>;
  assert(valuesOf(twins["a"]!["weight"]!)[0] !== valuesOf(twins["b"]!["weight"]!)[0]);
});

Deno.test("sequential() applies layers in order and threads their state", () => {
  const count: Layer = {
    init: () => ({ params: {}, state: { calls: zeros([]) } }),
    apply: (_, state, x) => ({
      output: mul(x, 2),
      state: { calls: add(state["calls"] as Tensor, 1) },
    }),
  };
  const model = sequential({
    twice: count,
    inner: sequential({ more: statelessLayer((x) => add(x, 1)), deep: count }),
  });
  const { params, state } = model.init(randomKey(0));
  assertEquals(Object.keys(params), []);
  const once = model.apply(params, state, constant([1]), { training: true });
  const again = model.apply(params, once.state, once.output, { training: true });
  assertEquals(valuesOf(again.output), [(((1 * 2 + 1) * 2) * 2 + 1) * 2]);
  const { leaves, paths } = flatten<Tensor>(again.state);
  assertEquals(paths, ["inner.deep.calls", "twice.calls"]);
  assertEquals(leaves.flatMap(valuesOf), [2, 2]);
  assertThrows(() => sequential({ "1": count }), TypeError, "found the name '1'");
  assertThrows(() => sequential({ "a.b": count }), TypeError, "such as 'layera_b'");
});

Deno.test("flattenLayer() orders elements by height or by channel first", () => {
  const x = reshape(constant([0, 1, 2, 3, 4, 5, 6, 7]), [1, 2, 2, 2]);
  const run = (layer: Layer): number[] =>
    valuesOf(layer.apply({}, {}, x, { training: true }).output);
  assertEquals(run(flattenLayer()), [0, 1, 2, 3, 4, 5, 6, 7]);
  assertEquals(run(flattenLayer({ order: "channels-first" })), [0, 2, 4, 6, 1, 3, 5, 7]);
  const none = flattenLayer().apply({}, {}, zeros([0, 2, 2, 3]), { training: true });
  assertEquals(none.output.shape, [0, 12]);
  assertThrows(
    () => flattenLayer().apply({}, {}, ones([2, 2]), { training: true }),
    TypeError,
    "Cannot flatten f32[2, 2]",
  );
});

Deno.test("encoder() has the parameters of the original network", () => {
  const model = encoder();
  const { params, state } = model.init(randomKey(0));
  const shapes = shapesOf(params);
  assertEquals(shapes["stage1.conv1.weight"], [3, 3, 3, 32]);
  assertEquals(shapes["stage3.conv2.weight"], [3, 3, 128, 128]);
  assertEquals(shapes["embedding.weight"], [512, 1024]);
  assertEquals(shapes["norm.gamma"], [1024]);
  const total = (tree: Params): number =>
    flatten<Tensor>(tree).leaves.reduce((size, leaf) => size + leaf.size, 0);
  // 3x3 convolutions with bias, two channels of affine parameters each, linear with bias.
  const conv = (inputs: number, outputs: number): number => 9 * inputs * outputs + 3 * outputs;
  assertEquals(
    total(params),
    conv(3, 32) + conv(32, 32) + conv(32, 64) + conv(64, 64) + conv(64, 128) + conv(128, 128) +
      512 * 1024 + 3 * 1024,
  );
  assertEquals(total(state), 2 * (2 * (32 + 64 + 128) + 1024));
  const options = { training: true, key: randomKey(1) };
  const { output } = model.apply(params, state, zeros([2, 32, 32, 3]), options);
  assertEquals(output.shape, [2, 1024]);
  const same = shapesOf(encoder({ normalization: "batch-own" }).init(randomKey(0)).params);
  assertEquals(same, shapes);
  assertThrows(() => encoder({ imageSize: 8 }), RangeError, "nothing is left");
});

Deno.test("classifierHead() and conv4() have the documented parameters", () => {
  const head = classifierHead({ inputs: 1024, classes: 10 });
  assertEquals(shapesOf(head.init(randomKey(0)).params), {
    "hidden.bias": [512],
    "hidden.weight": [1024, 512],
    "norm.beta": [512],
    "norm.gamma": [512],
    "output.bias": [10],
    "output.weight": [512, 10],
  });
  const { params, state } = conv4({ ways: 5, channels: 8 }).init(randomKey(0));
  const shapes = shapesOf(params);
  assertEquals(shapes["block1.conv.weight"], [3, 3, 3, 8]);
  assertEquals(shapes["block4.norm.beta"], [8]);
  assertEquals(shapes["output.weight"], [32, 5]);
  assertEquals(Object.keys(shapes).length, 14);
  assertEquals(state, {});
  assertThrows(() => conv4({ ways: 5, imageSize: 15 }), RangeError, "at least 16 x 16");
});

Deno.test("a model of tasks with own weights is the models one by one", () => {
  const model = encoder({ widths: [2], embedding: 3, imageSize: 6, normalization: "batch-own" });
  const inits = [1, 2].map((seed) => model.init(randomKey(seed)).params);
  const images = [3, 4].map((seed) => normal(randomKey(seed), [2, 6, 6, 3]));
  const keys = [5, 6].map(randomKey);
  const run = (params: Params, x: Tensor, key: Tensor): Tensor =>
    model.apply(params, {}, x, { training: true, key }).output;
  const lists = inits.map((params) => flatten<Tensor>(params).leaves);
  const { structure } = flatten<Tensor>(inits[0]);
  const stacked = lists[0]!.map((_, k) => stack(lists.map((list) => list[k]!)));
  const params = unflatten<Params>(structure, stacked);
  const together = valuesOf(vmap(run)(params, stack(images), stack(keys)));
  const alone = inits.flatMap((own, k) => valuesOf(run(own, images[k]!, keys[k]!)));
  assertNear(together, alone);
});
