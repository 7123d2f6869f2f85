/** Models of TensorFlow.js as layers: outputs, gradients and statistics beside TensorFlow.js itself. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { LayersModel, SymbolicTensor } from "@tensorflow/tfjs";
import { type Engine, type HostArray, hostArray } from "../../src/engine/mod.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { fromLayersModel, type ModelLayer, shareTf } from "../../src/interop/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { softmaxCrossEntropy } from "../../src/loss/mod.ts";
import { maml } from "../../src/meta/mod.ts";
import { type Layer, linear, type Params } from "../../src/nn/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import { keyWords } from "../../src/random/mod.ts";
import { add, mul, sum, tanh } from "../../src/tensor/mod.ts";
import { loadTfjs, tfOp, type TfTensor } from "../../src/tfjs/mod.ts";
import { grad } from "../../src/transform/mod.ts";
import { uniform } from "../cases/random.ts";
import { withoutWebgpu } from "../webgpu.ts";

const tf = await loadTfjs("cpu");
const { layers } = tf;

function random(shape: readonly number[], seed: number): HostArray {
  const next = uniform(seed);
  const size = shape.reduce((product, extent) => product * extent, 1);
  return hostArray(Array.from({ length: size }, () => 2 * next() - 1), shape);
}

/** Gives every weight another value than it starts with, variances above 0. */
function shuffle(model: LayersModel): LayersModel {
  model.setWeights(model.weights.map((weight, k) => {
    const { data } = random(weight.shape as number[], k + 50);
    const isVariance = weight.name.includes("variance");
    return tf.tensor(isVariance ? data.map((x) => 1 + x / 2) : data, weight.shape as number[]);
  }));
  return model;
}

const functional = (
  shape: [number, number, number],
  build: (x: SymbolicTensor) => SymbolicTensor,
): LayersModel => {
  const inputs = tf.input({ shape });
  return tf.model({ inputs, outputs: build(inputs) });
};

const models: Record<string, () => LayersModel> = {
  "a small network": () =>
    tf.sequential({
      layers: [
        layers.conv2d({
          filters: 4,
          kernelSize: 3,
          padding: "same",
          activation: "relu",
          inputShape: [8, 6, 2],
        }),
        layers.batchNormalization({}),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.conv2d({ filters: 3, kernelSize: [2, 3], strides: [2, 1], useBias: false }),
        layers.flatten(),
        layers.dense({ units: 5, activation: "tanh" }),
        layers.dropout({ rate: 0.5 }),
        layers.dense({ units: 3, activation: "softmax" }),
      ],
    }),
  "branches that meet": () =>
    functional([6, 6, 2], (x) => {
      const conv = (filters: number, strides = 1) =>
        layers.conv2d({ filters, kernelSize: 3, padding: "same", strides });
      const a = conv(4).apply(x) as SymbolicTensor;
      const b = layers.leakyReLU({ alpha: 0.2 }).apply(conv(4).apply(a)) as SymbolicTensor;
      const sum = layers.add().apply([a, b]);
      const both = layers.concatenate().apply([sum as SymbolicTensor, b]);
      const padded = layers.zeroPadding2d({ padding: [[1, 0], [0, 1]] }).apply(both);
      const small = layers.averagePooling2d({ poolSize: 3, padding: "valid" }).apply(padded);
      const wide = layers.activation({ activation: "elu" }).apply(small) as SymbolicTensor;
      const pools = [
        layers.globalAveragePooling2d({}).apply(wide),
        layers.globalMaxPooling2d({}).apply(wide),
      ] as SymbolicTensor[];
      const merged = [layers.multiply(), layers.average(), layers.maximum()].map((layer) =>
        layer.apply(pools) as SymbolicTensor
      );
      const last = layers.concatenate().apply(merged);
      return layers.reshape({ targetShape: [-1, 4] }).apply(last) as SymbolicTensor;
    }),
  "models inside of models": () => {
    const inner = tf.sequential({
      layers: [
        layers.conv2d({ filters: 3, kernelSize: 1, inputShape: [4, 4, 2], activation: "swish" }),
        layers.batchNormalization({}),
      ],
    });
    const block = functional([4, 4, 3], (x) =>
      layers.add().apply([
        x,
        layers.conv2d({ filters: 3, kernelSize: 3, padding: "same" }).apply(x) as SymbolicTensor,
      ]) as SymbolicTensor);
    return tf.sequential({
      layers: [
        inner,
        block,
        layers.reLU({ maxValue: 1 }),
        layers.flatten(),
        layers.dense({ units: 2 }),
      ],
    });
  },
};

