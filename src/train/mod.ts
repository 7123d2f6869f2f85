/**
 * Training: objectives, steps, stages and their loop, evaluation and guards.
 *
 * @module
 */
export {
  FiniteCheck,
  type FiniteFindings,
  type NonFiniteTensor,
  type PendingCounts,
} from "./check_finite.ts";
export * from "./compiled_stage.ts";
export * from "./device_images.ts";
export * from "./evaluate_classifier.ts";
export { guardMetaTraining, type MetaTrainingGuardOptions } from "./guard_meta_training.ts";
export type { ImageTrainingOptions } from "./image_programs.ts";
export * from "./image_training.ts";
export * from "./linear_probe.ts";
export {
  adaptToTasks,
  type MetaStepInputs,
  type MetaTrainGradient,
  metaTrainGradient,
  type MetaTrainGradientOf,
  type MetaTraining,
  type MetaTrainOptions,
  type MetaTrainParams,
  type MetaTrainState,
  metaTrainStep,
} from "./meta_train.ts";
export * from "./random_streams.ts";
export * from "./run_stage.ts";
export * from "./stage_checkpoints.ts";
export * from "./train_classifier.ts";
export * from "./training_needs.ts";
