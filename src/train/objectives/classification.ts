/**
 * The objective of supervised training.
 *
 * @module
 */
import * as kinds from "../kinds.ts";
import { requireArguments } from "../../ir/options.ts";
import { sequential } from "../../nn/mod.ts";
import { type Learner, type Objective, startOf } from "./objective.ts";
import {
  classifierStep,
  type StepInputs,
  type TrainingState,
  type TrainStep,
} from "./train_classifier.ts";

/**
 * Lowers the cross-entropy of the wanted task on augmented labelled images.
 *
 * @param learner Backbone, head, optimizer.
 * @returns The objective.
 *
 * @example
 * ```ts
 * import { flattenLayer, linear, sgd } from "@mutasesumele/toolkit";
 * import { classificationObjective } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const objective = classificationObjective({
 *   encoder: flattenLayer(),
 *   embedding: 12,
 *   head: linear({ inputs: 12, outputs: 10 }),
 *   optimizer: sgd(),
 *   augment: (images) => images,
 *   extents: { height: 2, width: 2, channels: 3 },
 * });
 * assertEquals(objective.wanted, true);
 * ```
 */
export function classificationObjective(learner: Learner): Objective {
  requireArguments("classificationObjective", { learner }, { learner: kinds.learner });
  const { encoder, head } = learner;
  const parts = { tasks: [], wanted: true };
  return {
    name: "classification",
    ...parts,
    images: () => ({ labelled: 1, support: {} }),
    start: (backbone, keys) => startOf(learner, parts, { backbone, keys }),
    step: classifierStep({ ...learner, model: sequential({ encoder, head }) }) as TrainStep<
      TrainingState,
      StepInputs
    >,
  };
}
