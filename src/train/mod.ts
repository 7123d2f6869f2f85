/**
 * Run folders, metrics, checkpoints and progress: everything a training loop writes.
 *
 * @module
 */
export { writeFileAtomic } from "./atomic_write.ts";
export {
  type CheckpointEntry,
  CheckpointStore,
  loadCheckpoint,
  type LoadedCheckpoint,
  saveCheckpoint,
} from "./checkpoint.ts";
export { formatMetricRecord, type MetricRecord, MetricsWriter, readMetrics } from "./metrics.ts";
export { MetricsLog, type MetricsPosition } from "./metrics_log.ts";
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
export { TensorBoardWriter } from "./tensorboard.ts";
