/** A training loop needs no type arguments: what a meta-gradient returns has the types of what it was given. */
import { assert } from "@std/assert";
import {
  hostArray,
  keyWords,
  linear,
  maml,
  meanSquaredError,
  moml,
  openEngine,
  sgd,
  splitKey,
  type Tensor,
  type WeightAndBias,
} from "../../mod.ts";

interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
}

const layer = linear({ inputs: 1, outputs: 1 });
const loss = (params: WeightAndBias, _: { readonly offset: Tensor }, { x, y }: Batch): Tensor =>
  meanSquaredError(layer.apply(params, {}, x, { training: true }).output, y);

Deno.test("maml() in a loop keeps the types of parameters, shared tensors and rates", async () => {
  const meta = maml({ inner: loss, outer: loss }, { innerSteps: 1, optimizer: sgd() });
  const optimizer = sgd();
  using engine = await openEngine("reference");
  const init = engine.jit((key: Tensor, rate: Tensor) => {
    const [own] = splitKey(key, 2);
    return { params: layer.init(own).params, shared: { offset: rate }, rates: { all: rate } };
  });
  const step = engine.jit((state: ReturnType<typeof stateOf>, batch: Batch, key: Tensor) => {
    const data = { support: batch, query: batch, constants: {} };
    const { grads, loss } = meta(state, data, key);
    const learned: Tensor = grads.rates.all;
    const { params } = optimizer.update(grads, {}, state, { rate: 1e-4 });
    return { state: params, loss, learned };
  });
  const key = hostArray(keyWords(0), [2], "u32");
  const batch = { x: hostArray([[[1], [2]]]), y: hostArray([[[2], [4]]]) };
  let state = await init(key, hostArray(0.01));
  const losses: number[] = [];
  for (let k = 0; k < 5; k++) {
    const result = await step(state, batch, key);
    state = result.state;
    losses.push((await engine.read(result.loss)).data[0]!);
  }
  assert(losses.at(-1)! < losses[0]!, `${losses}`);
});

Deno.test("moml() keeps the types of rates, too", () => {
  const meta = moml({ inner: loss, outers: { loss } }, { innerSteps: 1, optimizer: sgd() });
  const rate = (given: Parameters<typeof stateOf>[0]): Tensor =>
    meta(stateOf(given), given.data, given.key, {}).grads.rates.all;
  assert(typeof rate === "function");
});

/** The state of the loop above, for its type. */
function stateOf({ params, rate }: {
  readonly params: WeightAndBias;
  readonly rate: Tensor;
  readonly key: Tensor;
  readonly data: { readonly support: Batch; readonly query: Batch; readonly constants: object };
}): {
  readonly params: WeightAndBias;
  readonly shared: { readonly offset: Tensor };
  readonly rates: { readonly all: Tensor };
} {
  return { params, shared: { offset: rate }, rates: { all: rate } };
}
