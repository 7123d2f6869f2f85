/**
 * `deno task runs`: lists runs and how far they are.
 *
 * @module
 */
import { formatSeconds } from "../../run/duration.ts";
import { kernelFacts } from "../../experiment/kernel_table.ts";
import { UsageError } from "../../experiment/usage_error.ts";
import type { RunRecord } from "../../run/run_folder.ts";
import { type CommandOutput, readFlags, reportFaults, standardOutput } from "../flags.ts";
import { findRuns } from "./find_runs.ts";
import { formatTable } from "../text_table.ts";
import { readRecord, readUnitState, type UnitStateName } from "./unit_state.ts";

const PROGRAM = "deno task runs";

const USAGE = `Usage: ${PROGRAM} [FOLDER] [flags]

Lists the runs below a folder (default runs): experiment, seed, state, when it began, how long it took, and
by which kernels it computes, if these are not those of the rules: the first digits of its table's hash, and
whether they may be of half precision.

Flags:
  --state NAME   only those that are waiting, running, interrupted, failed or done
  --help         this text`;

/** A run in a list. */
export interface ListedRun {
  /** Its folder. */
  readonly folder: string;
  /** Its experiment; empty where it has not begun. */
  readonly experiment: string;
  /** Its seed. */
  readonly seed: string;
  /** Its state. */
  readonly state: UnitStateName;
  /** By which kernels it computes; empty of those of the rules. */
  readonly kernels: string;
  /** When it began, in UTC. */
  readonly begun: string;
  /** Seconds that it took, if it is done and was not broken off. */
  readonly seconds: number | undefined;
  /** Why it failed. */
  readonly error: string;
}

/**
 * Finds the runs below a folder, those too that a manifest names and that have not begun.
 *
 * @param folder The folder.
 */
export async function listRuns(folder: string): Promise<ListedRun[]> {
  const { folders } = await findRuns(folder);
  const runs = await Promise.all(
    folders.map(async (path): Promise<ListedRun> => {
      const record = await readRecord(path);
      const { state, seconds, error = "" } = await readUnitState(path, { summary: "config.yaml" });
      return {
        folder: path,
        experiment: record?.experiment ?? "",
        seed: String(record?.seed ?? ""),
        state,
        kernels: kernelsText(record),
        begun: record?.date?.slice(0, 16).replace("T", " ") ?? "",
        seconds,
        error,
      };
    }),
  );
  return runs;
}

/** The kernels of a run, in few words. */
function kernelsText(record: RunRecord | undefined): string {
  const { halfPrecision, kernels } = kernelFacts(record?.environment ?? {});
  return [...(halfPrecision ? ["half"] : []), ...(kernels ? [kernels.slice(0, 8)] : [])].join(" ");
}

const STATES: readonly UnitStateName[] = ["waiting", "running", "interrupted", "failed", "done"];

/**
 * Runs the command.
 *
 * @param args Arguments.
 * @param output Where to write.
 * @returns Exit code.
 */
export async function runsCommand(
  args: readonly string[],
  output: CommandOutput = standardOutput,
): Promise<number> {
  return await reportFaults(PROGRAM, output, async () => {
    const { names, values, given } = readFlags(args, { value: ["state"], plain: ["help"] });
    if (given.help) {
      output.print(USAGE);
      return 0;
    }
    if (names.length > 1) throw new UsageError(`Unexpected argument "${names[1]}".`);
    const wanted = values.state[0];
    if (wanted !== undefined && !STATES.some((state) => state === wanted)) {
      throw new UsageError(`Unknown state "${wanted}". Valid: ${STATES.join(", ")}.`);
    }
    if (names.length === 0 && !(await Deno.stat("runs").catch(() => undefined))) {
      output.print(
        "There are no runs yet: no folder runs here. deno task experiment --list shows what can run.",
      );
      return 0;
    }
    const all = await listRuns(names[0] ?? "runs");
    const shown = all.filter(({ state }) => wanted === undefined || state === wanted);
    if (shown.length > 0) {
      output.print(formatTable({
        heads: ["folder", "experiment", "seed", "state", "begun", "took", "kernels", "error"],
        rows: shown.map((run) => [
          ...[run.folder, run.experiment, run.seed, run.state, run.begun],
          ...[run.seconds === undefined ? "" : formatSeconds(run.seconds), run.kernels],
          run.error.split("\n")[0]!.slice(0, 80),
        ]),
      }));
    }
    const counts = STATES.map((state) =>
      `${all.filter((run) => run.state === state).length} ${state}`
    );
    output.print(`${all.length} ${all.length === 1 ? "run" : "runs"}: ${counts.join(", ")}.`);
    return 0;
  });
}

if (import.meta.main) Deno.exit(await runsCommand(Deno.args));
