/**
 * Runs an experiment in a run folder of its own, and notes how it ended.
 *
 * @module
 */
import { describe } from "../ir/describe.ts";
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { MetricsLog } from "../run/metrics_log.ts";
import { Progress, type ProgressOutput, standardError } from "../run/progress.ts";
import { RunFolder } from "../run/run_folder.ts";
import { printableLines } from "../text/printable.ts";
import { type Experiment, experimentKind } from "./define_experiment.ts";
import type { EngineChoice } from "../engine/open_engine.ts";
import { profileFinder } from "./adapter_profile.ts";
import { kernelFinder } from "./kernel_table.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { ExperimentContext } from "./experiment_context.ts";
import {
  differences,
  newRecord,
  recordedHalfPrecision,
  resumedRecord,
  writeBeginning,
} from "./run_record.ts";
import { listenForSignals, signalExitCode } from "./signals.ts";
import { UsageError } from "./usage_error.ts";
import { SplitNotes } from "./split_notes.ts";

/** What to run. */
export interface RunRequest<Config> {
  /** The validated configuration. */
  readonly config: Config;
  /** Seed of all randomness. */
  readonly seed: number;
  /** Engine asked for. */
  readonly engine: EngineChoice;
  /** Data asked for. */
  readonly data: string;
  /** Preset that the configuration came from, `null` for none. */
  readonly preset: string | null;
  /** The command line, for the record. */
  readonly command: readonly string[];
  /** Most bytes of device memory; the engine's default unless told. */
  readonly memory?: number | undefined;
  /** Whether nothing may be downloaded. */
  readonly offline?: boolean;
  /** Whether engines may compute in half precision. A resumed run takes it from its record, and may not be told otherwise. */
  readonly halfPrecision?: boolean;
  /** File with a copy of a table of kernels; the adapter's own unless told. */
  readonly kernels?: string | undefined;
  /** A new folder below this one, this locked new one, or the locked folder of an earlier run. */
  readonly folder:
    | { readonly root: string }
    | { readonly begin: RunFolder }
    | { readonly resume: RunFolder };
}

/** Where a run writes; the process's own streams by default. */
export interface RunOutput {
  /** Writes a line on standard output. */
  readonly print: (line: string) => void;
  /** Where progress and messages go. */
  readonly progress: ProgressOutput;
}

/** How a run ended. */
export interface RunResult {
  /** 0 finished, 1 failed, 130 SIGINT, 143 SIGTERM. */
  readonly exitCode: number;
  /** The run folder. */
  readonly path: string;
}

