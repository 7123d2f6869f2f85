/**
 * The commands: one experiment's own file, and the folder of all of them.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { dataNames } from "../data/data_names.ts";
import { fileError } from "../run/file_error.ts";
import type { KernelTable } from "../adapter/kernel_table.ts";
import type { Stored } from "../machine/mod.ts";
import { Progress, standardError } from "../run/progress.ts";
import { RunFolder, type RunRecord } from "../run/run_folder.ts";
import { printableLines } from "../text/printable.ts";
import { type CommandLine, parseCommandLine } from "./command_line.ts";
import { readConfigFile } from "./config_file.ts";
import { type ConfigLayer, fileLayer, resolveConfig, setLayer } from "./config_layers.ts";
import { type Experiment, experimentKind } from "./define_experiment.ts";
import { type EngineChoice, engineChoices } from "../engine/open_engine.ts";
import { experimentNames, loadExperiment } from "./experiment_folder.ts";
import { assertKernelsFile } from "./kernel_table.ts";
import { measureKernels } from "./measure_kernels.ts";
import { assertNeeds } from "./needs.ts";
import { type Prediction, type PredictionContext, predictionLines } from "./prediction.ts";
import { defaultPreset, loadPresets } from "./presets.ts";
import { runExperiment, type RunOutput, type RunResult } from "./run_experiment.ts";
import { assertUnchanged, isUnchanged } from "./run_record.ts";
import { helpText, listText, usageText } from "./usage.ts";
import { unknownName, UsageError } from "./usage_error.ts";
import { readYaml } from "./yaml_source.ts";

/** Options of both commands. */
export interface CommandOptions {
  /** Arguments (default `Deno.args`). */
  readonly args?: readonly string[];
  /** How the command is called, for usage and record. */
  readonly program?: string;
  /** Where to write (default the streams of the process). */
  readonly output?: RunOutput;
}

/** Options of {@linkcode runExperimentFolder}. */
export interface FolderOptions extends CommandOptions {
  /** Imports a module of the folder: `(url) => import(url)`, written in the folder's own program. */
  readonly load: (url: string) => Promise<unknown>;
}

const COMMAND = {
  args: is.optional(is.listOf(is.text)),
  program: is.optional(is.text),
  output: is.optional(is.objectWith({ print: is.callback, progress: is.object })),
} as const;

/**
 * Runs one experiment from its command line.
 *
 * @param experiment The experiment.
 * @param options Arguments, name of the program, streams.
 * @returns The exit code: 0 finished, 1 failed, 2 wrong usage, 130 or 143 stopped by a signal.
 *
 * @example
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
 * const out = await Deno.makeTempDir();
 * assertEquals(await runCommand(experiment, { args: ["--set", "to=5", "--out", out] }), 0);
 * assertEquals(await runCommand(experiment, { args: ["--set", "two=5", "--out", out] }), 2);
 * await Deno.remove(out, { recursive: true });
 * ```
 */
export async function runCommand(
  experiment: Experiment,
  options: CommandOptions = {},
): Promise<number> {
  requireArguments("runCommand", { experiment }, { experiment: experimentKind });
  requireOptions("runCommand", options, COMMAND);
  const program = options.program ?? `experiments/${experiment.name}.ts`;
  return await reportErrors(program, options, async () => {
    const args = options.args ?? Deno.args;
    const line = parseCommandLine(args);
    if (line.names.length > 0 || line.list) {
      const found = line.list ? "--list" : line.names[0];
      throw new UsageError(
        `Unexpected argument "${found}": this command runs ${experiment.name}. If another was meant, its file was ` +
          `imported and ran: write if (import.meta.main) before runCommand().`,
      );
    }
    return await runLine(experiment, { ...options, line, program, command: [program, ...args] });
  });
}

/**
 * Runs any experiment of a folder: `--list`, or a name and the flags of that experiment. An experiment is
 * a file `<name>.ts` that exports `experiment`.
 *
 * @param folder URL of the folder, ending in a slash.
 * @param options How to import a module; arguments, name of the program, streams.
 * @returns The exit code: 0 finished, 1 failed, 2 wrong usage, 130 or 143 stopped by a signal.
 *
 * @example
 * ```ts
 * import { runExperimentFolder } from "@mutasesumele/toolkit/experiment";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const written: string[] = [];
 * const code = await runExperimentFolder(new URL(`file://${folder}/`), {
 *   load: (url) => import(url),
 *   args: ["missing"],
 *   output: {
 *     print: (line) => written.push(line),
 *     progress: {
 *       write: (text) => written.push(text),
 *       terminal: false,
 *       color: false,
 *       columns: () => 80,
 *       now: () => 0,
 *     },
 *   },
 * });
 * assertEquals(code, 2);
 * await Deno.remove(folder);
 * ```
 */