const inputShape = (model: LayersModel): number[] => [
  3,
  ...(model.inputs[0]!.shape.slice(1) as number[]),
];

async function assertClose(
  engine: Engine,
  found: unknown,
  { expected, what, tolerance = 2e-5 }: { expected: TfTensor; what: string; tolerance?: number },
): Promise<void> {
  const { data, shape } = await engine.read(found) as HostArray;
  const want = expected.dataSync();
  assertEquals(shape, expected.shape, what);
  const largest = Math.max(...Array.from(want, Math.abs), 1e-3);
  want.forEach((x, k) =>
    assert(Math.abs(x - data[k]!) <= tolerance * largest, `${what}: ${data[k]}, expected ${x}`)
  );
}

const engines = withoutWebgpu ? ["reference"] as const : ["reference", "webgpu"] as const;

for (const [name, make] of Object.entries(models)) {
  Deno.test(`${name} computes as in TensorFlow.js, and so do the gradients`, async () => {
    const model = shuffle(make());
    const layer = await fromLayersModel(model);
    const shape = inputShape(model);
    assertEquals(flattenArrays(layer.params).length, model.trainableWeights.length);
    for (const choice of engines) {
      const engine = await openEngine(choice);
      const apply = engine.jit((params: Params, state: Params, x: Tensor) =>
        layer.apply(params, state, x, { training: false }).output
      );
      const loss = (params: Params, state: Params, x: Tensor): Tensor => {
        const { output } = layer.apply(params, state, x, { training: false });
        return sum(mul(output, tanh(output)));
      };
      const slopes = engine.jit((params: Params, state: Params, x: Tensor) => [
        grad(loss)(params, state, x),
        grad((t: Tensor) => loss(params, state, t))(x),
      ]);
      const weights = engine.put(layer.params) as never;
      const state = engine.put(layer.state) as never;
      for (let round = 0; round < 2; round++) {
        const x = random(shape, round);
        const expected = model.predict(tf.tensor(x.data as Float32Array, shape)) as TfTensor;
        await assertClose(engine, await apply(weights, state, x), { expected, what: choice });
        const inTf = (t: TfTensor): TfTensor => {
          const y = model.predict(t) as TfTensor;
          return tf.sum(tf.mul(y, tf.tanh(y)));
        };
        const [gradients, slope] = await slopes(weights, state, x) as never as [object, never];
        await assertClose(engine, slope, {
          expected: tf.grads(inTf)([tf.tensor(x.data as Float32Array, shape)])[0]!,
          what: `${choice}, gradient in the images`,
        });
        const { grads } = tf.variableGrads(
          () => inTf(tf.tensor(x.data as Float32Array, shape)) as never,
        );
        const found = flattenArrays(layer.params, gradients);
        const wanted = model.trainableWeights.map(({ name }) =>
          Object.entries(grads).find(([key]) => key === name)![1]
        );
        for (const [k, expected] of wanted.entries()) {
          await assertClose(engine, found[k], {
            expected,
            what: `${choice}, weight ${k}`,
            tolerance: 1e-4,
          });
        }
      }
      engine.close();
    }
  });
}

/** Arrays of a tree in the order of the names of another. */
function flattenArrays(names: object, tree: object = names): unknown[] {
  return Object.keys(names).flatMap((name) => {
    const [inner, found] = [names, tree].map((of) => (of as Record<string, object>)[name]!);
    return "dtype" in inner! ? [found!] : flattenArrays(inner!, found);
  });
}

