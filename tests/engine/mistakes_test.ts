/**
 * What a caller without types does wrong: each is an error that says what was found and the way out, never a
 * number that means nothing.
 */
import { assertEquals, assertRejects } from "@std/assert";
import * as t from "../../mod.ts";
import { refusal } from "../../src/ir/refusal.ts";
import { type Mistake, tellMistakes, type Untyped } from "./mistakes.ts";

/** The package as JavaScript sees it. */
const js = t as unknown as Record<string, Untyped>;

const { hostArray, keyWords, openEngine, ones, randomKey } = t;
const pair = hostArray([1, 2]);
const square = (x: t.Tensor) => t.mul(x, x);

const loss = { inner: (p: t.Tensor) => t.sum(p), outer: (p: t.Tensor) => t.sum(p) };
const model = t.conv4({ ways: 3, channels: 4, imageSize: 16, imageChannels: 1 });
const started = model.init(randomKey(0));
const applied = (x: unknown, options: unknown = { training: true }) =>
  model.apply(started.params, started.state, x as t.Tensor, options as t.ApplyOptions);

const arrays: readonly Mistake[] = [
  ["text for numbers", () => js.hostArray!("cat"), "found the text 'cat'", "expected numbers"],
  ["texts for numbers", () => js.hostArray!(["1", "2"]), "the text '1' at position 0"],
  ["text labels", () => js.hostArray!(["cat"], [1], "i32"), "the text 'cat'", "whole number"],
  ["ragged rows", () => hostArray([[1, 2], [3]]), "shapes [2], [1]", "Fill up ragged rows"],
  ["rows beside numbers", () => hostArray([[1], 2]), "shapes [1], []"],
  ["holes", () => js.hostArray!([1, undefined]), "found undefined at position 1"],
  ["too few values", () => hostArray([1, 2, 3], [2, 2]), "found 3 values, expected 4"],
  ["a negative extent", () => hostArray([], [-1]), "f32[-1]", "whole numbers from 0"],
  ["an extent of NaN", () => t.zeros([NaN]), "[NaN]", "whole extents"],
  ["a number for a shape", () => js.zeros!(3), "the shape 3", "such as [3]"],
  [
    "a type for a shape",
    () => js.hostArray!([1], "i32"),
    "the text 'i32'",
    "(values, shape, dtype)",
  ],
  ["float32", () => js.hostArray!([1], [1], "float32"), "'float32'", "'f32' is meant"],
  ["int32", () => js.zeros!([1], "int32"), "'int32'", "'i32' is meant"],
  ["an unknown type", () => js.constant!([1], { dtype: "complex64" }), "'complex64'", "'bool'"],
  ["a label of 2^32", () => hostArray([2 ** 32], [1], "u32"), "expected a whole number"],
  ["a fraction as label", () => hostArray([0.5], [1], "i32"), "found 0.5 at position 0"],
];

