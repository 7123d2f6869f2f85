/**
 * One step of meta-training: pretext tasks inside, the wanted task outside.
 *
 * @module
 */
import * as kinds from "../kinds.ts";
import { requireArguments } from "../../ir/options.ts";
import type { Tensor } from "../../ir/tensor.ts";
import {
  adaptTasks,
  combineMetaGradients,
  type InnerLoopOptions,
  metaGradient,
  type MetaOrder,
} from "../../meta/mod.ts";
import type { Weighting, WeightingState } from "../../multitask/mod.ts";
import type { Layer, Params } from "../../nn/mod.ts";
import type { PretextTask } from "../../pretext/mod.ts";
import { splitKey } from "../../random/mod.ts";
import { add, expandDims, mean, mul, slice } from "../../tensor/mod.ts";
import { mapTree } from "../../tree/tree.ts";
import type { ImageTable } from "../device_images.ts";
import type { Placebo } from "../placebos/mod.ts";
import { meanOfTrees, metricName } from "./objective.ts";
import {
  bilevelProblem,
  type Labelled,
  type OuterMetrics,
  type Query,
  supportOf,
  type TaskShared,
} from "./pretext_problem.ts";
import {
  type ClassifierOptions,
  labelledBatch,
  type StepInputs,
  type TrainingState,
  type TrainStep,
} from "./train_classifier.ts";

/** What is meta-learned. */
export type MetaTrainParams = {
  /** The backbone, which every inner loop adapts a copy of. */
  readonly encoder: Params;
  /** The head of the wanted task. */
  readonly head: Params;
  /** The head of each pretext task, by its name. */
  readonly pretext: Readonly<Record<string, Params>>;
};

/** Running statistics of backbone and head. */
export type MetaTrainState = {
  /** Those of the backbone. */
  readonly encoder: Params;
  /** Those of the head of the wanted task. */
  readonly head: Params;
  /** State of the weighting method, if there is one. */
  readonly weighting?: WeightingState;
};

/** Everything that meta-training changes. */
export type MetaTraining = TrainingState<MetaTrainParams, MetaTrainState>;

/** What meta-training is made of. */
export interface MetaTrainOptions extends Omit<ClassifierOptions, "model"> {
  /** From images to embeddings. */
  readonly encoder: Layer;
  /** From embeddings to logits of the wanted task. */
  readonly head: Layer;
  /** The pretext tasks; each adapts the backbone on its own. */
  readonly tasks: readonly PretextTask[];
  /** The inner loop: number of steps, optimizer, rate. */
  readonly inner: InnerLoopOptions;
  /** Exact or first order. */
  readonly order: MetaOrder;
  /** A control that changes the inner loops; none unless told. */
  readonly placebo?: Placebo;
  /** How the outer losses of the tasks are weighed; the mean unless told. */
  readonly weighting?: Weighting;
  /**
   * How much the pretext heads learn from their own losses (`own`) and from the outer loss (`outer`);
   * 1 and 1 unless told.
   */
  readonly heads?: { readonly own: number; readonly outer: number };
}

/** What travels to the device for one step of meta-training. */
export interface MetaStepInputs extends StepInputs {
  /** Rows of each task's support batch, `i32[n]`, by name of the task. */
  readonly support: Readonly<Record<string, Tensor>>;
}

/** Outer loss and meta-gradient of one step. */
export interface MetaTrainGradient {
  /** Outer loss: the wanted task at the adapted backbones, mean over tasks. */
  readonly loss: Tensor;
  /** Its gradient. */
  readonly grads: MetaTrainParams;
  /** Gradient of each pretext task's own loss with respect to its head. */
  readonly own: MetaTrainParams["pretext"];
  /** Running statistics after the outer forward passes, mean over tasks. */
  readonly state: MetaTrainState;
  /** `accuracy` of the wanted task, and each pretext task's loss and metrics before adaptation. */
  readonly metrics: Readonly<Record<string, Tensor>>;
}

