/**
 * The meta-training step of the experiment cifar-maml at its `full` size, that of the original: 64
 * images a batch, widths 32, 64 and 128, rotation and contrastive tasks, one exact inner step, Adam.
 *
 * @module
 */
import type { Aval } from "../src/ir/aval.ts";
import { sizeOf } from "../src/ir/aval.ts";
import type { Tensor } from "../src/ir/tensor.ts";
import { classifierHead, encoder } from "../src/nn/mod.ts";
import { adam, sgd } from "../src/optim/mod.ts";
import { contrastive, rotation, supervisedAugment } from "../src/pretext/mod.ts";
import { splitKey } from "../src/random/mod.ts";
import {
  type ImageTable,
  type MetaStepInputs,
  type MetaTraining,
  type MetaTrainOptions,
  metaTrainStep,
  trainingState,
} from "../src/train/mod.ts";
import { trace } from "../src/transform/mod.ts";
import { unflatten } from "../src/tree/tree.ts";
import type { MetaOrder } from "../src/meta/mod.ts";

/** Images of a batch. */
const BATCH = 64;

/** Images of the table, which is small here: a step touches three batches of it. */
const IMAGES = 256;

const EMBEDDING = 1024;
const HIDDEN = 512;

/** A function to be traced, and what it is traced with. */
export interface FullStep {
  /** The step. */
  readonly fn: (...args: never[]) => unknown;
  /** Shapes of its arguments. */
  readonly args: readonly unknown[];
}

function options(order: MetaOrder): MetaTrainOptions {
  return {
    encoder: encoder({ widths: [32, 64, 128], embedding: EMBEDDING, dropout: 0.25 }),
    head: classifierHead({ inputs: EMBEDDING, classes: 10, hidden: HIDDEN }),
    tasks: [rotation({ hidden: HIDDEN }), contrastive({ temperature: 0.1, projection: 128 })],
    inner: { innerSteps: 1, innerRate: 0.001, optimizer: sgd() },
    order,
    optimizer: adam(),
    augment: supervisedAugment(),
    extents: { height: 32, width: 32, channels: 3 },
  };
}

/** Numbers for an argument: of about the size of real ones, and valid as rows and labels. */
export function sampleValues({ shape, dtype }: Aval): Float32Array | Int32Array | Uint32Array {
  const length = sizeOf(shape);
  if (dtype === "f32") return Float32Array.from({ length }, (_, k) => (1 + k * 37 % 101) / 1000);
  if (dtype === "i32") return Int32Array.from({ length }, (_, k) => k % 10);
  return Uint32Array.from({ length }, (_, k) => Math.imul(k, 2654435761));
}

/**
 * Makes the step.
 *
 * @param order Exact or first order.
 * @returns The step and the shapes of its arguments.
 */
export function fullStep(order: MetaOrder): FullStep {
  const made = options(order);
  const { encoder, head, tasks, optimizer } = made;
  const start = (key: Tensor): MetaTraining => {
    const keys = splitKey(key, 2 + tasks.length);
    const [first, second] = [encoder.init(keys[0]!), head.init(keys[1]!)];
    const pretext = Object.fromEntries(
      tasks.map((task, k) => [task.name, task.initHead(keys[2 + k]!, EMBEDDING)]),
    );
    return trainingState({
      params: { encoder: first.params, head: second.params, pretext },
      state: { encoder: first.state, head: second.state },
    }, optimizer);
  };
  const key: Aval = { shape: [2], dtype: "u32" };
  const rows: Aval = { shape: [BATCH], dtype: "i32" };
  const table: Record<keyof ImageTable, unknown> = {
    shards: [{ shape: [IMAGES, 3 * 32 * 32 / 4], dtype: "u32" }],
    labels: { shape: [IMAGES], dtype: "i32" },
  };
  const inputs: Record<keyof MetaStepInputs, unknown> = {
    rows,
    step: { shape: [], dtype: "u32" },
    rate: { shape: [], dtype: "f32" },
    support: Object.fromEntries(tasks.map(({ name }) => [name, rows])),
  };
  const { program, outputs } = trace(start, [key]);
  const training = unflatten(
    outputs,
    program.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
  );
  return { fn: metaTrainStep(made) as FullStep["fn"], args: [training, table, key, inputs] };
}
