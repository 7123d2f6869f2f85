/** Parameters have the types that `init` gives them, and interfaces are as good as any other type. */
import { assertEquals } from "@std/assert";
import {
  adam,
  anil,
  classifierHead,
  clipByGlobalNorm,
  conv2dLayer,
  conv4,
  dropout,
  encoder,
  flattenLayer,
  fomaml,
  grad,
  hostArray,
  hvp,
  initialRates,
  keyWords,
  type Layer,
  linear,
  maml,
  mapTree,
  meanSquaredError,
  metaSgd,
  mul,
  openEngine,
  type Params,
  randomKey,
  reluLayer,
  reptile,
  sequential,
  sgd,
  splitKey,
  sum,
  type Tensor,
  valueAndGrad,
  valuesOf,
  zeros,
} from "../../mod.ts";
import { trainingState } from "../../src/train/mod.ts";

/** Compiles only where both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : never;

function same<A, B>(_: Same<A, B>): void {}

Deno.test("params of a model are typed from init", () => {
  const model = conv4({ ways: 5, channels: 2, imageSize: 16, imageChannels: 1 });
  const { params, state } = model.init(randomKey(0));
  const weight: Tensor = params.block1.conv.weight;
  assertEquals(weight.shape, [3, 3, 1, 2]);
  assertEquals(params.output.bias.shape, [5]);
  // @ts-expect-error: the convolutions of Conv4 have no bias.
  assertEquals(params.block1.conv.bias, undefined);
  // @ts-expect-error: a misspelt name.
  assertEquals(params.block1.cnov, undefined);
  // It still takes parameters of which less is known.
  const untyped: Params = params;
  const { output } = model.apply(untyped, state, zeros([2, 16, 16, 1]), { training: true });
  assertEquals(output.shape, [2, 5]);
});

Deno.test("params of a sequence are those of its layers, by name", () => {
  const model = sequential({
    conv: conv2dLayer({ inputs: 1, outputs: 2, bias: false }),
    relu: reluLayer(),
    drop: dropout({ rate: 0.1 }),
    flatten: flattenLayer(),
    inner: sequential({ hidden: linear({ inputs: 8, outputs: 3 }) }),
    head: classifierHead({ inputs: 3, classes: 2, hidden: 4 }),
  });
  const { params } = model.init(randomKey(0));
  same<keyof typeof params, "conv" | "inner" | "head">(true);
  same<keyof typeof params.conv, "weight">(true);
  same<keyof typeof params.inner.hidden, "weight" | "bias">(true);
  same<keyof typeof params.head, "hidden" | "norm" | "output">(true);
  assertEquals(Object.keys(params), ["conv", "inner", "head"]);
  assertEquals(params.head.norm.gamma.shape, [4]);
  const stages = encoder({ widths: [2], embedding: 3, imageSize: 8 }).init(randomKey(0)).params;
  assertEquals(stages.stage1?.conv1.weight.shape, [3, 3, 3, 2]);
  assertEquals(stages.embedding.bias.shape, [3]);
});

interface Line {
  readonly slope: Tensor;
  readonly offset: Tensor;
}

interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
}

interface Rates {
  readonly all: Tensor;
}

/** A layer of one's own, with an interface for its parameters. */
const line: Layer<Line> = {
  init: (key) => ({ params: { slope: initial(key), offset: initial(key) }, state: {} }),
  apply: ({ slope, offset }: Line, state, x) => ({ output: mul(mul(x, slope), offset), state }),
};

const initial = (key: Tensor): Tensor => linear({ inputs: 1, outputs: 1 }).init(key).params.bias;
const loss = (params: Line, _: object, { x, y }: Batch): Tensor =>
  meanSquaredError(line.apply(params, {}, x, { training: true }).output, y);

