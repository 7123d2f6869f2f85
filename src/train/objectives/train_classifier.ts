/**
 * One step of supervised training.
 *
 * @module
 */
import * as kinds from "../kinds.ts";
import * as is from "../../ir/kinds.ts";
import { requireArguments } from "../../ir/options.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { accuracy, softmaxCrossEntropy } from "../../loss/mod.ts";
import type { Layer, Params } from "../../nn/mod.ts";
import type { Optimizer, OptimizerState } from "../../optim/mod.ts";
import type { Augment } from "../../pretext/mod.ts";
import { foldIn, splitKey } from "../../random/mod.ts";
import { valueAndGradAux } from "../../transform/mod.ts";
import { type ImageExtents, type ImageTable, takeImages, takeLabels } from "../device_images.ts";

/** Everything that training changes. */
export interface TrainingState<P = Params, S = Params> {
  /** What is learned. */
  readonly params: P;
  /** What is remembered, such as running statistics. */
  readonly state: S;
  /** State of the optimizer. */
  readonly optimizer: OptimizerState;
}

/** What travels to the device for one step. */
export interface StepInputs {
  /** Rows of the batch in the table of images, `i32[n]`. */
  readonly rows: Tensor;
  /** Number of the step, `u32[]`: with the key it decides all that is random. */
  readonly step: Tensor;
  /** Learning rate, `f32[]`. */
  readonly rate: Tensor;
}

/** What a step gives. */
export interface StepResult<State> {
  /** What the next step starts from. */
  readonly training: State;
  /** Figures of the batch, scalars. */
  readonly metrics: Readonly<Record<string, Tensor>>;
}

/** A step: a pure function to be compiled. */
export type TrainStep<State, Inputs> = (
  training: State,
  table: ImageTable,
  key: Tensor,
  inputs: Inputs,
) => StepResult<State>;

/** What a supervised step is made of. */
export interface ClassifierOptions {
  /** From images to logits. */
  readonly model: Layer;
  /** The optimizer. */
  readonly optimizer: Optimizer;
  /** How images are changed. */
  readonly augment: Augment;
  /** Extents of the images. */
  readonly extents: ImageExtents;
}

/**
 * Makes the batch of a step: images in the table, augmented, with their labels.
 *
 * Every learner that is given the same key, step and rows sees the same images.
 *
 * @param table The images.
 * @param key Key `u32[2]` of the stage.
 * @param options Rows, number of the step, augmentation and extents.
 * @returns Images `f32[n, height, width, channels]`, labels `i32[n]` and a key for the rest.
 *
 * @example
 * ```ts
 * import { constant, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { labelledBatch } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const table = {
 *   shards: [constant([[0], [0xffffffff]], { dtype: "u32" })],
 *   labels: constant([7, 8], { dtype: "i32" }),
 * };
 * const { images, labels } = labelledBatch(table, randomKey(0), {
 *   rows: constant([1], { dtype: "i32" }),
 *   step: constant(0, { dtype: "u32" }),
 *   augment: (batch) => batch,
 *   extents: { height: 2, width: 2, channels: 1 },
 * });
 * assertEquals([images.shape, valuesOf(labels)], [[1, 2, 2, 1], [8]]);
 * ```
 */
export function labelledBatch(
  table: ImageTable,
  key: Tensor,
  batch: Pick<StepInputs, "rows" | "step"> & {
    readonly augment: Augment;
    readonly extents: ImageExtents;
  },
): { readonly images: Tensor; readonly labels: Tensor; readonly key: Tensor } {
  requireArguments("labelledBatch", { table, batch }, {
    table: kinds.table,
    batch: is.objectWith({ rows: is.tensor, step: is.tensor, augment: is.callback }, "a batch"),
  });
  const { rows, step, augment, extents } = batch;
  const [augmentKey, rest] = splitKey(foldIn(key, step), 2);
  return {
    images: augment(takeImages(table, rows, extents), augmentKey!),
    labels: takeLabels(table, rows),
    key: rest!,
  };
}