function byName<T>(tasks: readonly PretextTask[], of: (task: PretextTask) => T): Record<string, T> {
  return Object.fromEntries(tasks.map((task) => [task.name, of(task)]));
}

const first = (x: Tensor): Tensor => slice(x, [0]);

/**
 * Makes outer loss and meta-gradient: every pretext task adapts a copy of the backbone to a batch of
 * its own, and the wanted task judges all copies on one labelled batch.
 *
 * @param options Backbone, heads, tasks, inner loop, order.
 * @returns A pure function of parameters, running statistics, images, key and inputs.
 *
 * @example
 * ```ts
 * import { bits, constant, flattenLayer, linear } from "@mutasesumele/toolkit";
 * import type { MetaTrainOptions } from "@mutasesumele/toolkit/train";
 * import { randomKey, rotation, sequential, sgd, valuesOf, zeros } from "@mutasesumele/toolkit";
 * import { metaTrainGradient } from "@mutasesumele/toolkit/train";
 * import { assert } from "@std/assert";
 *
 * const encoder = sequential({ flatten: flattenLayer(), out: linear({ inputs: 12, outputs: 4 }) });
 * const options: MetaTrainOptions = {
 *   encoder,
 *   head: linear({ inputs: 4, outputs: 10 }),
 *   tasks: [rotation({ hidden: 4 })],
 *   inner: { innerSteps: 1, innerRate: 0.1, optimizer: sgd() },
 *   order: "exact",
 *   optimizer: sgd(),
 *   augment: (images) => images,
 *   extents: { height: 2, width: 2, channels: 3 },
 * };
 * const params = {
 *   encoder: encoder.init(randomKey(0)).params,
 *   head: options.head.init(randomKey(1)).params,
 *   pretext: { rotation: options.tasks[0]!.initHead(randomKey(2), 4) },
 * };
 * const state = { encoder: {}, head: {} };
 * const table = {
 *   shards: [bits(randomKey(3), [8, 3])],
 *   labels: zeros([8], "i32"),
 * };
 * const rows = constant([1, 3, 5], { dtype: "i32" });
 * const step = constant(0, { dtype: "u32" });
 * const { loss, grads } = metaTrainGradient(options)(
 *   { params, state },
 *   table,
 *   randomKey(4),
 *   { rows, step, support: { rotation: rows } },
 * );
 * assert(valuesOf(loss)[0]! > 0);
 * assert(Object.keys(grads).join() === "encoder,head,pretext");
 * ```
 */
export function metaTrainGradient(options: MetaTrainOptions): MetaTrainGradientOf {
  return metaTrainGradientBy(metaGradient, options);
}

/** Outer loss and meta-gradient as a function of what they depend on. */
export type MetaTrainGradientOf = (
  variables: Omit<MetaTraining, "optimizer">,
  table: ImageTable,
  key: Tensor,
  inputs: Omit<MetaStepInputs, "rate">,
) => MetaTrainGradient;

/**
 * {@linkcode metaTrainGradient} by a given meta-gradient. Not exported from the package: tests prove
 * with wrong ones that the start-up guard sees them.
 */
