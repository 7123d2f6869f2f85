/**
 * What an image training will need at least, known from its configuration before anything is made.
 *
 * @module
 */
import { type Aval, formatAval, sizeOf } from "../ir/aval.ts";
import { countNodes, type Program } from "../ir/program.ts";
import type { Tensor } from "../ir/tensor.ts";
import { type Params, sequential } from "../nn/mod.ts";
import { trace } from "../transform/mod.ts";
import { unflatten } from "../tree/tree.ts";
import { classificationObjective } from "./objectives/classification.ts";
import { metaObjective, type MetaObjectiveOptions } from "./objectives/meta.ts";
import type { MetaTraining } from "./objectives/meta_train.ts";
import type { Learner } from "./objectives/objective.ts";

/** The parts of an image training that can be too large. */
export type NeedOf = "parameters" | "inner loop" | "step" | "program" | "evaluation";

/** A lower bound of what is needed. */
export interface Need<Part extends string = string> {
  /** Which part of the work. */
  readonly part: Part;
  /** What needs it, in words that go before a size. */
  readonly what: string;
  /** How much, at least; infinite if no array can be so large. */
  readonly amount: number;
  /** Device memory, or length of a compiled program. */
  readonly unit: "bytes" | "operations";
}

/** What decides the needs of an image training. */
export interface TrainingNeedsOptions extends Learner {
  /** How the backbone is meta-trained, if it is. */
  readonly meta?: MetaObjectiveOptions;
  /** Images of a batch, in every loss. */
  readonly batchSize: number;
  /** Images of a batch in evaluations. */
  readonly evaluationBatch: number;
}

/** Bytes of an element on the device. */
const ELEMENT = 4;

/** A random key. */
const KEY: Aval = { shape: [2], dtype: "u32" };

/**
 * Bounds what an image training needs from below, by tracing its programs without running them: the
 * parameters and the optimizer's state before and after a step, the parameters that every inner step
 * leaves for the meta-gradient, the largest result of a convolution or matrix product, and the number of
 * operations of a meta-training step, which grows by those of an inner step with each.
 *
 * @param options Model, tasks, optimizer, batches.
 * @returns One need after the other; what comes later is traced only when it is asked for.
 *
 * @example
 * ```ts
 * import { adam, classifierHead, encoder, supervisedAugment } from "@mutasesumele/toolkit";
 * import { imageTrainingNeeds } from "@mutasesumele/toolkit/train";
 * import { assert } from "@std/assert";
 *
 * const [parameters] = imageTrainingNeeds({
 *   encoder: encoder({ widths: [2], embedding: 1e7 }),
 *   embedding: 1e7,
 *   head: classifierHead({ inputs: 1e7, classes: 10, hidden: 4 }),
 *   optimizer: adam(),
 *   augment: supervisedAugment(),
 *   extents: { height: 32, width: 32, channels: 3 },
 *   batchSize: 4,
 *   evaluationBatch: 4,
 * });
 * assert(parameters!.amount > 1e10);
 * ```
 */
export function* imageTrainingNeeds(options: TrainingNeedsOptions): Generator<Need<NeedOf>> {
  const { encoder, meta } = options;
  const start = attempt(() => {
    const objective = meta ? metaObjective(options, meta) : classificationObjective(options);
    return trace(
      (key: Tensor, head: Tensor, pretext: Tensor) =>
        objective.start(encoder.init(key), { head, pretext }),
      [KEY, KEY, KEY],
    );
  });
  if (start instanceof Error) return yield uncountable("parameters", start);
  const { outputs } = start.program;
  yield {
    part: "parameters",
    what: `parameters and the optimizer's state, before and after a step, the largest of them ` +
      formatAval(outputs.reduce((a, b) => sizeOf(b.shape) > sizeOf(a.shape) ? b : a)),
    amount: 2 * bytesOf(outputs),
    unit: "bytes",
  };
  const training = unflatten<MetaTraining>(start.outputs, outputs);
  if (meta) {
    const { innerSteps } = meta.inner;
    const backbone = trace((key) => encoder.init(key as never), [KEY]).program.outputs;
    yield {
      part: "inner loop",
      what: `${innerSteps} sets of the backbone's parameters, one for each inner step`,
      amount: innerSteps * bytesOf(backbone),
      unit: "bytes",
    };
    const one = attempt(() => metaProgram({ ...options, meta }, { training, innerSteps: 1 }));
    if (one instanceof Error) return yield uncountable("step", one);
    yield resultNeed("step", one);
    const first = countNodes(one);
    const more = innerSteps === 1
      ? 0
      : countNodes(metaProgram({ ...options, meta }, { training, innerSteps: 2 })) - first;
    yield {
      part: "program",
      what: `a step of meta-training with ${innerSteps} inner steps`,
      amount: first + (innerSteps - 1) * more,
      unit: "operations",
    };
  }
  const evaluation = attempt(() => evaluationProgram(options, training));
  if (evaluation instanceof Error) return yield uncountable("evaluation", evaluation);
  yield resultNeed("evaluation", evaluation);
}