/**
 * Makes a step of training by softmax cross-entropy: batch statistics, dropout, augmentation.
 *
 * @param options Model, optimizer, augmentation, extents.
 * @returns A step; metrics `loss` and `accuracy` of the batch before the step.
 *
 * @example
 * ```ts
 * import { adam, flattenLayer, hostArray, linear } from "@mutasesumele/toolkit";
 * import { classifierStep } from "@mutasesumele/toolkit/train";
 * import { openEngine, randomKey, sequential } from "@mutasesumele/toolkit";
 * import { packImages } from "@mutasesumele/toolkit/train";
 * import { supervisedAugment, syntheticImages } from "@mutasesumele/toolkit";
 * import { trainingState } from "@mutasesumele/toolkit/train";
 * import { assert } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 20, testCount: 10 });
 * const engine = await openEngine("reference");
 * const model = sequential({
 *   flatten: flattenLayer(),
 *   output: linear({ inputs: 3072, outputs: 10 }),
 * });
 * const optimizer = adam();
 * const step = engine.jit(
 *   classifierStep({ model, optimizer, augment: supervisedAugment(), extents: train }),
 *   { donate: [0] },
 * );
 * const start = await engine.jit(() => trainingState(model.init(randomKey(0)), optimizer))();
 * const { metrics } = await step(
 *   start,
 *   engine.put(packImages(train)),
 *   hostArray([0, 1], [2], "u32"),
 *   {
 *     rows: hostArray([3, 1], [2], "i32"),
 *     step: hostArray([0], [], "u32"),
 *     rate: hostArray([1e-3], []),
 *   },
 * );
 * assert((await engine.read(metrics)).loss!.data[0]! > 0);
 * engine.close();
 * ```
 */
export function classifierStep(options: ClassifierOptions): TrainStep<TrainingState, StepInputs> {
  requireArguments("classifierStep", { options }, {
    options: is.objectWith({
      model: kinds.layer,
      optimizer: kinds.optimizer,
      augment: is.callback,
      extents: kinds.extents,
    }),
  });
  const { model, optimizer, augment, extents } = options;
  return (training, table, key, { rows, step, rate }) => {
    const batch = labelledBatch(table, key, { rows, step, augment, extents });
    const { value, grad, aux } = valueAndGradAux((params: Params) => {
      const { output, state } = model.apply(params, training.state, batch.images, {
        training: true,
        key: batch.key,
      });
      return {
        loss: softmaxCrossEntropy(output, batch.labels),
        aux: { state, accuracy: accuracy(output, batch.labels) },
      };
    })(training.params);
    const updated = optimizer.update(grad, training.optimizer, training.params, { rate });
    return {
      training: { params: updated.params, state: aux.state, optimizer: updated.state },
      metrics: { loss: value, accuracy: aux.accuracy },
    };
  };
}

/**
 * Completes variables to what training starts from.
 *
 * @param variables Parameters and state.
 * @param optimizer The optimizer.
 * @returns The same, with the optimizer's first state.
 *
 * @example
 * ```ts
 * import { linear, momentum, randomKey } from "@mutasesumele/toolkit";
 * import { trainingState } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = linear({ inputs: 3, outputs: 2 });
 * const training = trainingState(layer.init(randomKey(0)), momentum());
 * assertEquals(Object.keys(training), ["params", "state", "optimizer"]);
 * ```
 */
export function trainingState<P, S>(
  variables: { readonly params: P; readonly state: S },
  optimizer: Optimizer,
): TrainingState<P, S> {
  requireArguments("trainingState", { variables, optimizer }, {
    variables: is.objectWith(
      { params: is.object, state: is.object },
      "what init() of a layer returns:",
    ),
    optimizer: kinds.optimizer,
  });
  return { ...variables, optimizer: optimizer.init(variables.params) };
}
