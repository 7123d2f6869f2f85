/**
 * `deno task sweep`: runs all units of an experiment, some at a time, and goes on where it was stopped.
 *
 * @module
 */
import { listenForSignals, signalExitCode, type StopSignal } from "../../experiment/signals.ts";
import { UsageError } from "../../experiment/usage_error.ts";
import { fileError } from "../../run/file_error.ts";
import { type ProgressOutput, standardError } from "../../run/progress.ts";
import { excerpt } from "../../text/printable.ts";
import { type CommandOutput, readFlags, reportFaults, standardOutput } from "../flags.ts";
import { dryRunSweep, resolveRun } from "./dry_run.ts";
import { assertSameConfigurations, assertSameStudy, writeManifest } from "./manifest.ts";
import { runSweep } from "./run_sweep.ts";
import { parseSeeds } from "../seed_list.ts";
import { submitArray } from "./slurm.ts";
import { withStudyKernels } from "./study_kernels.ts";
import { type SweepUnit, sweepUnits } from "./sweep_units.ts";
import {
  logTail,
  resumeArguments,
  startLogged,
  unitArguments,
  type UnitCommand,
} from "./unit_process.ts";
import { readUnitState, type UnitStateName } from "./unit_state.ts";

const PROGRAM = "deno task sweep";

const USAGE = `Usage: ${PROGRAM} EXPERIMENT [flags]

Runs every arm in every regime with every seed, each as a process of its own in runs/STUDY/REGIME/ARM/seed-N,
and goes on where an earlier sweep stopped. Several sweeps may share a folder. Exit code 0: all units are
done; 1: some failed; 130, 143: stopped by a signal.

Flags:
  --arms A,B         arms (default all)
  --regimes R,S      regimes (default all)
  --seeds LIST       seeds, such as 0-4,7 (default 0-4)
  --jobs N           units at a time (default 1)
  --measure-kernels  first measure, for about 20 s and once for the study, which kernels are the fastest for the
                     shapes of these arms and regimes on this machine's adapter; all units compute by them
  --retry            run again what failed before
  --slurm            submit the units as an array job of Slurm, and return
  --partition NAME   its partition; with --sbatch OPTION more, such as --sbatch=--gres=gpu:1
  --dry-run          list the units, how far they are and what they will take in time and memory, with
                     --jobs at a time; write and start nothing. Other flags count as in the sweep itself
  --no-predict       with --dry-run: do not say what they will take, which costs seconds an arm and regime
  --out FOLDER       folder of the study (default runs/EXPERIMENT)
  --preset, --config, --set, --data, --engine, --half-precision, --memory, --offline
                     as of deno task experiment
  --help             this text`;

/** Options of {@linkcode sweepCommand}. */
export interface SweepCommandOptions {
  /** How an experiment is run (default `deno run -P=launch src/experiment/launch.ts`). */
  readonly program?: readonly string[];
  /** Of an arm: the arms that get the same name take as long, and one of them is predicted (default itself). */
  readonly kindOf?: (arm: string) => string;
  /** Where to write (default the streams of the process). */
  readonly output?: CommandOutput;
  /** Where the live table goes (default standard error). */
  readonly progress?: ProgressOutput;
}

/**
 * Runs the command.
 *
 * @param args Arguments.
 * @param options How experiments are run, and where to write.
 * @returns Exit code.
 */
export async function sweepCommand(
  args: readonly string[],
  {
    output = standardOutput,
    progress = standardError(),
    program = experimentProgram(),
    kindOf = (arm) => arm,
  }: SweepCommandOptions = {},
): Promise<number> {
  return await reportFaults(PROGRAM, output, async () => {
    const { names, values, given } = readFlags(args, {
      value: [
        ...["arms", "regimes", "seeds", "jobs", "out", "partition", "sbatch"] as const,
        ...["preset", "config", "set", "data", "engine", "memory"] as const,
      ],
      repeated: ["set", "sbatch"],
      plain: [
        "retry",
        "slurm",
        "dry-run",
        "no-predict",
        "half-precision",
        "measure-kernels",
        "offline",
        "help",
      ],
    });
    if (given.help) {
      output.print(USAGE);
      return 0;
    }
    const [experiment, surplus] = names;
    if (experiment === undefined) {
      throw new UsageError(
        "Expected the name of an experiment. See them: deno task experiment --list",
      );
    }
    if (surplus !== undefined) throw new UsageError(`Unexpected argument "${excerpt(surplus)}".`);
    const flag = (name: keyof typeof values) =>
      values[name].flatMap((value) => [`--${name}`, value]);
    const asked: UnitCommand = {
      program,
      experiment,
      decisive: [
        ...(["preset", "config", "set", "data", "engine"] as const).flatMap(flag),
        ...(given["half-precision"] ? ["--half-precision"] : []),
      ],
      others: [...flag("memory"), ...(given.offline ? ["--offline"] : [])],
    };
    const seeds = seedsOf(values.seeds[0] ?? "0-4");
    const jobs = jobsOf(values.jobs[0] ?? "1");
    const stray = (["partition", "sbatch"] as const).find((name) => values[name].length > 0);
    if (stray !== undefined && !given.slurm) {
      throw new UsageError(`Flag --${stray} is for --slurm.`);
    }
    const dry = given["dry-run"];
    if (given["measure-kernels"] && dry) {
      throw new UsageError(
        "Flag --measure-kernels cannot be given with --dry-run, which starts nothing. Leave one of them out.",
      );
    }
    if (given["no-predict"] && !dry) throw new UsageError("Flag --no-predict is for --dry-run.");
    const out = (values.out[0] ?? `runs/${experiment}`).replace(/(?<=.)\/+$/, "");
    const run = await resolveRun(asked);
    const units = await sweepUnits(run, {
      ...{ seeds, out },
      arms: values.arms[0]?.split(","),
      regimes: values.regimes[0]?.split(","),
    });
    await assertSameStudy(out, run);
    await assertSameConfigurations(run, { units, out });
    const measure = given["measure-kernels"];
    const command = await withStudyKernels(asked, { out, units, measure, output });
    if (dry) {
      const most = values.jobs.length === 0 ? undefined : jobs;
      return await dryRunSweep(units, {
        ...{ command, out, jobs, kindOf, output, retry: given.retry },
        predict: !given["no-predict"],
        slurm: given.slurm ? { partition: values.partition[0], jobs: most } : undefined,
      });
    }
    await writeManifest(out, run, units);
    if (given.slurm) {
      return await submit(units, {
        ...{ command, out, output, retry: given.retry, partition: values.partition[0] },
        ...{ more: values.sbatch, jobs: values.jobs.length === 0 ? undefined : jobs },
      });
    }
    return await sweep(units, { command, jobs, out, retry: given.retry, output, progress });
  });
}