export function metaTrainGradientBy(
  makeGradient: typeof metaGradient,
  options: MetaTrainOptions,
): MetaTrainGradientOf {
  requireArguments("metaTrainGradient", { options }, { options: kinds.metaTraining });
  const { tasks, augment, extents } = options;
  const combined = combineMetaGradients(
    byName(
      tasks,
      (task) =>
        makeGradient<Params, TaskShared, object, Labelled, Query, MetaTrainState>(
          bilevelProblem(task, options),
          { ...options.inner, order: options.order, ownGradients: true },
        ),
    ),
    options.weighting ? { weighting: options.weighting } : {},
  );
  return ({ params, state }, table, key, { rows, step, support }) => {
    const batch = labelledBatch(table, key, { rows, step, augment, extents });
    const query = mapTree<Query>((x: Tensor) => expandDims(x, 0), batch);
    const { loss, grads, parts, weights, weighting } = combined(
      {
        params: params.encoder,
        shared: byName(tasks, ({ name }) => ({
          head: params.head,
          pretext: params.pretext[name]!,
        })),
        rates: byName(tasks, () => ({})),
      },
      byName(tasks, ({ name }) => ({
        support: supportOf(table, support[name]!, extents),
        query,
        constants: { encoder: state.encoder, head: state.head },
      })),
      batch.key,
      state.weighting,
    );
    const shared = grads.shared as Readonly<Record<string, TaskShared>>;
    const heads = tasks.map(({ name }) => shared[name]!.head);
    const outer = tasks.map(({ name }) => parts[name]!.outerMetrics as OuterMetrics);
    const metrics: Record<string, Tensor> = {
      accuracy: mean(meanOfTrees(outer.map((task) => task.accuracy))),
    };
    for (const [k, name] of tasks.map(({ name }) => name).sort().entries()) {
      if (options.weighting) metrics[`${name}Weight`] = slice(weights, [k]);
      const { innerLosses, innerMetrics } = parts[name]!;
      metrics[`${name}Loss`] = first(first(innerLosses));
      for (const [metric, value] of Object.entries(innerMetrics[0] as Record<string, Tensor>)) {
        metrics[metricName(name, metric)] = first(value);
      }
    }
    return {
      loss,
      grads: {
        encoder: grads.params,
        head: mapTree((...each: Tensor[]) => each.reduce(add), heads[0], ...heads.slice(1)),
        pretext: byName(tasks, ({ name }) => shared[name]!.pretext),
      },
      own: byName(tasks, ({ name }) => (parts[name]!.own as TaskShared).pretext),
      state: {
        ...mapTree(first, meanOfTrees(outer.map((task) => task.state))),
        ...(options.weighting && { weighting }),
      },
      metrics,
    };
  };
}

/**
 * Makes a step of meta-training. The pretext heads learn from the outer loss and from their own.
 *
 * @param options Backbone, heads, tasks, inner loop, order, outer optimizer.
 * @returns A step; metrics `loss` (outer) and those of {@linkcode MetaTrainGradient}.
 *
 * @example
 * ```ts
 * import { bits, constant, flattenLayer, linear } from "@mutasesumele/toolkit";
 * import type { MetaTrainOptions } from "@mutasesumele/toolkit/train";
 * import { randomKey, rotation, sequential, sgd, valuesOf, zeros } from "@mutasesumele/toolkit";
 * import { metaTrainStep } from "@mutasesumele/toolkit/train";
 * import { assert } from "@std/assert";
 *
 * const encoder = sequential({ flatten: flattenLayer(), out: linear({ inputs: 12, outputs: 4 }) });
 * const options: MetaTrainOptions = {
 *   encoder,
 *   head: linear({ inputs: 4, outputs: 10 }),
 *   tasks: [rotation({ hidden: 4 })],
 *   inner: { innerSteps: 1, innerRate: 0.1, optimizer: sgd() },
 *   order: "exact",
 *   optimizer: sgd(),
 *   augment: (images) => images,
 *   extents: { height: 2, width: 2, channels: 3 },
 * };
 * const params = {
 *   encoder: encoder.init(randomKey(0)).params,
 *   head: options.head.init(randomKey(1)).params,
 *   pretext: { rotation: options.tasks[0]!.initHead(randomKey(2), 4) },
 * };
 * const state = { encoder: {}, head: {} };
 * const table = {
 *   shards: [bits(randomKey(3), [8, 3])],
 *   labels: zeros([8], "i32"),
 * };
 * const rows = constant([1, 3, 5], { dtype: "i32" });
 * const { metrics } = metaTrainStep(options)({ params, state, optimizer: {} }, table, randomKey(4), {
 *   rows,
 *   step: constant(0, { dtype: "u32" }),
 *   rate: constant(0.1),
 *   support: { rotation: rows },
 * });
 * assert(valuesOf(metrics["rotationLoss"]!)[0]! > 0);
 * ```
 */
