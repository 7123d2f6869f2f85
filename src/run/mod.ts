/**
 * Run folders and everything that is written in them: metrics, events, checkpoints, progress, each file whole
 * or as it was.
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
export { formatMetricRecord, type MetricRecord, MetricsWriter, readMetrics } from "./metrics.ts";
export { checkMetricsPosition, MetricsLog, type MetricsPosition } from "./metrics_log.ts";
export {
  formatSeconds,
  Progress,
  type ProgressOutput,
  type ProgressStage,
  standardError,
} from "./progress.ts";
export { RunFolder, type RunRecord, type RunStatus } from "./run_folder.ts";
export {
  decodeSafetensors,
  encodeSafetensors,
  type StoredDtype,
  type StoredTensor,
  type TensorFile,
} from "./safetensors.ts";
export * from "./stored_tree.ts";
export { type EventImage, TensorBoardWriter } from "./tensorboard.ts";
