/**
 * Meta-training (MAML, exact second order) of a small Conv4, and its adaptation to a task.
 *
 * @module
 */
import {
  accuracy,
  adam,
  adaptTasks,
  type Concrete,
  conv4,
  type Engine,
  type HostArray,
  hostArray,
  keyWords,
  type LossResult,
  maml,
  type OptimizerState,
  type Params,
  sgd,
  softmax,
  softmaxCrossEntropy,
  type Tensor,
} from "@mutasesumele/toolkit";
import { SIZE, WAYS } from "./messages.ts";

/** Pictures `[task, n, SIZE, SIZE, 1]` and classes `i32[task, n]`. */
interface Batch<Array> {
  readonly images: Array;
  readonly labels: Array;
}

/** What training keeps: the start of every adaptation, and Adam's memory. */
interface Training {
  readonly params: Params;
  readonly optimizer: OptimizerState;
}

const model = conv4({ ways: WAYS, channels: 8, imageSize: SIZE, imageChannels: 1 });

const loss = (params: Params, _shared: object, { images, labels }: Batch<Tensor>): LossResult => {
  const { output } = model.apply(params, {}, images, { training: true });
  const chances = softmax(output);
  const metrics = { accuracy: accuracy(output, labels), chances };
  return { loss: softmaxCrossEntropy(output, labels), metrics };
};
const problem = { inner: loss, outer: loss };
const inner = { innerSteps: 2, optimizer: sgd(), innerRate: 0.4 };
const metaGradient = maml(problem, inner);
const adapted = adaptTasks(problem, { ...inner, innerSteps: 5 });
const optimizer = adam();

const metaOf = (params: Params) => ({ params, shared: {}, rates: {} });
const tasksOf = (support: Batch<Tensor>, query: Batch<Tensor>) => ({
  support,
  query,
  constants: {},
});

/** Pictures of tasks as the learner takes them. */
export type Pictures = Batch<HostArray>;

/** Learns to learn. */
export class Learner {
  readonly #engine: Engine;
  readonly #step;
  readonly #adapt;
  #training: Concrete<Training>;
  #count = 0;

  private constructor(engine: Engine, training: Concrete<Training>) {
    this.#engine = engine;
    this.#training = training;
    this.#step = engine.jit(
      (training: Training, support: Batch<Tensor>, query: Batch<Tensor>, key: Tensor) => {
        const meta = metaOf(training.params);
        const { loss, grads, outerMetrics } = metaGradient(meta, tasksOf(support, query), key);
        const { params, state } = optimizer.update(
          grads.params,
          training.optimizer,
          training.params,
          { rate: 0.005 },
        );
        const { accuracy } = outerMetrics as { readonly accuracy: Tensor };
        return { training: { params, optimizer: state }, loss, accuracy };
      },
      { donate: [0] },
    );
    this.#adapt = engine.jit(
      (params: Params, support: Batch<Tensor>, query: Batch<Tensor>, key: Tensor) => {
        const { before, after } = adapted(metaOf(params), tasksOf(support, query), key);
        const chances = ({ metrics }: { readonly metrics: unknown }) =>
          (metrics as { readonly chances: Tensor }).chances;
        return { before: chances(before), after: chances(after) };
      },
    );
  }

  /** Draws the weights. */
  static async open(engine: Engine): Promise<Learner> {
    const start = engine.jit((key: Tensor): Training => {
      const { params } = model.init(key);
      return { params, optimizer: optimizer.init(params) };
    });
    return new Learner(engine, await start(keyOf(0)) as Concrete<Training>);
  }

  /** One step of meta-training: mean loss of the adapted weights, and share of pictures told rightly. */
  async step(support: Pictures, query: Pictures): Promise<{ loss: number; accuracy: number }> {
    const result = await this.#step(this.#training, support, query, keyOf(++this.#count));
    this.#training = result.training as Concrete<Training>;
    const [loss, accuracy] = await Promise.all([
      this.#engine.read(result.loss),
      this.#engine.read(result.accuracy),
    ]);
    const shares = Array.from(accuracy.data);
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    return { loss: loss.data[0]!, accuracy: mean };
  }

  /** Chances of the classes for the last picture of the query, before and after adaptation to one task. */
  async adapt(
    support: Pictures,
    query: Pictures,
  ): Promise<{ before: readonly number[]; after: readonly number[] }> {
    const { before, after } = await this.#adapt(this.#training.params, support, query, keyOf(1));
    const lastRow = async (value: typeof before): Promise<readonly number[]> =>
      Array.from((await this.#engine.read(value)).data).slice(-WAYS);
    return { before: await lastRow(before), after: await lastRow(after) };
  }
}

function keyOf(seed: number): HostArray {
  return hostArray(keyWords(seed), [2], "u32");
}