/** Where the log of a unit is. */
function logOf({ regime, arm, seed }: SweepUnit, out: string): string {
  return `${out}/logs/${regime}.${arm}.seed-${seed}.log`;
}

async function makeLogs(out: string): Promise<void> {
  try {
    await Deno.mkdir(`${out}/logs`, { recursive: true });
  } catch (cause) {
    throw fileError("create the folder of logs", { path: `${out}/logs`, cause });
  }
}

/** Submits what is not done, not running and has not failed. */
async function submit(
  units: readonly SweepUnit[],
  { command, out, output, retry, partition, jobs, more }: {
    readonly command: UnitCommand;
    readonly out: string;
    readonly output: CommandOutput;
    readonly retry: boolean;
    readonly partition: string | undefined;
    readonly jobs: number | undefined;
    readonly more: readonly string[];
  },
): Promise<number> {
  await makeLogs(out);
  const states = await Promise.all(units.map((unit) => readUnitState(unit.folder)));
  const count = (name: UnitStateName) => states.filter(({ state }) => state === name).length;
  const tasks = units.flatMap((unit, at) => {
    const { state } = states[at]!;
    const wanted = state === "waiting" || state === "interrupted" || (state === "failed" && retry);
    const args = state === "waiting"
      ? unitArguments(command, unit)
      : resumeArguments(command, unit);
    return wanted ? [{ args: [...command.program, ...args], log: logOf(unit, out) }] : [];
  });
  const failed = retry ? "" : `, ${count("failed")} failed before (--retry runs them again)`;
  const known = `${count("done")} are done, ${count("running")} running${failed}`;
  if (tasks.length === 0) {
    output.print(`${out}: nothing to submit; of ${units.length} units ${known}.`);
    return count("failed") > 0 ? 1 : 0;
  }
  const name = command.experiment;
  const { job, script } = await submitArray(tasks, {
    ...{ name, partition, jobs, more, folder: `${out}/slurm` },
  });
  output.print(
    `Job ${job}: ${tasks.length} units submitted; of ${units.length} units ${known}.\n` +
      `Script: ${script}\nSee: squeue -j ${job}; deno task runs ${out}`,
  );
  return 0;
}

async function sweep(
  units: readonly SweepUnit[],
  { command, jobs, out, retry, output, progress }: {
    readonly command: UnitCommand;
    readonly jobs: number;
    readonly out: string;
    readonly retry: boolean;
    readonly output: CommandOutput;
    readonly progress: ProgressOutput;
  },
): Promise<number> {
  await makeLogs(out);
  let heard: StopSignal | undefined;
  using signals = listenForSignals((name) => {
    heard = name;
    output.log(`${name}: units write their checkpoints and stop; once more ends at once.`);
  });
  const { done, failures, left } = await runSweep(units, {
    title: command.experiment,
    ...{ jobs, retry },
    stateOf: (unit) => readUnitState(unit.folder),
    start: (unit, { state }) => {
      const args = state === "waiting"
        ? unitArguments(command, unit)
        : resumeArguments(command, unit);
      return startLogged([...command.program, ...args], logOf(unit, out));
    },
    tail: (unit) => logTail(logOf(unit, out)),
    signal: signals.signal,
    // They write to their logs, and do not heed a terminal that hangs up.
    stopWith: () => heard === "SIGINT" ? heard : "SIGTERM",
    output: progress,
  });
  for (const { unit, text } of failures) {
    output.log(`FAILED ${unit.regime}/${unit.arm}/seed-${unit.seed}: ${text}`);
  }
  output.print(
    `${out}: ${done} of ${units.length} units done, ${failures.length} failed, ${left} left.`,
  );
  const stopped = signals.received();
  if (stopped !== undefined) {
    output.log("Go on with the same command.");
    return signalExitCode(stopped);
  }
  return failures.length > 0 ? 1 : 0;
}

/** The command behind `deno task experiment`. */
function experimentProgram(): string[] {
  const launch = new URL("../../experiment/launch.ts", import.meta.url);
  return [Deno.execPath(), "run", "-P=launch", decodeURIComponent(launch.pathname)];
}

function seedsOf(text: string): number[] {
  try {
    return parseSeeds(text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function jobsOf(text: string): number {
  const jobs = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (jobs >= 1) return jobs;
  throw new UsageError(`Flag --jobs got "${excerpt(text)}", expected a number of at least 1.`);
}

if (import.meta.main) Deno.exit(await sweepCommand(Deno.args));