export function metaTrainStep(options: MetaTrainOptions): TrainStep<MetaTraining, MetaStepInputs> {
  const gradient = metaTrainGradient(options);
  const { heads = { own: 1, outer: 1 } } = options;
  return (training, table, key, inputs) => {
    const { loss, grads, own, state, metrics } = gradient(training, table, key, inputs);
    const pretext = mapTree<MetaTrainParams["pretext"]>(
      (outer: Tensor, inner: Tensor) => add(mul(outer, heads.outer), mul(inner, heads.own)),
      grads.pretext,
      own,
    );
    const { params, state: optimizer } = options.optimizer.update<MetaTrainParams>(
      { ...grads, pretext },
      training.optimizer,
      training.params,
      { rate: inputs.rate },
    );
    return { training: { params, state, optimizer }, metrics: { loss, ...metrics } };
  };
}

/**
 * Makes the function that adapts the backbone to every pretext task, as the inner loops do, without
 * a meta-gradient: the wanted task is judged at these backbones too.
 *
 * @param options Backbone, heads, tasks, inner loop.
 * @returns A pure function that gives the adapted backbone of each task, by its name.
 *
 * @example
 * ```ts
 * import { bits, constant, flattenLayer, linear } from "@mutasesumele/toolkit";
 * import type { MetaTrainOptions } from "@mutasesumele/toolkit/train";
 * import { randomKey, rotation, sequential, sgd, zeros } from "@mutasesumele/toolkit";
 * import { adaptToTasks } from "@mutasesumele/toolkit/train";
 * import { assert } from "@std/assert";
 *
 * const encoder = sequential({ flatten: flattenLayer(), out: linear({ inputs: 12, outputs: 4 }) });
 * const options: MetaTrainOptions = {
 *   encoder,
 *   head: linear({ inputs: 4, outputs: 10 }),
 *   tasks: [rotation({ hidden: 4 })],
 *   inner: { innerSteps: 1, innerRate: 0.1, optimizer: sgd() },
 *   order: "exact",
 *   optimizer: sgd(),
 *   augment: (images) => images,
 *   extents: { height: 2, width: 2, channels: 3 },
 * };
 * const params = {
 *   encoder: encoder.init(randomKey(0)).params,
 *   head: options.head.init(randomKey(1)).params,
 *   pretext: { rotation: options.tasks[0]!.initHead(randomKey(2), 4) },
 * };
 * const state = { encoder: {}, head: {} };
 * const table = {
 *   shards: [bits(randomKey(3), [8, 3])],
 *   labels: zeros([8], "i32"),
 * };
 * const rows = constant([1, 3, 5], { dtype: "i32" });
 * const copies = adaptToTasks(options)({ params, state }, table, randomKey(4), { rotation: rows });
 * assert(Object.keys(copies).join() === "rotation");
 * ```
 */
export function adaptToTasks(
  options: MetaTrainOptions,
): (
  variables: Omit<MetaTraining, "optimizer">,
  table: ImageTable,
  key: Tensor,
  support: MetaStepInputs["support"],
) => Readonly<Record<string, Params>> {
  requireArguments("adaptToTasks", { options }, { options: kinds.metaTraining });
  const { tasks, extents } = options;
  return ({ params, state }, table, key, support) => {
    const keys = splitKey(key, tasks.length);
    const adapted = tasks.map((task, k) => {
      const { inner } = bilevelProblem(task, options);
      const images = supportOf(table, support[task.name]!, extents);
      const result = adaptTasks({ inner, outer: inner }, options.inner)(
        {
          params: params.encoder,
          shared: { head: params.head, pretext: params.pretext[task.name]! },
          rates: {},
        },
        {
          support: images,
          query: images,
          constants: { encoder: state.encoder, head: state.head },
        },
        keys[k]!,
      );
      return [task.name, mapTree<Params>(first, result.adapted)];
    });
    return Object.fromEntries(adapted);
  };
}
