/** What a caller without types does wrong with fit(): each is told as a fault of the function that made it. */
import { assertEquals } from "@std/assert";
import * as t from "../../mod.ts";
import { fit, trainingState } from "../../src/train/mod.ts";
import { type Mistake, tellMistakes, type Untyped } from "../engine/mistakes.ts";

const { hostArray, ones } = t;
const x = hostArray([[0, 1], [1, 0], [1, 1]]);
const y = hostArray([[1], [2], [3]]);
const model = t.linear({ inputs: 2, outputs: 1 });
const adam = t.adam();

interface Parts {
  readonly params: t.WeightAndBias;
  readonly state: t.Params;
  readonly optimizer: t.OptimizerState;
}
type Batch = { readonly x: t.Tensor; readonly y: t.Tensor };
type Given = { readonly rate: t.Tensor; readonly step: t.Tensor };
type Update = (grads: t.WeightAndBias, parts: Parts, rate: t.Tensor) => unknown;

const rightly: Update = (grads, { optimizer, params }, rate) =>
  adam.update(grads, optimizer, params, { rate });

/** A right step, but for how it updates. */
const step = (update: Update = rightly) => (parts: Parts, batch: Batch, { rate }: Given) => {
  const { value, grad } = t.valueAndGrad((params: t.WeightAndBias) => {
    const { output } = model.apply(params, parts.state, batch.x, { training: true });
    return t.meanSquaredError(output, batch.y);
  })(parts.params);
  const updated = update(grad, parts, rate) as t.Updated<t.WeightAndBias>;
  return {
    training: { ...parts, params: updated.params, optimizer: updated.state },
    metrics: { loss: value },
  };
};

const right = {
  init: (key: t.Tensor) => trainingState(model.init(key), adam),
  batch: (): object => ({ x, y }),
  step: step(),
  steps: 3,
  rate: 0.1,
  progress: null,
};
type Step = ReturnType<typeof right.step>;

const js = fit as unknown as Untyped;

/** A call of fit() with something changed. */
const fits = (change: object) => (engine: unknown) => js(engine, { ...right, ...change });
/** One whose step returns something else. */
const returns = (change: (result: Step, parts: Parts, batch: Batch, given: Given) => unknown) =>
  fits({
    step: (parts: Parts, batch: Batch, given: Given) =>
      change(right.step(parts, batch, given), parts, batch, given),
  });
const feeds = (batch: unknown) => fits({ batch: () => batch });
const updates = (update: Update) => fits({ step: step(update) });
const finds = (figures: unknown) => fits({ evaluate: () => figures });

const calls: readonly Mistake[] = [
  ["an engine not awaited", () => js(t.openEngine("reference"), right), "a promise", "Await it"],
  ["no options", (engine) => js(engine), "found undefined in the place of the options"],
  ["options before the engine", (engine) => js(right, engine), "for 'engine'", "openEngine()"],
  ["steps as text", fits({ steps: "10" }), "the text '10' for 'steps'"],
  ["no rate", fits({ rate: undefined }), "undefined for 'rate'", "cosineSchedule()"],
  ["a schedule not made", fits({ rate: t.cosineSchedule }), "cosineSchedule()", "'peak'"],
  ["a schedule of nothing", fits({ rate: () => {} }), "undefined as the rate of step 0"],
  [
    "a schedule that waits",
    fits({ rate: async () => await 1 }),
    "a promise (not awaited) as the rate",
  ],
  ["lr", fits({ lr: 0.1 }), "the option 'lr'", "Did you mean 'rate'?"],
  ["epochs", fits({ epochs: 3 }), "the option 'epochs'", "'steps'"],
  ["an optimizer for fit()", fits({ optimizer: adam }), "the option 'optimizer'", "'step'"],
  ["a key as seed", fits({ seed: t.keyWords(0) }), "a Uint32Array for 'seed'"],
  ["a name with a slash", fits({ name: "my/model" }), "'my/model' for 'name'", "letters, digits"],
  ["a name with a space", fits({ name: "my model" }), "'my model' for 'name'", "letters, digits"],
  ["progress as a flag", fits({ progress: true }), "found true for 'progress'", "null"],
  ["a controller as signal", fits({ signal: new AbortController() }), "an AbortSignal"],
  ["a URL as folder", fits({ folder: new URL("file:///tmp/x") }), "a URL for 'folder'"],
  ["a file as folder", fits({ folder: import.meta.filename }), "Cannot train in", "another folder"],
  ["a closed engine", (engine) => {
    engine.close!();
    return js(engine, right);
  }, "is closed"],
];

const starts: readonly Mistake[] = [
  ["a layer as start", fits({ init: () => model }), "at apply is the function apply"],
  ["no start", fits({ init: () => {} }), "its result is undefined"],
  ["a start that waits", fits({ init: async () => await 1 }), "cannot be async"],
  ["host arrays as start", fits({ init: () => ({ w: x }) }), "at w.data is a Float32Array"],
  ["parameters alone", fits({ init: () => model.init(t.randomKey(0)) }), "as the state", "init"],
  [
    "an optimizer not made",
    fits({ init: () => trainingState(model.init(t.randomKey(0)), t.adam as never) }),
    "the function adam",
  ],
];

