/**
 * Run folders and everything that is written in them: metrics, events, checkpoints, progress, each file whole
 * or as it was.
 *
 * @example A run folder with metrics that TensorBoard reads
 * ```ts
 * import { MetricsLog, readMetrics, RunFolder } from "@mutasesumele/toolkit/run";
 * import { assertEquals } from "@std/assert";
 *
 * const root = await Deno.makeTempDir();
 * using folder = await RunFolder.create({ root, experiment: "demo", seed: 0 });
 * using log = MetricsLog.open(folder.path);
 * log.write({ arm: "meta", phase: "train", step: 1, loss: 0.5 });
 * log.sync();
 * assertEquals((await readMetrics(folder.file("metrics.jsonl"))).length, 1);
 * await Deno.remove(root, { recursive: true });
 * ```
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
export { formatSeconds } from "./duration.ts";
export { checkMetricsPosition, MetricsLog, type MetricsPosition } from "./metrics_log.ts";
export { Progress, type ProgressOutput, type ProgressStage, standardError } from "./progress.ts";
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