Deno.test("batch normalization takes and remembers the batch's own statistics in training", async () => {
  const model = shuffle(tf.sequential({
    layers: [layers.batchNormalization({ inputShape: [5, 4, 3], momentum: 0.9 })],
  }));
  const layer = await fromLayersModel(model);
  const engine = await openEngine("reference");
  const x = random([4, 5, 4, 3], 1);
  const train = engine.jit((params: Params, state: Params, x: Tensor) =>
    layer.apply(params, state, x, { training: true })
  );
  const { output, state } = await train(
    engine.put(layer.params) as never,
    engine.put(layer.state) as never,
    x,
  ) as never as { output: unknown; state: Record<string, Record<string, unknown>> };
  const images = tf.tensor4d(x.data as Float32Array, [4, 5, 4, 3]);
  const before = model.weights.map((weight) => weight.read().clone());
  await assertClose(engine, output, {
    expected: model.apply(images, { training: true }) as TfTensor,
    what: "output",
    tolerance: 1e-4,
  });
  const { mean, variance } = tf.moments(images, [0, 1, 2]);
  const [own] = Object.values(state);
  const blend = (old: TfTensor, fresh: TfTensor): TfTensor =>
    tf.add(tf.mul(old, 0.9), tf.mul(fresh, 0.1));
  await assertClose(engine, own!["mean"], { expected: blend(before[2]!, mean), what: "mean" });
  // This library's running variance is the unbiased one, of 79 degrees of freedom.
  const unbiased = tf.mul(variance, 80 / 79);
  await assertClose(engine, own!["variance"], {
    expected: blend(before[3]!, unbiased),
    what: "variance",
  });
  engine.close();
});

Deno.test("batch normalization without scale or without centre, which TensorFlow.js cannot train", async () => {
  const engine = await openEngine("reference");
  for (const options of [{ scale: false }, { center: false }]) {
    const model = shuffle(tf.sequential({
      layers: [layers.batchNormalization({ inputShape: [4, 3], ...options })],
    }));
    const layer = await fromLayersModel(model);
    const x = random([2, 4, 3], 1);
    const apply = engine.jit((params: Params, state: Params, x: Tensor) =>
      layer.apply(params, state, x, { training: false }).output
    );
    const [params, state] = [engine.put(layer.params), engine.put(layer.state)] as never[];
    await assertClose(engine, await apply(params!, state!, x), {
      expected: model.predict(tf.tensor(x.data as Float32Array, [2, 4, 3])) as TfTensor,
      what: JSON.stringify(options),
    });
  }
  engine.close();
});

/** Meta-gradient of a head, and of the body where it is given as parameters. */
async function metaGradients(
  engine: Engine,
  body: { readonly features?: (x: Tensor) => Tensor; readonly layer?: ModelLayer },
): Promise<HostArray[]> {
  const head: Layer = linear({ inputs: 6, outputs: 2 });
  type Batch = { images: Tensor; labels: Tensor };
  type Shared = { body: Params };
  const loss = (params: Params, { body: weights }: Shared, { images, labels }: Batch): Tensor => {
    const features = body.features?.(images) ??
      body.layer!.apply(weights, {}, images, { training: true }).output;
    const { output } = head.apply(params, {}, features, { training: true });
    return softmaxCrossEntropy(add(output, 0), labels);
  };
  const metaGradient = maml<Params, Shared, Record<string, never>, Batch, Batch, unknown>(
    { inner: loss, outer: loss },
    { innerSteps: 2, innerRate: 0.1, optimizer: sgd() },
  );
  const step = engine.jit((weights: Params, batch: Batch, key: Tensor) => {
    const params = head.init(key).params;
    const task = { support: batch, query: batch, constants: {} };
    const { loss, grads } = metaGradient(
      { params, shared: { body: weights }, rates: {} },
      task as never,
      key,
    );
    return [
      loss,
      ...flattenArrays(grads.params) as Tensor[],
      ...flattenArrays(grads.shared) as Tensor[],
    ];
  });
  const images = random([2, 4, 8, 8, 1], 3);
  const labels = hostArray([0, 1, 0, 1, 0, 1, 0, 1], [2, 4], "i32");
  const weights = engine.put(body.layer?.params ?? {}) as never;
  const key = hostArray(keyWords(0), [2], "u32");
  let results: HostArray[] = [];
  for (let round = 0; round < 2; round++) {
    results = await engine.read(
      await step(weights, { images, labels } as never, key),
    ) as HostArray[];
  }
  return results;
}