/** A step of meta-training. */
function metaProgram(
  options: TrainingNeedsOptions & { readonly meta: MetaObjectiveOptions },
  { training, innerSteps }: { readonly training: MetaTraining; readonly innerSteps: number },
): Program {
  const { meta, batchSize, extents: { height, width, channels } } = options;
  const rows: Aval = { shape: [batchSize], dtype: "i32" };
  // How many images there are does not matter for a step.
  const words = Math.ceil(height * width * channels / 4);
  const table = {
    shards: [{ shape: [1, words], dtype: "u32" }],
    labels: { shape: [1], dtype: "i32" },
  };
  const inputs = {
    ...{ rows, step: { shape: [], dtype: "u32" }, rate: { shape: [], dtype: "f32" } },
    support: Object.fromEntries(meta.tasks.map(({ name }) => [name, rows])),
  };
  const { step } = metaObjective(options, { ...meta, inner: { ...meta.inner, innerSteps } });
  return trace(step, [training, table, KEY, inputs]).program;
}

/** The classifier in evaluation, on its largest batch. */
function evaluationProgram(options: TrainingNeedsOptions, training: MetaTraining): Program {
  const { encoder, head, evaluationBatch, extents: { height, width, channels } } = options;
  const model = sequential({ encoder, head });
  const apply = (params: Params, state: Params, images: Tensor) =>
    model.apply(params, state, images, { training: false }).output;
  const images = { shape: [evaluationBatch, height, width, channels], dtype: "f32" };
  const { encoder: own, head: top } = training.params;
  return trace(apply, [{ encoder: own, head: top }, training.state, images]).program;
}

/** A result, or the error of an array that has too many elements to be counted. */
function attempt<T>(body: () => T): T | Error {
  try {
    return body();
  } catch (error) {
    if (error instanceof TypeError && error.message.includes("2^53 - 1 elements")) return error;
    throw error;
  }
}

function uncountable(part: NeedOf, { message }: Error): Need<NeedOf> {
  return { part, what: message.replace(/\.$/, ""), amount: Infinity, unit: "bytes" };
}

function resultNeed(part: NeedOf, program: Program): Need<NeedOf> {
  const product = largestProduct(program);
  const what = `a result of a convolution or matrix product, ${formatAval(product)}`;
  return { part, what, amount: bytesOf([product]), unit: "bytes" };
}

function bytesOf(avals: readonly Aval[]): number {
  return avals.reduce((sum, { shape }) => sum + ELEMENT * sizeOf(shape), 0);
}

/** The largest result of a kernel that is written to memory whatever is fused. */
function largestProduct(program: Program): Aval {
  let found: Aval = { shape: [], dtype: "f32" };
  for (const { primitive: { lower, flops }, params, outputs } of program.nodes) {
    const written = lower.kind === "call"
      ? [largestProduct(lower.program(params))]
      : flops
      ? outputs
      : [];
    for (const aval of written) if (sizeOf(aval.shape) > sizeOf(found.shape)) found = aval;
  }
  return found;
}