const options: readonly Mistake[] = [
  ["axis for axes", () => js.sum!(ones([2, 3]), { axis: 0 }), "'axis'", "Did you mean 'axes'?"],
  ["axes for axis", () => js.concat!([ones([1])], { axes: 0 }), "Did you mean 'axis'?"],
  ["keepDims", () => js.mean!(ones([2]), { keepDims: true }), "Did you mean 'keepAxes'?"],
  ["an axis for options", () => js.sum!(ones([2, 3]), 0), "found 0 in the place of the options"],
  ["axes for options", () => js.max!(ones([2, 3]), [0]), "found an array of 1 in the place"],
  ["a tensor for options", () => js.sum!(ones([2]), ones([3])), "a tensor f32[3] in the place"],
  ["stddev", () => js.normal!(randomKey(0), [1], { stddev: 2 }), "Did you mean 'deviation'?"],
  ["way for ways", () => js.conv4!({ way: 5 }), "conv4()", "'way'", "Did you mean 'ways'?"],
  ["lr in adam", () => js.adam!({ lr: 0.1 }), "adam()", "'lr'", "'epsilon'"],
  ["no rate", () => js.sgd!().update!(ones([1]), {}, ones([1]), { lr: 1 }), "no learning rate"],
  ["lr in maml", () => js.maml!(loss, { innerSteps: 1, lr: 1 }), "maml()", "'innerRate'"],
  ["order in maml", () => js.maml!(loss, { innerSteps: 1, order: "first" }), "the option 'order'"],
  ["order in fomaml", () => js.fomaml!(loss, { order: "exact" }), "fomaml()", "the option 'order'"],
  ["a rate in metaSgd", () => js.metaSgd!(loss, { innerRate: 1 }), "metaSgd()", "'innerRate'"],
  ["adapt in anil", () => js.anil!(loss, { adapt: () => true }), "the option 'adapt'", "'head'"],
  [
    "no head in anil",
    () => js.anil!(loss, { innerSteps: 1 }),
    "undefined for 'head'",
    "startsWith",
  ],
  ["an order in reptile", () => js.reptile!(loss.inner, { order: "first" }), "the option 'order'"],
  ["lr in reptile", () => js.reptile!(loss.inner, { lr: 1 }), "Did you mean 'innerRate'?"],
  ["no rate in reptile", () => js.reptile!(loss.inner, { innerSteps: 1 }), "learns no rates"],
  ["argnums of jacrev", () => js.jacrev!(square, { argnums: 1 }), "Did you mean 'argument'?"],
  ["a position for jacfwd", () => js.jacfwd!(square, 1), "found 1 in the place of the options"],
  ["arguments of hessian", () => js.hessian!(square, { arguments: 0 }), "'argument'?"],
  ["an argument of hvp", () => js.hvp!(square, { argument: 1 }), "the first argument varies"],
  ["order in words", () => js.metaGradient!(loss, { innerSteps: 1, order: "second" }), "'exact'"],
  ["rates by parameter", () => js.initialRates!({}, { rate: 1, per: "param" }), "'tensor'"],
  ["no inputs", () => js.linear!({ outputs: 3 }), "found undefined for 'inputs'", "Add 'inputs'"],
  ["no outputs", () => t.linear({ inputs: 3, outputs: 0 }), "found 0 for 'outputs'", "from 1"],
  ["PyTorch's order", () => js.flattenLayer!({ order: "NCHW" }), "'channels-first'"],
  ["SAME", () => js.conv2d!(ones([1, 3, 3, 1]), ones([2, 2, 1, 1]), { padding: "SAME" }), "'same'"],
  ["axis of vmap", () => js.vmap!(square, { inAxes: 0 }), "vmap(fn, [0, null])"],
  ["an engine's option", () => js.openEngine!("reference", { precision: 64 }), "'float64'"],
  ["what opens tfjs", () => js.openEngine!("tfjs", { tfjs: { backend: "cpu" } }), "for 'tfjs'"],
  ["what is no device", () => js.openEngine!("webgpu", { device: 3 }), "for 'device'"],
  ["what ends it", () => js.openEngine!("reference", { signal: 3 }), "for 'signal'"],
  ["a flag as a text", () => js.openEngine!("reference", { float64: "yes" }), "true or false"],
  ["half of it", () => js.openEngine!("webgpu", { halfPrecision: 1 }), "for 'halfPrecision'"],
  ["a path", () => js.openEngine!("reference", { wasmPath: 3 }), "for 'wasmPath'"],
  ["who hears of leaks", () => js.openEngine!("reference", { onLeak: true }), "for 'onLeak'"],
];

const tensors: readonly Mistake[] = [
  ["a number for a tensor", () => js.relu!(3), "found 3, expected a tensor", "constant()"],
  ["a list for a tensor", () => js.matmul!([[1]], ones([1, 1])), "an array of 1", "constant()"],
  ["text beside a tensor", () => js.add!(ones([1]), "2"), "Cannot add", "the text '2'"],
  ["nothing beside a tensor", () => js.mul!(ones([1])), "found undefined", "argument missing"],
  ["a host array in an operation", () => js.add!(pair, 1), "host array f32[2]", "jit()"],
  ["arguments of concat", () => js.concat!(ones([1]), ones([1])), "expected an object of 'axis'"],
  [
    "shape before key",
    () => js.uniform!([3], randomKey(0)),
    "an array of 1",
    "order of the arguments",
  ],
  ["shape before tensor", () => js.reshape!([2], ones([2])), "Cannot reshape", "an array of 1"],
  ["a number as key", () => js.splitKey!(0, 2), "Cannot split a key", "found 0"],
  ["if of a tensor", () => +(ones([]) as unknown as number) > 0, "f32[]", "where()"],
  ["data of a tensor", () => js.ones!([1]).data!.length, "engine.read"],
  [
    "a gradient by integers",
    () => t.grad((x: t.Tensor) => t.sum(t.convert(x, "f32")))(t.range(2)),
    "i32[2]",
  ],
  ["a gradient of a tensor", () => t.grad(ones([2]) as never), "expected a function of tensors"],
  ["a value and gradient of a name", () => t.valueAndGrad("loss" as never), "loss", "a function"],
  [
    "an argument by name",
    () => t.grad(square, { argument: "w" as never }),
    "vary the arguments",
    "w",
    "whole numbers from 0",
  ],
  ["a gradient of a vector", () => t.grad(square)(ones([2])), "f32[2]", "a mean or a sum"],
  ["images of another size", () => applied(ones([1, 20, 20, 1])), "conv4()", "[n, 16, 16, 1]"],
  ["channels first", () => applied(ones([1, 1, 16, 16])), "f32[1, 1, 16, 16]", "transpose()"],
  ["an image without batch", () => applied(ones([16, 16, 1])), "f32[16, 16, 1]", "expandDims()"],
  ["train for training", () => applied(ones([1, 16, 16, 1]), { train: true }), "'training'?"],
  ["no training", () => applied(ones([1, 16, 16, 1]), {}), "found undefined for 'training'"],
];