const batches: readonly Mistake[] = [
  ["a batch as object", fits({ batch: { x, y } }), "for 'batch', expected a function"],
  ["a batch of nothing", feeds(undefined), "the batch of step 0", "found undefined"],
  [
    "a promise in a batch",
    feeds({ x: Promise.resolve(x), y }),
    "a promise (not awaited) at x",
    "Await it",
  ],
  ["tensors in a batch", feeds({ x: ones([3, 2]), y }), "a tensor f32[3, 2] at x"],
  ["lists in a batch", feeds({ x: [[1, 2]], y: [[1]] }), "found 1 at x.0.0", "hostArray("],
  ["a typed array in a batch", feeds({ x: new Float32Array(6), y }), "a Float32Array at x"],
  ["an empty batch", feeds({ x: hostArray([], [0, 2]), y }), "f32[0, 2]", "one example"],
  ["other names in a batch", feeds({ images: x, labels: y }), "found undefined", "misspelt"],
  ["examples across", feeds({ x: hostArray([[0, 1, 1], [1, 0, 1]]), y }), "f32[2, 3]", "[..., 2]"],
  ["targets without their axis", feeds({ x, y: hostArray([1, 2, 3]) }), "f32[3, 1] and f32[3]"],
  ["one target for all", feeds({ x, y: hostArray([[1]]) }), "f32[3, 1] and f32[1, 1]", "one shape"],
  ["labels as texts", () => hostArray(["1"] as never), "the text '1'", "expected"],
  [
    "a data set as constants",
    fits({ constants: t.syntheticImages({ seed: 0, trainCount: 10, testCount: 10 }).train }),
    "at channels",
    "hostArray(",
  ],
];

const steps: readonly Mistake[] = [
  ["a step that waits", returns(async (result) => await result), "cannot be async"],
  ["a step of nothing", returns(() => {}), "its step returned undefined", "{ training, metrics }"],
  [
    "a step of its training",
    returns(({ training }) => training),
    "an object of",
    "{ training, metrics }",
  ],
  ["a step without metrics", returns(({ training }) => ({ training })), "{ training, metrics }"],
  [
    "a loss beside the training",
    returns(({ training, metrics }) => ({ training, ...metrics })),
    "an object of training, loss",
  ],
  [
    "a number as metric",
    returns((result) => ({ ...result, metrics: { loss: 3 } })),
    "returned 3 as the metric 'loss'",
  ],
  [
    "a vector as metric",
    returns((result, _, batch) => ({ ...result, metrics: { loss: batch.x } })),
    "f32[3, 2] as the metric 'loss'",
    "mean()",
  ],
  [
    "a tensor as metrics",
    returns((result) => ({ ...result, metrics: result.metrics.loss })),
    "as metrics",
    "{ loss }",
  ],
  [
    "training that lost a part",
    returns((result) => ({ ...result, training: { params: result.training.params, state: {} } })),
    "has no 'optimizer.first.bias'",
  ],
  [
    "training that won a part",
    returns((result) => ({ ...result, training: { ...result.training, more: ones([]) } })),
    "has 'more'",
    "only what init made",
  ],
  [
    "training of another shape",
    returns((result) => ({
      ...result,
      training: { ...result.training, params: { weight: ones([3, 1]), bias: ones([1]) } },
    })),
    "f32[3, 1] at 'params.weight'",
    "expected f32[2, 1]",
  ],
  [
    "training of another type",
    returns((result) => ({
      ...result,
      training: {
        ...result.training,
        params: { ...result.training.params, bias: t.zeros([1], "i32") },
      },
    })),
    "i32[1] at 'params.bias'",
  ],
  [
    "an if of the step",
    returns((result, _, __, { step }) => +(step as unknown as number) > 3 ? result : result),
    "where() in place of if",
  ],
  [
    "a read within the step",
    (engine) => returns(({ metrics }) => engine.read!(metrics.loss))(engine),
    "within the traced function 'fitStep'",
  ],
  [
    "memory after parameters",
    updates((grads, parts, rate) =>
      adam.update(grads, parts.params as never, parts.optimizer as never, { rate })
    ),
    "as the state",
    "first",
  ],
  [
    "an update without its rate",
    updates((grads, { optimizer, params }) =>
      (adam.update as unknown as Untyped)(grads, optimizer, params)
    ),
    "no learning rate",
    "{ rate }",
  ],
  [
    "a rate as number",
    updates((grads, { optimizer, params }, rate) =>
      (adam.update as unknown as Untyped)(grads, optimizer, params, rate)
    ),
    "no learning rate",
  ],
  [
    "what was updated as parameters",
    updates((grads, parts, rate) => {
      const updated = rightly(grads, parts, rate) as t.Updated<t.WeightAndBias>;
      return { params: updated, state: updated.state };
    }),
    "has no 'params.bias'",
  ],
];

const evaluations: readonly Mistake[] = [
  ["an evaluation of a number", finds(0.5), "returned 0.5", "numbers by name"],
  ["an evaluation of nothing", finds(undefined), "returned undefined", "numbers by name"],
  ["a text as figure", finds({ accuracy: "0.5" }), "the text '0.5' for 'accuracy'"],
  [
    "a promise as figure",
    finds({ accuracy: Promise.resolve(1) }),
    "a promise (not awaited) for 'accuracy'",
    "await",
  ],
  [
    "a host array as figure",
    finds({ accuracy: x }),
    "a host array f32[3, 2] for 'accuracy'",
    ".data[0]",
  ],
  [
    "a value as figure",
    fits({ evaluate: ({ params }: Parts) => ({ bias: params.bias }) }),
    "a value f32[1] of an engine for 'bias'",
  ],
];

tellMistakes([...calls, ...starts, ...batches, ...steps, ...evaluations]);

Deno.test("what the mistakes with fit() begin from is none, and an evaluation need not wait", async () => {
  using engine = await t.openEngine("reference");
  const evaluate = () => ({ share: 0.5 });
  const { record } = await fit(
    engine,
    { ...right, evaluate } as unknown as Parameters<typeof fit>[1],
  );
  assertEquals(record.curve.map(({ step, share }) => [step, share]), [[0, 0.5], [3, 0.5]]);
});
