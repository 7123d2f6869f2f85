/**
 * Objectives that are a weighted sum of losses: the pretext tasks', with or without the wanted one.
 *
 * @module
 */
import * as kinds from "../kinds.ts";
import * as is from "../../ir/kinds.ts";
import { requireArguments, requireOptions } from "../../ir/options.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { accuracy, softmaxCrossEntropy } from "../../loss/mod.ts";
import {
  equalWeighting,
  multiTaskInit,
  type MultiTaskLosses,
  multiTaskStep,
  type Weighting,
  type WeightingState,
} from "../../multitask/mod.ts";
import { type Params, sequential } from "../../nn/mod.ts";
import type { PretextTask } from "../../pretext/mod.ts";
import { foldIn } from "../../random/mod.ts";
import { mul, slice } from "../../tensor/mod.ts";
import { takeImages, takeLabels } from "../device_images.ts";
import { imagesThrough } from "./images_through.ts";
import { type Learner, meanOfTrees, metricName, type Objective, startOf } from "./objective.ts";
import { labelledBatch } from "./train_classifier.ts";

/** How several losses become one. */
export interface MultiTaskObjectiveOptions {
  /** The pretext tasks; each reads a batch of its own. */
  readonly tasks: readonly PretextTask[];
  /** How much each loss counts; alike unless told. */
  readonly weighting?: Weighting;
}

/** Options of {@linkcode jointObjective}. */
export interface JointObjectiveOptions extends MultiTaskObjectiveOptions {
  /** Factor of every pretext loss, before the weighting; 1 unless told. */
  readonly pretextWeight?: number;
}

/** The loss of the wanted task among the others. */
const WANTED = "wanted";

/** Folded into the key of a step for the losses' own keys. */
const LOSSES = 0x10555;

/** Images by the name of a loss. */
interface Batch {
  readonly images: Readonly<Record<string, Tensor>>;
  readonly labels: Readonly<Record<string, Tensor>>;
  readonly state: Params;
  /** Key of what the wanted pass draws: that of supervised training on the same batch. */
  readonly key?: Tensor;
}

/** What a loss returns besides. */
interface Aux {
  /** The loss before any factor. */
  readonly loss: Tensor;
  readonly state: Params;
  readonly metrics: Readonly<Record<string, Tensor>>;
}

/**
 * Lowers the losses of pretext tasks: self-supervised pretraining.
 *
 * @param learner Backbone and optimizer; the head of the wanted task is not used.
 * @param options Tasks and their weighting.
 * @returns The objective.
 * @throws {RangeError} If there is no task.
 *
 * @example
 * ```ts
 * import { flattenLayer, linear, rotation, sgd } from "@mutasesumele/toolkit";
 * import { pretextObjective } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const objective = pretextObjective({
 *   encoder: flattenLayer(),
 *   embedding: 12,
 *   head: linear({ inputs: 12, outputs: 10 }),
 *   optimizer: sgd(),
 *   augment: (images) => images,
 *   extents: { height: 2, width: 2, channels: 3 },
 * }, { tasks: [rotation({ hidden: 4 })] });
 * assertEquals(objective.wanted, false);
 * ```
 */
export function pretextObjective(
  learner: Learner,
  options: MultiTaskObjectiveOptions,
): Objective {
  requireArguments("pretextObjective", { learner }, { learner: kinds.learner });
  requireOptions("pretextObjective", options, {
    tasks: kinds.tasks,
    weighting: is.optional(is.object),
  });
  return { ...multiTaskObjective(learner, { ...options, wanted: false }), name: "pretext" };
}

/**
 * Lowers the loss of the wanted task and those of pretext tasks together.
 *
 * @param learner Backbone, head, optimizer.
 * @param options Tasks, their weighting and their common factor.
 * @returns The objective.
 * @throws {RangeError} If there is no task.
 *
 * @example
 * ```ts
 * import { flattenLayer, linear, rotation, sgd } from "@mutasesumele/toolkit";
 * import { jointObjective } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const objective = jointObjective({
 *   encoder: flattenLayer(),
 *   embedding: 12,
 *   head: linear({ inputs: 12, outputs: 10 }),
 *   optimizer: sgd(),
 *   augment: (images) => images,
 *   extents: { height: 2, width: 2, channels: 3 },
 * }, { tasks: [rotation({ hidden: 4 })], pretextWeight: 0.5 });
 * assertEquals(objective.images(), { labelled: 1, support: { rotation: 1 } });
 * ```
 */
export function jointObjective(learner: Learner, options: JointObjectiveOptions): Objective {
  requireArguments("jointObjective", { learner }, { learner: kinds.learner });
  requireOptions("jointObjective", options, {
    tasks: kinds.tasks,
    weighting: is.optional(is.object),
    pretextWeight: is.optional(is.finite),
  });
  return { ...multiTaskObjective(learner, { ...options, wanted: true }), name: "joint" };
}

