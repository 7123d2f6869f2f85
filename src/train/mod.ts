/**
 * Training: steps, loops and evaluation, and everything they write: run folders, metrics,
 * checkpoints, progress.
 *
 * @module
 */
export type { FilePosition } from "./append_file.ts";
export { removeTemporaryFiles, writeFileAtomic } from "./atomic_write.ts";
export {
  type CheckpointEntry,
  CheckpointStore,
  type LatestOptions,
  loadCheckpoint,
  type LoadedCheckpoint,
  saveCheckpoint,
} from "./checkpoint.ts";
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
export { formatMetricRecord, type MetricRecord, MetricsWriter, readMetrics } from "./metrics.ts";
export { checkMetricsPosition, MetricsLog, type MetricsPosition } from "./metrics_log.ts";
export {
  formatSeconds,
  Progress,
  type ProgressOutput,
  type ProgressStage,
  standardError,
} from "./progress.ts";
export * from "./random_streams.ts";
export { RunFolder, type RunRecord, type RunStatus } from "./run_folder.ts";
export {
  decodeSafetensors,
  encodeSafetensors,
  type StoredDtype,
  type StoredTensor,
  type TensorFile,
} from "./safetensors.ts";
export * from "./run_stage.ts";
export * from "./stage_checkpoints.ts";
export * from "./stored_tree.ts";
export * from "./train_classifier.ts";
export * from "./training_needs.ts";
export { TensorBoardWriter } from "./tensorboard.ts";