export async function runExperimentFolder(folder: URL, options: FolderOptions): Promise<number> {
  requireArguments("runExperimentFolder", { folder }, {
    folder: is.kind("a URL", (found) => found instanceof URL),
  });
  requireOptions("runExperimentFolder", options, { ...COMMAND, load: is.callback });
  const program = options.program ?? "deno task experiment";
  return await reportErrors(program, options, async () => {
    const args = options.args ?? Deno.args;
    const line = parseCommandLine(args);
    const names = await experimentNames(folder);
    const load = (name: string) => loadExperiment(name, { folder, load: options.load });
    const print = printerOf(options);
    const [name, surplus] = line.names;
    if (line.list || (line.help && name === undefined)) {
      const list = listText(await Promise.all(names.map(load)));
      print(line.list ? list : `${usageText(`${program} <name>`)}\n\nExperiments:\n${list}`);
      return 0;
    }
    if (name === undefined) {
      throw new UsageError(`Expected the name of an experiment. Valid: ${names.join(", ")}.`);
    }
    if (surplus !== undefined) {
      throw new UsageError(`Unexpected argument "${surplus}" after "${name}".`);
    }
    if (!names.includes(name)) {
      throw new UsageError(unknownName("experiment", { found: name, valid: names }));
    }
    const called = { program: `${program} ${name}`, command: [...program.split(" "), ...args] };
    return await runLine(await load(name), { ...options, ...called, line });
  });
}

/** Prints lines for people on standard output. */
function printerOf({ output }: CommandOptions): (text: string) => void {
  const print = output?.print ?? console.log;
  return (text) => print(printableLines(text));
}

/** Prints lines for people on standard error. */
function loggerOf(output: RunOutput | undefined): (text: string) => void {
  const { write } = output?.progress ?? standardError();
  return (text) => write(`${printableLines(text)}\n`);
}

/** A command line and what is known about its place. */
interface LineOptions extends CommandOptions {
  readonly line: CommandLine;
  readonly program: string;
  readonly command: readonly string[];
}

/** Does what a command line asks of one experiment. */
async function runLine(experiment: Experiment, options: LineOptions): Promise<number> {
  const { line } = options;
  if (line.help) {
    const presets = await loadPresets(experiment);
    const print = printerOf(options);
    print(await helpText(experiment, { program: options.program, presets }));
    return 0;
  }
  const result = line.resume === undefined
    ? await begin(experiment, options)
    : await resume(experiment, { ...options, path: line.resume });
  return result.exitCode;
}

async function begin(experiment: Experiment, options: LineOptions): Promise<RunResult> {
  const { line } = options;
  await assertData(line.data);
  await assertKernelsFile(line.kernels);
  const presets = await loadPresets(experiment);
  const preset = line.preset ?? (presets.names.includes(defaultPreset) ? defaultPreset : null);
  const layers: ConfigLayer[] = [...presets.common];
  if (preset !== null) layers.push(presets.layer(preset));
  if (line.config !== undefined) layers.push(fileLayer(await readConfigFile(line.config)));
  for (const assignment of line.set) layers.push(await setLayer(assignment));
  const config = await resolveConfig(experiment.schema, layers);
  assertNeeds(experiment, config, line);
  const { seed, engine, data, memory, offline, halfPrecision } = line;
  const measure = async () =>
    line.measureKernels ? await measured(experiment, options, config) : undefined;
  if (line.dryRun) {
    const { name } = experiment;
    const table = await measure();
    const run = {
      ...{ experiment: name, preset, seed, engine, data },
      ...(halfPrecision && { halfPrecision }),
      config,
    };
    const prediction = await predict(experiment, options, run);
    printerOf(options)(
      JSON.stringify({
        ...run,
        ...(table && { kernels: table.path }),
        ...(prediction && { prediction }),
      }),
    );
    return { exitCode: 0, path: "" };
  }
  const request = {
    ...{ config, seed, engine, data, preset, memory, offline, halfPrecision },
    ...{ kernels: line.kernels, command: options.command },
    ...(options.output ? { output: options.output } : {}),
  };
  if (line.folder === undefined) {
    await measure();
    return await runExperiment(experiment, { ...request, folder: { root: line.out } });
  }
  const { folder, begun } = await RunFolder.at(line.folder);
  try {
    if (!begun) {
      await measure();
      return await runExperiment(experiment, { ...request, folder: { begin: folder } });
    }
    await assertSameRun(folder, { experiment, ...request });
    if (line.measureKernels) {
      loggerOf(options.output)(`${folder.path} goes on with its own kernels; nothing is measured.`);
    }
    return await runExperiment(experiment, { ...request, folder: { resume: folder } });
  } finally {
    folder.close();
  }
}