const engines: readonly Mistake[] = [
  ["a list as argument", (e) => e.jit!(square)([1, 2]), "found 1 at 0.0", "hostArray("],
  ["a typed array as argument", (e) => e.jit!(square)(new Float32Array(1)), "a Float32Array"],
  ["no argument", (e) => e.jit!(square)(), "found undefined", "argument missing"],
  [
    "a tensor as argument",
    (e) => e.jit!(square)(randomKey(0)),
    "a tensor u32[2]",
    "keyWords(seed)",
  ],
  ["a promise as argument", (e) => e.jit!(square)(e.jit!(square)(pair)), "a promise", "Await it"],
  ["a promise read", (e) => e.read!(e.jit!(square)(pair)), "Cannot read", "a promise", "Await it"],
  ["a tensor read", (e) => e.read!(ones([1])), "a tensor f32[1]", "return it from there"],
  [
    "a read within a traced function",
    (e) =>
      e.jit!(function step(x: t.Tensor) {
        e.read!(x);
        return x;
      })(pair),
    "within the traced function 'step'",
    "read the result",
  ],
  ["a map read", (e) => e.read!(new Map()), "found a Map", "the top"],
  ["a promise released", (e) => e.release!(Promise.resolve()), "Cannot release", "Await it"],
  ["plain numbers put", (e) => e.put!({ shape: [1], dtype: "f32", data: [1] }), "an array of 1"],
  ["no numbers", (e) => e.jit!(square)({ shape: [1], dtype: "f32" }), "found no data"],
  ["no function", (e) => e.jit!(3), "Cannot compile 3"],
  ["an async function", (e) => e.jit!(async (x: t.Tensor) => await x)(pair), "cannot be async"],
  ["nothing returned", (e) => e.jit!(() => {})(pair), "is undefined", "Return what is to be read"],
  ["a number returned", (e) => e.jit!((x: t.Tensor) => ({ x, b: 3 }))(pair), "at b is 3"],
  [
    "a captured value",
    (e) => {
      const value = e.put!(pair);
      return e.jit!((x: t.Tensor) => js.add!(x, value))(pair);
    },
    "a value f32[2] of an engine",
    "give it to the function that jit() returned",
  ],
  [
    "a captured value alone",
    (e) => {
      const value = e.put!(pair);
      return e.jit!(() => js.exp!(value))(pair);
    },
    "Cannot apply 'exp'",
    "a value f32[2] of an engine",
  ],
  ["an unknown option", (e) => e.jit!(square, { donates: [0] }), "Did you mean 'donate'?"],
  ["a donated argument too far", (e) => e.jit!(square, { donate: [1] })(pair), "no argument 1"],
  ["a value after its release", (e) => {
    const value = e.put!(pair);
    e.release!(value);
    return e.jit!(square)(value);
  }, "released or donated"],
  ["data of a value", (e) => e.put!(pair).data!.length, "f32[2]", "await engine.read"],
  ["a value in a sum", (e) => `${1 + (e.put!(pair) as unknown as number)}`, "(await engine.read"],
  ["a value as JSON", (e) => JSON.stringify(e.put!(pair)), "as JSON", "Read it first"],
  ["a misspelt engine", () => js.openEngine!("wegbpu"), "'wegbpu'", "'reference'"],
  ["TensorFlow.js, not given", () => js.openEngine!("tfjs"), "no option 'tfjs'", "toolkit/tfjs'"],
  ["cuda", () => js.openEngine!("cuda"), "'cuda'", "That is 'webgpu' here"],
];

