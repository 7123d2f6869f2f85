/**
 * What an experiment gets to work with.
 *
 * @module
 */
import type { EngineChoice, EngineOptions } from "../engine/open_engine.ts";
import type { MetricsLog, MetricsPosition } from "../run/metrics_log.ts";
import type { Progress } from "../run/progress.ts";
import type { RunFolder } from "../run/run_folder.ts";

/**
 * What an experiment gets to work with.
 *
 * @typeParam Config The validated configuration.
 */
export interface ExperimentContext<Config> {
  /** The validated configuration, defaults filled in. */
  readonly config: Config;
  /** Seed of all randomness, a 32-bit natural number. */
  readonly seed: number;
  /** Engine asked for; in a resumed run the same as at its begin. */
  readonly engine: EngineChoice;
  /** Data asked for: a folder, an archive or the name of a data set; for `loadData`. */
  readonly data: string;
  /** Most bytes of device memory, if the command line says; among the options of the engine. */
  readonly memory: number | undefined;
  /**
   * Options for every engine that the run opens: the budget of memory, the signal that ends compiling,
   * what finds the profile of the adapter, and who is told when the run waits for a device.
   */
  readonly engineOptions: Pick<
    EngineOptions,
    "byteBudget" | "signal" | "onWork" | "profile" | "kernels" | "halfPrecision"
  >;
  /** Whether nothing may be downloaded. */
  readonly offline: boolean;
  /** Where everything of the run is written. */
  readonly folder: RunFolder;
  /** `true` if the folder may hold checkpoints to go on from. */
  readonly resumed: boolean;
  /** The live line on standard error. */
  readonly progress: Progress;
  /**
   * Aborted by SIGINT or SIGTERM: write a checkpoint and return or throw soon. A second signal ends the
   * process at once.
   */
  readonly signal: AbortSignal;
  /** Prints a line on standard error, above the live line. */
  log(line: string): void;
  /** Prints a line on standard output, for programs to read. */
  print(line: string): void;
  /**
   * Notes what was found at run time (engine, adapter, data set, ...) in `config.yaml`. In a resumed run,
   * what differs from before is logged, since it may change the numbers.
   *
   * @param environment Facts by name.
   * @param options `binding`: names of facts that a resumed run must find as they were, such as the hash
   * of the data.
   * @throws {Error} If a binding fact differs.
   */
  describe(
    environment: Readonly<Record<string, unknown>>,
    options?: { readonly binding?: readonly string[] },
  ): Promise<void>;
  /**
   * Opens `metrics.jsonl` and the TensorBoard events; closed when the run ends.
   *
   * @param options `resumeAt`: the position noted in the checkpoint that the run goes on from (default:
   * begin again).
   */
  openMetrics(options?: { readonly resumeAt?: MetricsPosition }): MetricsLog;
}
