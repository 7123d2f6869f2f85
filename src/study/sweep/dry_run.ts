/**
 * What a sweep would run and what that would take, said without writing or starting anything.
 *
 * @module
 */
import {
  mebibytes,
  predictedBytes,
  predictedSeconds,
  type Prediction,
  predictionSource,
} from "../../experiment/prediction.ts";
import { UsageError } from "../../experiment/usage_error.ts";
import { formatSeconds } from "../../run/duration.ts";
import type { CommandOutput } from "../flags.ts";
import { formatTable } from "../text_table.ts";
import { askExperiment } from "./ask_experiment.ts";
import type { ResolvedRun, SweepUnit } from "./sweep_units.ts";
import { unitArguments, type UnitCommand } from "./unit_process.ts";
import { readUnitState, type UnitStateName } from "./unit_state.ts";

/** How states are called here. */
const STATES: Readonly<Record<UnitStateName, string>> = {
  done: "finished",
  running: "runs elsewhere",
  failed: "failed",
  interrupted: "resumable",
  waiting: "to do",
};

/** What a dry run needs. */
export interface DryRunOptions {
  /** How units are run. */
  readonly command: UnitCommand;
  /** Folder of the study. */
  readonly out: string;
  /** Most units at a time; as many predictions are made at a time. */
  readonly jobs: number;
  /** Whether what failed before is run again. */
  readonly retry: boolean;
  /** Whether to say what units will take. */
  readonly predict: boolean;
  /** Arms with the same name take as long as each other: one of them is predicted. */
  readonly kindOf: (arm: string) => string;
  /** How units are submitted, if they are: the partition, and most units at a time. */
  readonly slurm:
    | { readonly partition: string | undefined; readonly jobs: number | undefined }
    | undefined;
  /** Where to write. */
  readonly output: CommandOutput;
}

/** A prediction, or why there is none: a sentence of the experiment's, or a fault for which it will not run. */
type Told = Prediction | { readonly none: string; readonly fault: boolean };

/**
 * Prints every unit with its state, and what those that would run will take.
 *
 * @param units The units, in the order in which they would begin.
 * @param options How they would run, and where to write.
 * @returns Exit code: 1 if an experiment refuses a unit, 0 otherwise.
 */
export async function dryRunSweep(
  units: readonly SweepUnit[],
  options: DryRunOptions,
): Promise<number> {
  const { out, jobs, retry, kindOf, output, slurm } = options;
  const states = new Map<SweepUnit, UnitStateName>();
  for (const unit of units) states.set(unit, (await readUnitState(unit.folder)).state);
  const runs = (unit: SweepUnit) => {
    const state = states.get(unit)!;
    return state === "waiting" || state === "interrupted" || (state === "failed" && retry);
  };
  const left = units.filter(runs);
  const kind = ({ regime, arm }: SweepUnit) => `${regime}/${kindOf(arm)}`;
  const told = await predictKinds(Map.groupBy(left, kind), options);
  const known = (unit: SweepUnit): Prediction | undefined => {
    const found = runs(unit) ? told.get(kind(unit)) : undefined;
    return found && "phases" in found ? found : undefined;
  };
  output.print(formatTable({
    heads: ["regime", "arm", "seed", "state", "time", "memory", "folder"],
    rows: units.map((unit) => {
      const prediction = known(unit);
      const state = STATES[states.get(unit)!];
      return [
        ...[unit.regime, unit.arm, String(unit.seed)],
        runs(unit) && states.get(unit) === "failed" ? `${state}, runs again` : state,
        prediction ? formatSeconds(predictedSeconds(prediction)) : "",
        prediction ? mebibytes(predictedBytes(prediction)) : "",
        unit.folder,
      ];
    }),
  }));
  const counts = (Object.keys(STATES) as UnitStateName[]).flatMap((name) => {
    const count = [...states.values()].filter((state) => state === name).length;
    return count === 0 ? [] : [`${count} ${STATES[name]}`];
  });
  output.print(
    `${out}: ${units.length} units: ${counts.join(", ")}. Nothing was written or started.`,
  );
  if (slurm) {
    const where = slurm.partition === undefined ? "" : ` in the partition ${slurm.partition}`;
    const most = slurm.jobs === undefined ? "" : `, at most ${slurm.jobs} at a time`;
    output.print(`--slurm would submit ${left.length} units as an array job${where}${most}.`);
  }
  const predicted = left.flatMap((unit) => known(unit) ?? []);
  for (const line of totals(predicted, { left: left.length, jobs, slurm })) output.print(line);
  if (predicted.length > 0 && left.some((unit) => states.get(unit) !== "waiting")) {
    output.print("units that go on are counted as if they began");
  }
  const kinds = new Set(left.map(kind));
  const alike = new Set(left.map(({ regime, arm }) => `${regime}/${arm}`)).size > kinds.size;
  if (predicted.length > 0 && alike) output.print("assumed: all trials of an arm take as long");
  const faults = [...told].flatMap(([name, found]) => "none" in found ? [{ name, ...found }] : []);
  for (const [none, of] of Map.groupBy(faults, (one) => one.none)) {
    const refused = of[0]!.fault ? "REFUSED " : "";
    output.log(`${refused}${of.map(({ name }) => name).join(", ")}: ${none}`);
  }
  return faults.some(({ fault }) => fault) ? 1 : 0;
}

