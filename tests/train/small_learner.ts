/** A learner so small that a step of any objective takes a moment in float64. */
import { evaluate } from "../../src/ir/evaluate.ts";
import { programOf } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { flattenLayer, type Layer, linear, type Params, sequential } from "../../src/nn/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import type { PretextTask } from "../../src/pretext/mod.ts";
import { bits, randomKey } from "../../src/random/mod.ts";
import { constant, mean, mul, reshape, square, sub, sum, tanh } from "../../src/tensor/mod.ts";
import type { ImageTable, Learner, Objective, TrainingState } from "../../src/train/mod.ts";
import { flatten, unflatten } from "../../src/tree/tree.ts";

/** Height and width of the images. */
export const SIZE = 4;
/** Length of the embeddings. */
export const EMBEDDING = 5;

/** `tanh` of a linear layer: smooth, so that finite differences see no kinks. */
function bent(inputs: number, outputs: number): Layer {
  const layer = linear({ inputs, outputs });
  return {
    init: layer.init,
    apply: (params, state, x, options) => {
      const { output, state: after } = layer.apply(params, state, x, options);
      return { output: tanh(output), state: after };
    },
  };
}

/** Backbone, head, stochastic gradient descent; nothing is augmented or dropped. */
export const learner: Learner = {
  encoder: sequential({ flatten: flattenLayer(), body: bent(SIZE * SIZE * 3, EMBEDDING) }),
  embedding: EMBEDDING,
  head: linear({ inputs: EMBEDDING, outputs: 3 }),
  optimizer: sgd(),
  augment: (images) => images,
  extents: { height: SIZE, width: SIZE, channels: 3 },
};

/** Asks a linear head for a square of the mean of the image: deterministic, no keys. */
export function brightness(name: string, power: number): PretextTask {
  const head = linear({ inputs: EMBEDDING, outputs: 1 });
  return {
    name,
    needsLabels: false,
    initHead: (key) => head.init(key).params,
    loss({ encode, head: params, images, key }) {
      const { output } = head.apply(params, {}, encode(images, key), { training: true });
      const target = mean(images, { axes: [1, 2, 3], keepAxes: true });
      const wanted = reshape(mul(target, power), [images.shape[0]!, 1]);
      const loss = mean(square(sub(output, wanted)));
      const [n] = images.shape;
      const spot = (x: Tensor): Tensor => reshape(x, [n!, 1, 1, 1]);
      return {
        loss,
        metrics: { error: sum(square(sub(output, wanted))) },
        pictures: () => ({ input: images, target: spot(wanted), prediction: spot(output) }),
      };
    },
  };
}

/** Twelve images of noise, four of each class. */
export const table: ImageTable = {
  shards: [bits(randomKey(3), [12, SIZE * SIZE * 3 / 4])],
  labels: constant(Array.from({ length: 12 }, (_, k) => k % 3), { dtype: "i32" }),
};

/** Key of the stage. */
export const stageKey: Tensor = randomKey(4);

/** Inputs of a step for tasks of these names: each has a batch of its own. */
export function inputsFor(
  names: readonly string[],
  { rate = 0.1, step = 0 }: { readonly rate?: number; readonly step?: number } = {},
) {
  const rows = (first: number) =>
    constant([first, first + 3, first + 4, first + 5], { dtype: "i32" });
  return {
    rows: rows(0),
    step: constant(step, { dtype: "u32" }),
    rate: constant(rate),
    support: Object.fromEntries(names.map((name, k) => [name, rows(1 + k % 6)])),
  };
}

/** What an objective starts from, always with the same backbone and heads. */
export function startOf(objective: Objective, own: Learner = learner): TrainingState {
  return objective.start(own.encoder.init(randomKey(0)), {
    head: randomKey(1),
    pretext: randomKey(2),
  });
}

/** One step of an objective from there. */
export function stepOf(
  objective: Objective,
  options: { readonly rate?: number; readonly step?: number } = {},
): ReturnType<Objective["step"]> {
  const names = objective.tasks.map(({ name }) => name);
  return objective.step(startOf(objective), table, stageKey, inputsFor(names, options));
}

/** The gradients that a step by plain descent followed: `(before - after) / rate`. */
export function gradientsOf(objective: Objective): Params {
  const before = startOf(objective).params;
  const { training } = stepOf(objective, { rate: 1 });
  return computed<Params>(mapTrees(before, training.params, sub));
}

function mapTrees(a: Params, b: Params, f: (x: Tensor, y: Tensor) => Tensor): Params {
  const [left, right] = [flatten<Tensor>(a), flatten<Tensor>(b)];
  return unflatten(left.structure, left.leaves.map((leaf, k) => f(leaf, right.leaves[k]!)));
}

/** Evaluates a tree of constants in float64; its leaves become arrays. */
export function computed<T>(tree: unknown): T {
  const { structure, leaves } = flatten<Tensor>(tree);
  const arrays = evaluate(programOf([], leaves), []);
  return unflatten<T>(structure, arrays.map(({ data }) => Float64Array.from(data)));
}