function multiTaskObjective(
  learner: Learner,
  options: JointObjectiveOptions & { readonly wanted: boolean },
): Omit<Objective, "name"> {
  const { tasks, weighting = equalWeighting(), pretextWeight = 1, wanted } = options;
  const { extents, augment, optimizer } = learner;
  if (tasks.length === 0) {
    throw new RangeError("Cannot train on pretext tasks: found none, expected at least one.");
  }
  const losses: MultiTaskLosses<Params, Batch, Aux> = {
    ...Object.fromEntries(
      tasks.map((task) => [task.name, pretextLoss(task, { learner, factor: pretextWeight })]),
    ),
    ...(wanted && { [WANTED]: wantedLoss(learner) }),
  };
  const names = Object.keys(losses).sort();
  const method = {
    weighting,
    optimizer,
    shared: (path: string) => path.startsWith("encoder"),
  };
  const run = multiTaskStep(losses, method);
  const parts = { tasks, wanted };
  // Methods that judge a step by what it changed look at the batch twice.
  const passes = weighting.observe ? 2 : 1;
  return {
    ...parts,
    images: () => ({
      labelled: wanted ? passes : 0,
      support: Object.fromEntries(
        tasks.map((task) => [task.name, passes * imagesThrough(task, learner)]),
      ),
    }),
    start: (backbone, keys) => {
      const { params, state, optimizer } = startOf(learner, parts, { backbone, keys });
      const { weighting } = multiTaskInit(params, losses, method);
      return { params, optimizer, state: { ...state, weighting } };
    },
    step: (training, table, key, { rows, step, rate, support }) => {
      const labelled = wanted
        ? labelledBatch(table, key, { rows, step, augment, extents })
        : undefined;
      const { weighting: own, ...state } = training.state as Params & {
        readonly weighting: WeightingState;
      };
      const batch: Batch = {
        images: {
          ...Object.fromEntries(
            tasks.map(({ name }) => [name, takeImages(table, support[name]!, extents)]),
          ),
          ...(labelled && { [WANTED]: labelled.images }),
        },
        labels: {
          ...Object.fromEntries(tasks.map(({ name }) => [name, takeLabels(table, support[name]!)])),
          ...(labelled && { [WANTED]: labelled.labels }),
        },
        state,
        ...(labelled && { key: labelled.key }),
      };
      const result = run(
        { params: training.params, optimizer: training.optimizer, weighting: own },
        batch,
        foldIn(labelled?.key ?? foldIn(key, step), LOSSES),
        { rate },
      );
      const metrics: Record<string, Tensor> = {};
      for (const [k, name] of names.entries()) {
        const { loss, metrics: own } = result.aux[name]!;
        metrics[`${name}Weight`] = slice(result.weights, [k]);
        for (const [metric, value] of Object.entries({ loss, ...own })) {
          metrics[name === WANTED ? metric : metricName(name, metric)] = value;
        }
      }
      // What is shown where there is no wanted loss.
      metrics["loss"] ??= meanOfTrees(names.map((name) => result.aux[name]!.loss));
      // Running statistics of the wanted task's images where there are any: those are judged.
      const judged = wanted ? [result.aux[WANTED]!] : names.map((name) => result.aux[name]!);
      return {
        training: {
          params: result.training.params,
          optimizer: result.training.optimizer,
          state: {
            ...meanOfTrees(judged.map((aux) => aux.state)),
            weighting: result.training.weighting,
          },
        },
        metrics,
      };
    },
  };
}

/** The loss of a pretext task, times a factor. */
function pretextLoss(
  task: PretextTask,
  { learner: { encoder }, factor }: { readonly learner: Learner; readonly factor: number },
): MultiTaskLosses<Params, Batch, Aux>[string] {
  return (params, { images, labels, state }, key) => {
    let after = state["encoder"] as Params;
    const { loss, metrics } = task.loss({
      encode: (views, own, options) => {
        const given = { training: true, key: own, ...options } as const;
        const { output, state: next } = encoder.apply(
          params["encoder"] as Params,
          state["encoder"] as Params,
          views,
          given,
        );
        after = next;
        return output;
      },
      head: (params["pretext"] as Readonly<Record<string, Params>>)[task.name]!,
      images: images[task.name]!,
      labels: labels[task.name]!,
      key,
    });
    return { loss: mul(loss, factor), aux: { loss, metrics, state: { encoder: after } } };
  };
}

/** The cross-entropy of the wanted task. */
function wantedLoss({ encoder, head }: Learner): MultiTaskLosses<Params, Batch, Aux>[string] {
  const model = sequential({ encoder, head });
  return (params, { images, labels, state, key }) => {
    const { encoder, head } = params;
    const { output, state: after } = model.apply(
      { encoder: encoder!, head: head! },
      state,
      images[WANTED]!,
      { training: true, key: key! },
    );
    const loss = softmaxCrossEntropy(output, labels[WANTED]!);
    const metrics = { accuracy: accuracy(output, labels[WANTED]!) };
    return { loss, aux: { loss, metrics, state: after } };
  };
}
