/**
 * The objective of meta-training: pretext tasks inside, the wanted task outside.
 *
 * @module
 */
import * as kinds from "../kinds.ts";
import * as is from "../../ir/kinds.ts";
import { requireArguments, requireOptions } from "../../ir/options.ts";
import type { InnerLoopOptions, MetaOrder } from "../../meta/mod.ts";
import { multiTaskInit, type Weighting } from "../../multitask/mod.ts";
import type { Params } from "../../nn/mod.ts";
import type { PretextTask } from "../../pretext/mod.ts";
import type { Placebo } from "../placebos/mod.ts";
import { imagesThrough } from "./images_through.ts";
import { type MetaTrainOptions, metaTrainStep } from "./meta_train.ts";
import { type Learner, type Objective, type ObjectiveInputs, startOf } from "./objective.ts";
import type { TrainingState, TrainStep } from "./train_classifier.ts";

/** How a backbone is meta-trained; see {@linkcode MetaTrainOptions}. */
export interface MetaObjectiveOptions {
  /** The pretext tasks; each adapts a copy of the backbone on its own. */
  readonly tasks: readonly PretextTask[];
  /** The inner loop. */
  readonly inner: InnerLoopOptions;
  /** Exact or first order. */
  readonly order: MetaOrder;
  /** A control that changes the inner loops; none unless told. */
  readonly placebo?: Placebo;
  /** How the outer losses of the tasks are weighed; the mean unless told. */
  readonly weighting?: Weighting;
  /** How much the pretext heads learn from their own losses and from the outer loss; 1 and 1 unless told. */
  readonly heads?: { readonly own: number; readonly outer: number };
}

/** An objective whose backbone is meant to be adapted. */
export interface MetaObjective extends Objective {
  /** What the step is made of. */
  readonly meta: MetaTrainOptions;
  /** What it was made by. */
  readonly options: MetaObjectiveOptions;
}

/**
 * Lowers the loss of the wanted task at copies of the backbone that were adapted to pretext tasks
 * (MAML, arXiv 1703.03400, with self-supervised inner losses). With the task `classification` inside,
 * it is plain supervised MAML.
 *
 * @param learner Backbone, head, outer optimizer.
 * @param options Tasks, inner loop, order, placebo.
 * @returns The objective.
 * @throws {RangeError} If there is no task.
 *
 * @example
 * ```ts
 * import { flattenLayer, linear, rotation, sgd } from "@mutasesumele/toolkit";
 * import { metaObjective } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const objective = metaObjective({
 *   encoder: flattenLayer(),
 *   embedding: 12,
 *   head: linear({ inputs: 12, outputs: 10 }),
 *   optimizer: sgd(),
 *   augment: (images) => images,
 *   extents: { height: 2, width: 2, channels: 3 },
 * }, {
 *   tasks: [rotation({ hidden: 4 })],
 *   inner: { innerSteps: 2, innerRate: 0.1, optimizer: sgd() },
 *   order: "exact",
 * });
 * assertEquals(objective.images(), { labelled: 1, support: { rotation: 2 } });
 * ```
 */
export function metaObjective(learner: Learner, options: MetaObjectiveOptions): MetaObjective {
  requireArguments("metaObjective", { learner }, { learner: kinds.learner });
  requireOptions("metaObjective", options, {
    tasks: kinds.tasks,
    inner: is.object,
    order: is.oneOf("exact", "first"),
    placebo: is.optional(is.object),
    weighting: is.optional(is.object),
    heads: is.optional(is.objectWith({ own: is.finite, outer: is.finite })),
  });
  const { tasks, weighting, inner: { innerSteps } } = options;
  if (tasks.length === 0) {
    throw new RangeError("Cannot meta-train without pretext tasks: expected at least one.");
  }
  const meta: MetaTrainOptions = { ...learner, ...options };
  const parts = { tasks, wanted: true };
  return {
    name: "meta",
    meta,
    options,
    ...parts,
    images: () => ({
      labelled: tasks.length,
      support: Object.fromEntries(
        tasks.map((task) => [task.name, innerSteps * imagesThrough(task, learner)]),
      ),
    }),
    start: (backbone, keys) => {
      const start = startOf(learner, parts, { backbone, keys });
      if (!weighting) return start;
      const { params } = start;
      const names = Object.fromEntries(tasks.map(({ name }) => [name, noLoss]));
      const { weighting: state } = multiTaskInit(params["encoder"] as Params, names, {
        weighting,
        optimizer: learner.optimizer,
      });
      return { ...start, state: { ...start.state, weighting: state } };
    },
    step: metaTrainStep(meta) as unknown as TrainStep<TrainingState, ObjectiveInputs>,
  };
}

/** Stands for losses that are counted only. */
function noLoss(): never {
  throw new Error("Cannot take the loss of a task that is counted only: this is a fault.");
}