/** A meta-gradient of a line through the origin, with something changed. */
const learn = (options: object, { inner, meta }: { inner?: unknown; meta?: object } = {}) => {
  const fit = (w: t.Tensor, _: object, x: t.Tensor) => t.sum(t.mul(w, x));
  const problem = { inner: inner ?? fit, outer: fit };
  const all = { innerSteps: 1, innerRate: 0.1, optimizer: t.sgd(), ...options };
  const data = { support: ones([1, 2]), query: ones([1, 2]), constants: {} };
  const whole = { params: t.constant(1), shared: {}, rates: {}, ...meta };
  return js.maml!(problem, all)(whole, data, randomKey(0));
};

const learning: readonly Mistake[] = [
  ["a text of steps", () => learn({ innerSteps: "2" }), "the text '2' for 'innerSteps'"],
  ["half a step", () => learn({ innerSteps: 1.5 }), "found 1.5 inner steps"],
  ["a text for a rate", () => learn({ innerRate: "0.1" }), "the text '0.1' for 'innerRate'"],
  ["a rate that is none", () => learn({ innerRate: NaN }), "found NaN for 'innerRate'", "finite"],
  ["an optimizer not made", () => learn({ optimizer: t.sgd }), "the function sgd", "sgd() makes"],
  ["the name of one", () => learn({ optimizer: "sgd" }), "the text 'sgd' for 'optimizer'"],
  ["a loss that waits", () => learn({}, { inner: async () => await 1 }), "loss is a promise"],
  ["a loss of nothing", () => learn({}, { inner: () => {} }), "the inner loss is undefined"],
  ["no rates", () => learn({}, { meta: { rates: undefined } }), "no 'rates'", "Give {}"],
  [
    "a loss for a problem",
    () => js.maml!(square, { innerSteps: 1, innerRate: 0.1, optimizer: t.sgd() }),
    "maml()",
    "the function square for 'problem'",
    "'outer' (a function)",
  ],
  [
    "a problem without an outer loss",
    () => js.fomaml!({ inner: square }, { innerSteps: 1, innerRate: 0.1, optimizer: t.sgd() }),
    "fomaml()",
    "'outer' (a function)",
  ],
  ["axes as text", () => js.sum!(ones([2, 3]), { axes: "0" }), "the text '0' as the axes"],
  ["weights by name", () => js.fixedWeighting!({ a: 1 }), "an object of a for 'weights'"],
];

Deno.test("what the mistakes of learning begin from is none", () => {
  const { loss } = learn({}) as unknown as { loss: t.Tensor };
  assertEquals(loss.shape, []);
});

tellMistakes([...arrays, ...options, ...tensors, ...engines, ...learning]);

Deno.test("a value of another engine is refused, whichever the other is", async () => {
  using one = await openEngine("reference");
  using other = await openEngine("reference");
  const value = other.put(pair);
  const told = "belongs to another one ('reference')";
  await assertRejects(() => one.jit(square)(value), Error, told);
  await assertRejects(() => one.read(value), Error, told);
  assertEquals((await other.read(value)).data, pair.data);
});

Deno.test("a closed engine is used no more, and closing it again does no harm", async () => {
  const engine = await openEngine("reference");
  const squared = engine.jit(square);
  const value = await squared(pair);
  engine.close();
  engine.close();
  await assertRejects(
    () => squared(pair),
    Error,
    "Cannot call 'square': the engine 'reference' is closed",
  );
  await assertRejects(() => engine.read(value), Error, "Cannot read: the engine");
  engine.release(value);
});

Deno.test("hostArray() takes nested arrays, typed rows and one number", () => {
  assertEquals(hostArray([[1, 2], [3, 4]]), hostArray([1, 2, 3, 4], [2, 2]));
  assertEquals(js.hostArray!([Int32Array.of(1, 2)], undefined, "i32").shape, [1, 2] as unknown);
  assertEquals(hostArray([[[]], [[]]]).shape, [2, 1, 0]);
  assertEquals(hostArray(7), hostArray([7], []));
});

Deno.test("values and tensors have a text, and only looking for data is no error", async () => {
  using engine = await openEngine("reference");
  const value = engine.put(hostArray(keyWords(0), [2], "u32"));
  assertEquals([String(value), `${ones([1, 2])}`], ["u32[2]", "f32[1, 2]"]);
  assertEquals((value as unknown as { data: unknown }).data !== undefined, true);
  assertEquals(typeof refusal("no"), "object");
});