/** Measures the kernels of a run that has not begun; one that has goes on with those in its record. */
async function measured(
  experiment: Experiment,
  { line, output }: LineOptions,
  config: unknown,
): Promise<Stored<KernelTable>> {
  const { seed, engine, data, memory, halfPrecision } = line;
  const progress = new Progress(output?.progress ?? standardError());
  try {
    return await measureKernels(experiment, config, {
      ...{ seed, engine, data, memory, halfPrecision },
      log: (text) => progress.log(text),
      note: (text) => progress.note(text),
    });
  } finally {
    progress.end();
  }
}

/** Says on standard error what a run will take, where the experiment can. */
async function predict(
  experiment: Experiment,
  { line, output }: LineOptions,
  { config, seed, engine, data }: Pick<PredictionContext, "seed" | "engine" | "data"> & {
    readonly config: unknown;
  },
): Promise<Prediction | undefined> {
  if (!experiment.predict || !line.predict) return undefined;
  const log = loggerOf(output);
  const { memory, halfPrecision, kernels } = line;
  const found = await experiment.predict(config, {
    ...{ seed, engine, data, memory, halfPrecision, kernels, log },
  });
  const lines = typeof found === "string" ? [found] : predictionLines(found);
  log(lines.join("\n"));
  return typeof found === "string" ? undefined : found;
}

/** Checks that a folder holds the run that the command line asks for. */
async function assertSameRun(
  folder: RunFolder,
  { experiment, config, seed, engine, data }: {
    readonly experiment: Experiment;
    readonly config: unknown;
    readonly seed: number;
    readonly engine: EngineChoice;
    readonly data: string;
  },
): Promise<void> {
  const { hash, data: recorded } = await folder.readRecord();
  await assertUnchanged(folder, { experiment: experiment.name, config, seed, engine, hash });
  if (data === recorded) return;
  throw new UsageError(
    `Cannot go on in ${folder.path} with data "${data}": it began with "${recorded}".`,
  );
}

async function resume(
  experiment: Experiment,
  options: LineOptions & { readonly path: string },
): Promise<RunResult> {
  const { memory, offline, kernels } = options.line;
  await assertKernelsFile(kernels);
  const folder = await RunFolder.open(options.path);
  try {
    const file = folder.file("config.yaml");
    const record = await folder.readRecord();
    if (record.experiment !== experiment.name) {
      throw new UsageError(
        `Cannot resume ${options.path} as ${experiment.name}: it is a run of ${record.experiment}.`,
      );
    }
    // What people may write is less, and shorter than what is noted of an adapter: it is for what was changed.
    const layer = isUnchanged(record)
      ? fileLayer({ value: record.config, place: () => file })
      : fileLayer(await readYaml(await Deno.readTextFile(file), file), ["config"]);
    const config = await resolveConfig(experiment.schema, [layer]);
    await assertUnchanged(folder, { ...record, config });
    return await runExperiment(experiment, {
      config,
      seed: record.seed,
      engine: recordedEngine(record, file),
      data: record.data,
      preset: record.preset,
      command: options.command,
      ...{ memory, offline, kernels },
      ...(options.line.halfPrecision && { halfPrecision: true }),
      folder: { resume: folder },
      ...(options.output ? { output: options.output } : {}),
    });
  } finally {
    folder.close();
  }
}

function recordedEngine(record: RunRecord, file: string): EngineChoice {
  const engine = engineChoices.find((choice) => choice === record.engine);
  if (engine !== undefined) return engine;
  throw new UsageError(
    `${file}: ${unknownName("engine", { found: record.engine, valid: engineChoices })}`,
  );
}

/** A misspelt folder must not cost a run folder. */
async function assertData(data: string): Promise<void> {
  if (dataNames().includes(data)) return;
  let info: Deno.FileInfo | undefined;
  try {
    info = await Deno.stat(data);
  } catch (cause) {
    const denied = cause instanceof Deno.errors.NotCapable;
    if (denied) throw fileError("look for the data in", { path: data, cause });
  }
  if (info?.isDirectory || info?.isFile) return;
  throw new UsageError(
    `Flag --data got "${data}", which is no folder. Expected a folder, an archive, or one of ${
      dataNames().join(", ")
    }.`,
  );
}

/** Shows errors before the run began: wrong usage without stack as 2, everything else as 1. */
async function reportErrors(
  program: string,
  options: CommandOptions,
  command: () => Promise<number>,
): Promise<number> {
  const { write } = options.output?.progress ?? standardError();
  try {
    return await command();
  } catch (error) {
    if (error instanceof UsageError) {
      write(`${printableLines(error.message)}\nSee: ${program} --help\n`);
      return 2;
    }
    write(`Error: ${printableLines(error instanceof Error ? error.message : String(error))}\n`);
    return 1;
  }
}