const extractor = (): LayersModel =>
  shuffle(tf.sequential({
    layers: [
      layers.conv2d({
        filters: 4,
        kernelSize: 3,
        padding: "same",
        activation: "tanh",
        inputShape: [8, 8, 1],
      }),
      layers.averagePooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 6, activation: "tanh" }),
    ],
  }));

Deno.test({
  name: "a model as a frozen extractor and as a trainable start gives the same meta-gradients",
  ignore: withoutWebgpu,
  fn: async () => {
    const reference = await openEngine("reference");
    const model = extractor();
    const layer = await fromLayersModel(model);
    const exact = await metaGradients(reference, { layer });
    const same = (found: HostArray[], what: string): void =>
      found.forEach(({ data }, k) => {
        const want = exact[k]!.data;
        const largest = Math.max(...Array.from(want, Math.abs), 1e-3);
        data.forEach((x: number, at: number) =>
          assert(Math.abs(x - want[at]!) <= 1e-4 * largest, `${what}, result ${k}: ${x}`)
        );
      });
    const wasm = await openEngine("tfjs");
    const engine = await openEngine("webgpu");
    same(await metaGradients(wasm, { layer }), "wasm, trainable");
    same(await metaGradients(engine, { layer }), "webgpu, trainable");
    // Only the head's gradients are there: the features are fixed.
    await shareTf(reference);
    const features = tfOp((x) => model.predict(x!) as TfTensor, { name: "features", tf });
    const frozen = await metaGradients(reference, { features });
    assertEquals(frozen.length, 3);
    same(frozen, "reference, frozen");
    await shareTf(wasm);
    same(await metaGradients(wasm, { features }), "wasm, frozen");
    await shareTf(engine);
    same(await metaGradients(engine, { features }), "webgpu, frozen");
    for (const open of [reference, wasm, engine]) open.close();
    tf.removeBackend("webgpu");
  },
});

Deno.test("layers that this library lacks are named, with the way out", async () => {
  await tf.setBackend("cpu");
  const refused = async (model: LayersModel): Promise<string> =>
    ((await assertRejects(() => fromLayersModel(model), TypeError)) as Error).message;
  const cases: [unknown[], RegExp][] = [
    [
      [layers.lstm({ units: 2, inputShape: [3, 2] })],
      /it is a LSTM, expected one of Conv2D, .*tfOp/,
    ],
    [
      [layers.conv2d({ filters: 2, kernelSize: 3, dilationRate: 2, inputShape: [9, 9, 1] })],
      /a Conv2D: its dilationRate is \[2,2\]\. Use the model as a function .* tfOp\(/,
    ],
    [
      [layers.maxPooling2d({ poolSize: 3, strides: 2, inputShape: [9, 9, 1] })],
      /its windows are \[3,3\] in steps of \[2,2\], expected squares side by side/,
    ],
    [[layers.dense({ units: 2, activation: "selu", inputShape: [3] })], /its activation is 'selu'/],
  ];
  for (const [parts, expected] of cases) {
    const message = await refused(tf.sequential({ layers: parts as never[] }));
    assert(expected.test(message), message);
  }
  const shared = layers.dense({ units: 3 });
  const inputs = tf.input({ shape: [3] });
  const twice = shared.apply(shared.apply(inputs)) as SymbolicTensor;
  assert(/uses it 2 times/.test(await refused(tf.model({ inputs, outputs: twice }))));
  const two = tf.model({ inputs, outputs: [twice, inputs] });
  assert(/1 inputs and 2 outputs/.test(await refused(two)));
});
