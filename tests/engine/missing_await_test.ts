/**
 * What a caller without types passes on where an `await` is missing: whatever takes it says that it found a promise,
 * and that it is to be awaited. Of what JavaScript reads from a promise itself, `undefined`, the next call tells.
 */
import * as t from "../../mod.ts";
import { type Mistake, tellMistakes, type Untyped } from "./mistakes.ts";

const js = t as unknown as Record<string, Untyped>;
const { hostArray, ones } = t;
const key = t.randomKey(0);
const x = ones([2, 2]);
const pair = hostArray([1, 2]);
const square = (x: t.Tensor) => t.mul(x, x);
/** Never settled: nobody would look at one that is rejected. */
const promise = new Promise(() => {}) as never;

const dense = t.linear({ inputs: 2, outputs: 2 });
const whole = t.sequential({ dense });
const { params } = dense.init(key);
const apply = (layer: object, ...args: unknown[]) =>
  (layer as Record<string, Untyped>).apply!(...args);

const adam = t.adam() as unknown as Record<string, Untyped>;
const rate = t.constant(0.1);

const sum = (w: t.Tensor, _: object, x: t.Tensor) => t.sum(t.mul(w, x));
const learn = t.maml({ inner: sum, outer: sum }, {
  ...{ innerSteps: 1, innerRate: 0.1, optimizer: t.sgd() },
}) as unknown as Untyped;
const meta = { params: t.constant(1), shared: {}, rates: {} };
const data = { support: ones([1, 2]), query: ones([1, 2]), constants: {} };

const rows: readonly Mistake[] = [
  ["a tree to put", (e) => e.put!({ a: promise }), "at a"],
  ["an argument in an object", (e) => e.jit!(square)({ a: promise }), "at 0.a"],
  ["an argument to prepare", (e) => e.jit!(square).prepare!(promise), "at 0"],
  ["a function to compile", (e) => e.jit!(promise), "Cannot compile"],
  ["values that end with a block", (e) => js.scoped!(e, promise), "scoped()"],
  ["a name of an engine", () => js.openEngine!(promise), "openEngine()"],
  ["numbers", () => js.hostArray!(promise), "hostArray()"],
  ["a number in an array", () => js.hostArray!([promise]), "at position 0"],
  ["a number in a constant", () => js.constant!([promise]), "at position 0"],
  ["a shape", () => js.hostArray!([1], promise), "argument 2"],
  ["a seed", () => js.randomKey!(promise), "randomKey()"],
  ["a tensor in a list", () => js.concat!([promise]), "expected a tensor"],
  ["a type", () => js.convert!(x, promise), "convert()", "argument 2"],
  ["axes", () => js.sum!(x, { axes: promise }), "as the axes"],
  ["what varies", () => t.grad(t.sum)(promise), "take a gradient"],
  ["what varies of a vjp", () => t.vjp(t.sum, [promise]), "expected a tensor"],
  ["a tangent", () => t.jvp(t.sum, [x], [promise]), "tangent at 0"],
  ["a direction", () => t.hvp(t.sum)(x, promise), "tangent at 0"],
  ["a batch to map", () => t.vmap(t.relu)(promise), "vectorize over argument 0"],
  ["an argument to checkpoint", () => t.checkpoint(t.relu)(promise), "checkpointed function"],
  ["a function to checkpoint", () => js.checkpoint!(promise), "checkpoint()"],
  ["a shape to trace", () => js.trace!(square, [promise]), "an argument holds"],
  ["a tree", () => t.mapTree(t.relu, { a: promise }), "relu()"],
  ["parameters", () => apply(dense, promise, {}, x, { training: true }), "as argument 1. Await it"],
  ...[
    ["linear", t.linear({ inputs: 2, outputs: 2 }), [2, 2]],
    ["convolution", t.conv2dLayer({ inputs: 2, outputs: 2, kernel: 1 }), [1, 2, 2, 2]],
    ["group norm", t.groupNorm({ features: 2 }), [2, 2]],
    ["layer norm", t.layerNorm({ features: 2 }), [2, 2]],
    ["batch norm", t.batchNorm({ features: 2, statistics: "batch" }), [2, 2]],
    ["attention", t.selfAttention({ features: 2, heads: 1 }), [1, 2, 2]],
    ["stateless", t.statelessLayer(t.relu), [2, 2]],
    ["residual", t.residual(t.linear({ inputs: 2, outputs: 2 })), [2, 2]],
  ].map(([name, layer, shape]): Mistake => [
    `the state of a layer: ${name}`,
    () => {
      const { params } = (layer as t.Layer).init(key);
      return apply(layer as t.Layer, params, promise, ones(shape as number[]), { training: true });
    },
    "apply()",
    "argument 2",
  ]),
  ["parameters of layers", () => apply(whole, promise, {}, x, { training: true }), "apply()"],
  ["a batch for layers", () => apply(whole, { dense: params }, {}, promise, {}), "argument 3"],
  ["a key for parameters", () => (dense.init as unknown as Untyped)(promise), "splitKey()"],
  ["options of a layer", () => js.linear!({ inputs: promise, outputs: 1 }), "for 'inputs'"],
  ["layers", () => js.sequential!(promise), "sequential()"],
  [
    "gradients",
    () => adam.update!(promise, adam.init!(params), params, { rate }),
    "update()",
    "argument 1",
  ],
  ["a peak of rates", () => js.cosineSchedule!({ peak: promise, steps: 3 }), "the peak"],
  ["meta-parameters", () => learn(promise, data, key), "'params' among the meta-parameters"],
  ["parameters to learn", () => learn({ ...meta, params: promise }, data, key), "'params'"],
  ["data of tasks", () => learn(meta, promise, key), "'support' among the data"],
  ["a support", () => learn(meta, { ...data, support: promise }, key), "'support'"],
  ["a profile", () => js.formatProfile!(promise), "formatProfile()"],
  ["an engine to profile", () => js.profile!(promise, square, [pair]), "profile()"],
  ["boxes", () => js.boxOverlap!(promise, promise), "boxOverlap()"],
  ["images", () => js.imageDataset!({ images: promise, labels: [0] }), "for 'images'"],
];

