/**
 * Training: objectives, steps, stages and their loop, evaluation and guards.
 *
 * @example What is drawn depends on seed, phase and step, and on nothing else
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ImageDraws } from "@mutasesumele/toolkit/train";
 *
 * const draws = new ImageDraws({ seed: 0, batchSize: 2 });
 * const rows = Int32Array.of(3, 5, 7, 9);
 * assertEquals(draws.labelled({ phase: "train", rows, step: 0 }).length, 2);
 * ```
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
export * from "./fit.ts";
export { guardMetaTraining, type MetaTrainingGuardOptions } from "./guard_meta_training.ts";
export {
  type Adapt,
  ImagePrograms,
  type ImageProgramsOptions,
  type Judging,
  type ObjectivePrograms,
  type Side,
  type Top,
} from "./image_programs.ts";
export { ImageJudge } from "./image_judge.ts";
export { ImageSetting, type ImageTrainingOptions } from "./image_setting.ts";
export type { ImageTask } from "./image_task.ts";
export * from "./image_training.ts";
export { type DrawnFrom, ImageDraws } from "./image_draws.ts";
export * from "./gradient_alignment.ts";
export * from "./linear_probe.ts";
export { backboneOf, withHead } from "./model_parts.ts";
export * from "./nearest_neighbours.ts";
export * from "./refresh_statistics.ts";
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
} from "./objectives/meta_train.ts";
export * from "./objectives/mod.ts";
export * from "./random_streams.ts";
export * from "./run_stage.ts";
export * from "./stage_checkpoints.ts";
export { type ImageSource, type StreamReport } from "./streamed_steps.ts";
export * from "./streamed_tables.ts";
export * from "./task_pictures.ts";
export * from "./objectives/train_classifier.ts";
export * from "./training_needs.ts";
export * from "./placebos/mod.ts";
export * from "./protocols/mod.ts";