/** Predicts one unit of every kind, some at a time. */
async function predictKinds(
  kinds: ReadonlyMap<string, readonly SweepUnit[]>,
  { command, jobs, predict, output }: DryRunOptions,
): Promise<ReadonlyMap<string, Told>> {
  const told = new Map<string, Told>();
  if (!predict) return told;
  const waiting = [...kinds];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, [unit]] = next;
      output.log(`predicting ${name} (${kinds.size - waiting.length} of ${kinds.size})`);
      told.set(name, await predictUnit(command, unit!));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return new Map([...kinds.keys()].map((name) => [name, told.get(name)!]));
}

/** Says what all units together will take. */
function totals(
  predictions: readonly Prediction[],
  { left, jobs, slurm }: { readonly left: number } & Pick<DryRunOptions, "jobs" | "slurm">,
): string[] {
  const [first] = predictions;
  if (!first) return [];
  const seconds = predictions.map(predictedSeconds);
  const bytes = predictions.map(predictedBytes).sort((a, b) => b - a);
  const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0);
  const count = predictions.length === left
    ? `${left} units`
    : `${predictions.length} of ${left} units`;
  const together = jobs === 1 ? [] : [
    `${jobs} at a time ${
      formatSeconds(wallSeconds(seconds, jobs))
    }, if none slows another down; at most ` +
    `${mebibytes(sum(bytes.slice(0, jobs)))} of device memory together`,
  ];
  return [
    predictionSource(first) + (slurm ? " this machine's, nodes may have another" : ""),
    `${count} one after the other ${formatSeconds(sum(seconds))}, at most ` +
    `${mebibytes(bytes[0]!)} of device memory each`,
    ...together,
    ...new Set(predictions.flatMap(({ assumed }) => assumed.map((line) => `assumed: ${line}`))),
    `not counted: starting a process for each; ${first.notCounted.join("; ")}`,
  ];
}

/** Seconds until all is done, if each unit begins as soon as one of the workers is free. */
function wallSeconds(units: readonly number[], jobs: number): number {
  const free = Array.from({ length: jobs }, () => 0);
  for (const seconds of units) {
    const next = free.indexOf(Math.min(...free));
    free[next]! += seconds;
  }
  return Math.max(...free);
}

/**
 * Asks the experiment what it would run.
 *
 * @param command What all units share.
 * @throws {UsageError} With the experiment's own message.
 */
export async function resolveRun(command: UnitCommand): Promise<ResolvedRun> {
  const { program, experiment, decisive } = command;
  const args = [experiment, ...decisive, "--dry-run", "--no-predict"];
  const { code, out, err } = await askExperiment(program, args);
  // Its own messages say what is wrong with the command line.
  if (code !== 0) throw new UsageError(err);
  return JSON.parse(out) as ResolvedRun;
}

/** Asks what a unit will take. */
async function predictUnit(command: UnitCommand, unit: SweepUnit): Promise<Told> {
  const { code, out, err } = await askExperiment(command.program, [
    ...unitArguments(command, unit),
    "--dry-run",
  ]);
  if (code !== 0) return { none: err, fault: true };
  const { prediction } = JSON.parse(out) as { readonly prediction?: Prediction };
  return prediction ?? { none: err === "" ? "the experiment makes none" : err, fault: false };
}