Deno.test("interfaces are accepted as parameters, everywhere", async () => {
  const optimizer = adam();
  const meta = maml({ inner: loss, outer: loss }, { innerSteps: 1, optimizer: sgd() });
  const both = sequential({ line, scale: linear({ inputs: 1, outputs: 1 }) });
  same<ReturnType<typeof both.init>["params"]["line"], Line>(true);
  using engine = await openEngine("reference");
  const start = engine.jit((key: Tensor) => trainingState(line.init(key), optimizer));
  const step = engine.jit((state: { params: Line; rates: Rates }, batch: Batch, key: Tensor) => {
    const data = { support: batch, query: batch, constants: {} };
    const { grads, adapted } = meta({ ...state, shared: {} }, data, key);
    same<typeof grads.params, Line>(true);
    same<typeof grads.rates, Rates>(true);
    same<typeof adapted, Line>(true);
    const clipped = clipByGlobalNorm(grads.params, { maxNorm: 1 });
    same<typeof clipped, Line>(true);
    const rate = { slope: state.rates.all, offset: state.rates.all };
    const { params } = optimizer.update(grads.params, optimizer.init(state.params), state.params, {
      rate,
    });
    return { ...state, params };
  });
  const { params } = await start(hostArray(keyWords(0), [2], "u32"));
  let state = { params, rates: { all: hostArray(0.1) } } as Parameters<typeof step>[0];
  const batch = { x: hostArray([[[1], [2]]]), y: hostArray([[[2], [4]]]) };
  for (let k = 0; k < 2; k++) state = await step(state, batch, hostArray(keyWords(1), [2], "u32"));
  const host = await engine.read(state.params);
  assertEquals(host.slope.data.length, 1);
});

Deno.test("transforms of functions of interfaces return interfaces", () => {
  const point: Line = { slope: zeros([1]), offset: zeros([1]) };
  const f = ({ slope, offset }: Line): Tensor => sum(mul(slope, offset));
  const gradient = grad(f)(point);
  same<typeof gradient, Line>(true);
  const { grad: again } = valueAndGrad(f)(point);
  same<typeof again, Line>(true);
  const curved = hvp(f)(point, point);
  same<typeof curved, Line>(true);
  const doubled = mapTree<Line>((x: Tensor) => mul(x, 2), point);
  assertEquals([gradient, again, curved, doubled].map(({ slope }) => valuesOf(slope)), [
    [0],
    [0],
    [0],
    [0],
  ]);
});

Deno.test("every meta algorithm infers its types from the call", () => {
  const problem = { inner: loss, outer: loss };
  const point: Line = { slope: zeros([1]), offset: zeros([1]) };
  const rates: Rates = { all: zeros([]) };
  const batch: Batch = { x: zeros([1, 2, 1]), y: zeros([1, 2, 1]) };
  const data = { support: batch, query: batch, constants: {} };
  const key = randomKey(0);
  const options = { innerSteps: 1, optimizer: sgd() };
  for (const made of [maml(problem, options), fomaml(problem, options)]) {
    const { grads } = made({ params: point, shared: {}, rates }, data, key);
    same<typeof grads.params, Line>(true);
    same<typeof grads.rates, Rates>(true);
  }
  const part = anil(problem, { ...options, head: (path) => path === "slope" });
  const { grads } = part({ params: point, shared: {}, rates }, data, key);
  same<typeof grads.params, Line>(true);
  same<typeof grads.rates, Rates>(true);
  const each = metaSgd(problem, { innerSteps: 1 });
  const learned = each(
    { params: point, shared: {}, rates: initialRates(point, { rate: 0.1, per: "element" }) },
    data,
    key,
  ).grads;
  same<typeof learned.params, Line>(true);
  const moved = reptile(loss, { ...options, innerRate: 0.1 })(
    { params: point, shared: {} },
    { support: batch, constants: {} },
    key,
  ).grads;
  same<typeof moved.params, Line>(true);
  assertEquals(grads.rates.all.shape, []);
  assertEquals(splitKey(key, 2).length, 2);
});