/** What JavaScript finds in a promise where members of its result are meant. */
const undefineds: readonly Mistake[] = [
  [
    "data of a read",
    async (e) => await e.put!({ shape: [1], dtype: "f32", data: e.read!(pair).data }),
    "no data",
  ],
  ["numbers of a read", (e) => js.hostArray!(e.read!(pair).data), "found undefined"],
  ["a member of a result", (e) => e.jit!(square)(e.jit!(square)(pair).loss), "found undefined"],
  ["a member to read", (e) => e.read!({ loss: e.jit!(square)(pair).loss }), "undefined at loss"],
  ["a member to release", (e) => e.release!(e.jit!(square)(pair).loss), "found undefined"],
  ["a member in an operation", (e) => js.relu!(e.jit!(square)(pair).output), "found undefined"],
];

const surplus: readonly Mistake[] = [
  ["two trees to read", (e) => e.read!(pair, pair), "read()", "beyond its 1 argument"],
  ["two trees to release", (e) => e.release!(e.put!(pair), e.put!(pair)), "release()", "beyond"],
  ["a shape to put", (e) => e.put!(pair, [2]), "put()", "an array of 1 beyond"],
  ["shapes in a row", () => js.trace!(square, [pair], [pair]), "trace()", "beyond its 2"],
  ["a fourth argument of hostArray()", () => js.hostArray!([1], [1], "f32", 1), "beyond its 3"],
  ["a tree before its function", () => js.mapTree!({ a: x }, square), "a function first"],
];

tellMistakes([
  ...rows.map(([what, run, ...told]): Mistake => [
    ...[`no await: ${what}`, run, "a promise (not awaited)"] as const,
    ...told,
  ]),
  ...undefineds.map(([what, run, ...told]): Mistake => [`no await: ${what}`, run, ...told]),
  ...surplus,
]);
