/**
 * What a training step can lower.
 *
 * @module
 */
export { alignmentObjective, type AlignmentObjectiveOptions } from "./alignment.ts";
export { classificationObjective } from "./classification.ts";
export { type MetaObjective, metaObjective, type MetaObjectiveOptions } from "./meta.ts";
export {
  jointObjective,
  type JointObjectiveOptions,
  type MultiTaskObjectiveOptions,
  pretextObjective,
} from "./multi_task.ts";
export type { HeadKeys, ImagesOfStep, Learner, Objective, ObjectiveInputs } from "./objective.ts";
