/**
 * Experiments: their definition, their command line, and their run.
 *
 * @example An experiment with a checked configuration; in a file of its own it is a command
 * ```ts
 * import { defineExperiment, runCommand } from "@mutasesumele/toolkit/experiment";
 * import { assertEquals } from "@std/assert";
 * import { z } from "zod";
 *
 * const experiment = defineExperiment({
 *   name: "count",
 *   title: "Counting",
 *   summary: "Counts to a number.",
 *   schema: z.strictObject({ to: z.int().default(3).describe("Last number.") }),
 *   run: ({ config, folder }) => folder.writeSummary({ last: config.to }),
 * });
 * assertEquals(await runCommand(experiment, { args: ["--dry-run", "--set", "to=5"] }), 0);
 * ```
 *
 * @module
 */
export { type ArmOutcome, type ArmReport, writeArmReport } from "./arm_report.ts";
export { type CommandLine, parseCommandLine } from "./command_line.ts";
export type { ConfigIssue, ConfigResult, ConfigSchema } from "./config_schema.ts";
export { permittedDataDirectory } from "./data_folder.ts";
export { type ConfigNeed, defineExperiment, type Experiment } from "./define_experiment.ts";
export { type ExperimentContext } from "./experiment_context.ts";
export { type DataContext, loadData, type LoadDataOptions, streamData } from "./load_data.ts";
export { splitLines } from "./split_notes.ts";
export { type PredictedPhase, type Prediction, type PredictionContext } from "./prediction.ts";
export {
  type CommandOptions,
  type FolderOptions,
  runCommand,
  runExperimentFolder,
} from "./run_command.ts";
export {
  runExperiment,
  type RunOutput,
  type RunRequest,
  type RunResult,
} from "./run_experiment.ts";
export { UsageError } from "./usage_error.ts";
export { toolkitVersion } from "../machine/version.ts";