/**
 * Runs an experiment: makes or reopens the run folder, writes `config.yaml`, and `begun.json` for a
 * resumed run to compare with, calls the experiment, notes
 * the end in `status.json` and errors in `error.txt`, and prints the folder as the last line.
 *
 * @param experiment The experiment.
 * @param request What to run, and optionally where to write.
 * @returns Exit code and folder; the folder stays also when the run fails.
 * @throws {UsageError} If the schema of the experiment refuses the configuration.
 * @throws {Error} If the run folder cannot be made or written at the start.
 *
 * @example
 * ```ts
 * import { defineExperiment, runExperiment } from "@mutasesumele/toolkit/experiment";
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
 * const root = await Deno.makeTempDir();
 * const { exitCode, path } = await runExperiment(experiment, {
 *   config: { to: 5 },
 *   seed: 0,
 *   engine: "reference",
 *   data: "synthetic",
 *   preset: null,
 *   command: ["example"],
 *   folder: { root },
 * });
 * assertEquals(exitCode, 0);
 * assertEquals(JSON.parse(await Deno.readTextFile(`${path}/summary.json`)), { last: 5 });
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export async function runExperiment<Config>(
  experiment: Experiment<Config>,
  request: RunRequest<Config> & { readonly output?: RunOutput },
): Promise<RunResult> {
  requireArguments("runExperiment", { experiment }, { experiment: experimentKind });
  requireOptions("runExperiment", request, {
    config: is.object,
    seed: is.natural,
    engine: is.name,
    data: is.name,
    preset: is.kind("a text or null", (found) => found === null || is.text.holds(found)),
    command: is.listOf(is.text),
    memory: is.optional(is.positive),
    offline: is.optional(is.flag),
    halfPrecision: is.optional(is.flag),
    kernels: is.optional(is.name),
    folder: is.object,
    output: is.optional(is.objectWith({ print: is.callback, progress: is.object })),
  });
  const config = validConfig(experiment, request.config);
  const output = request.output ?? { print: printLine, progress: standardError() };
  const progress = new Progress(output.progress);
  const log = (line: string) => progress.log(line);
  const resumed = "resume" in request.folder;
  using folder = await openFolder(experiment.name, request);
  const { path } = folder;
  const finish = (exitCode: number): RunResult => {
    progress.above(() => output.print(printableLines(path)));
    return { exitCode, path };
  };
  if (resumed && (await folder.readStatus())?.state === "finished") {
    log(`${path} is finished already; nothing to do.`);
    return finish(0);
  }
  let record = resumed
    ? await resumedRecord(folder, { ...request, log })
    : await newRecord(experiment.name, { ...request, config });
  const halfPrecision = recordedHalfPrecision(record, request.halfPrecision);
  try {
    if (!resumed) await writeBeginning(folder, record);
    await folder.writeRecord(record);
    await folder.writeStatus({ state: "running", date: new Date().toISOString() });
  } catch (error) {
    // A run that could not begin leaves nothing.
    if (!resumed) await Deno.remove(path, { recursive: true }).catch(() => undefined);
    throw error;
  }
  log(
    `${experiment.name}: ${resumed ? "resumed, " : ""}preset ${record.preset ?? "none"}, ` +
      `seed ${record.seed}, engine ${record.engine}, data ${record.data}, folder ${path}`,
  );

  using signals = listenForSignals((name) => log(`${name}: stopping; once more ends at once.`));
  using heartbeat = new Heartbeat(path, progress);
  const splits = new SplitNotes({ describe: (facts) => context.describe(facts), log });
  const logs: MetricsLog[] = [];
  const context: ExperimentContext<Config> = {
    config,
    seed: request.seed,
    engine: request.engine,
    data: request.data,
    memory: request.memory,
    engineOptions: {
      ...(request.memory !== undefined && { byteBudget: request.memory }),
      ...(halfPrecision && { halfPrecision }),
      signal: signals.signal,
      profile: profileFinder({
        resumed,
        environment: () => record.environment,
        describe: (facts) => context.describe(facts),
        log,
        note: (text) => progress.note(text),
      }),
      kernels: kernelFinder({
        resumed,
        environment: () => record.environment,
        describe: (facts) => context.describe(facts),
        log,
        find: { halfPrecision },
        ...(request.kernels !== undefined && { file: request.kernels }),
      }),
      onWork: (work) => {
        heartbeat.tell(work);
        splits.tell(work);
        if (work.kind !== "compile") return;
        const { name, begun, total } = work;
        progress.note(
          total === undefined
            ? `compiling ${name === "anonymous" ? "a program" : name}`
            : `compiling: ${begun} of ${total} kernels`,
        );
      },
    },
    offline: request.offline ?? false,
    folder,
    resumed,
    progress,
    signal: signals.signal,
    log,
    print: (line) => progress.above(() => output.print(printableLines(line))),
    describe: async (environment, { binding = [] } = {}) => {
      for (const { key, text } of differences(record.environment, environment)) {
        if (resumed && binding.includes(key)) {
          throw new Error(
            `Cannot resume ${path} with another ${text}: its numbers would not be those of one run. ` +
              `Give back what it began with, or start a new run.`,
          );
        }
        if (resumed) log(`Resumed with another ${text}: numbers may differ.`);
      }
      record = { ...record, environment: { ...record.environment, ...environment } };
      await folder.writeRecord(record);
    },
    openMetrics: (options = {}) => {
      const metrics = MetricsLog.open(path, options);
      logs.push(metrics);
      return metrics;
    },
  };
  let failure: unknown;
  let failed = false;
  try {
    await untilFailure(() => experiment.run(context));
    await splits.finish();
  } catch (error) {
    failure = error;
    failed = true;
  }
  progress.end();
  for (const metrics of logs) metrics.close();

  const date = new Date().toISOString();
  const stopped = signals.received();
  const expected = !failed || (failure instanceof DOMException && failure.name === "AbortError");
  if (stopped !== undefined && expected) {
    await folder.writeStatus({ state: "interrupted", date, error: `stopped by ${stopped}` });
    log(`Stopped by ${stopped}. Go on with: ${asBegun(request.command)} --resume ${path}`);
    return finish(signalExitCode(stopped));
  }
  if (failed) {
    log(`Error: ${await noteFailure(folder, failure)}`);
    return finish(1);
  }
  await folder.writeStatus({ state: "finished", date });
  await Deno.remove(folder.file("error.txt")).catch(() => undefined);
  const report = folder.file("report.html");
  const { isFile } = await Deno.stat(report).catch(() => ({ isFile: false }));
  if (isFile) log(`report: ${report}`);
  return finish(0);
}

/** The command without its flags: those of a resumed run stand in its record. */
function asBegun(command: readonly string[]): string {
  const flags = command.findIndex((word) => word.startsWith("--"));
  return command.slice(0, flags < 0 ? undefined : flags).join(" ");
}

async function openFolder(
  experiment: string,
  { folder, seed }: Pick<RunRequest<unknown>, "folder" | "seed">,
): Promise<RunFolder> {
  if ("resume" in folder) return folder.resume;
  if ("begin" in folder) return folder.begin;
  return await RunFolder.create({ root: folder.root, experiment, seed });
}

/** Runs until the end or until a promise that nobody awaits fails, which would end the process. */
async function untilFailure(run: () => Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const listener = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    reject(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", listener);
  try {
    await Promise.race([run(), promise]);
  } finally {
    globalThis.removeEventListener("unhandledrejection", listener);
  }
}

/** Writes `error.txt` and the status; a disk that is full must not hide the error itself. */
async function noteFailure(folder: RunFolder, failure: unknown): Promise<string> {
  const message = failure instanceof Error ? failure.message : String(failure);
  const details = failure instanceof Error ? describeError(failure) : message;
  const date = new Date().toISOString();
  try {
    await folder.writeStatus({ state: "failed", date, error: message });
    await folder.writeText("error.txt", `${printableLines(details)}\n`);
    return `${message}\nDetails are in ${folder.file("error.txt")}.`;
  } catch (error) {
    return `${message}\nIt could not be noted in the run folder either: ${
      (error as Error).message
    }`;
  }
}

/** Stack of an error and of its causes. */
function describeError(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\nCaused by: ${describeError(error.cause)}` : own;
}

/** What a run prints stands in its folder too: it goes on without standard output. */
function printLine(line: string): void {
  try {
    console.log(line);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    standardError().write(
      `Cannot print on standard output: ${why}. What was to be said: ${line}\n`,
    );
  }
}

/** The configuration with its defaults, as its schema has it. */
function validConfig<Config>({ name, schema }: Experiment<Config>, config: unknown): Config {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) =>
    `${path.length > 0 ? `${path.join(".")}: ` : ""}${message}`
  );
  throw new UsageError(
    `Cannot run ${name}: found ${
      describe(config)
    } as its configuration, expected what its schema takes: ` +
      `${faults.slice(0, 3).join("; ")}.`,
  );
}
