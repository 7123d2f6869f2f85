/**
 * The table of kernels of a study: measured once, before its first unit, and the same for all of them.
 *
 * @module
 */
import { UsageError } from "../../experiment/usage_error.ts";
import { writeFileAtomic } from "../../run/atomic_write.ts";
import { fileError } from "../../run/file_error.ts";
import { waitForLock } from "../../run/wait_for_lock.ts";
import type { CommandOutput } from "../flags.ts";
import { KERNELS_FILE } from "../read_units.ts";
import { askExperiment } from "./ask_experiment.ts";
import { findRuns } from "./find_runs.ts";
import type { SweepUnit } from "./sweep_units.ts";
import type { UnitCommand } from "./unit_process.ts";
import { readRecord } from "./unit_state.ts";

/** What {@linkcode withStudyKernels} needs. */
export interface StudyKernelsOptions {
  /** Folder of the study. */
  readonly out: string;
  /** The units for which kernels are measured. */
  readonly units: readonly SweepUnit[];
  /** Whether to measure, if the study has no table yet. */
  readonly measure: boolean;
  /** Where to tell. */
  readonly output: CommandOutput;
}

/**
 * Lets all units of a study compute by the study's table of kernels, if it has one: what the machine measures later
 * does not change it.
 *
 * @param command What all units share.
 * @param options Where the study is, and whether to measure.
 * @returns The same with the table's file.
 * @throws {UsageError} If a table is asked for and units began without one, or it cannot be measured.
 */
export async function withStudyKernels(
  command: UnitCommand,
  options: StudyKernelsOptions,
): Promise<UnitCommand> {
  const { out, measure, output } = options;
  const path = `${out}/${KERNELS_FILE}`;
  const bound = { ...command, others: [...command.others, "--kernels", path] };
  const locked = `${out}/kernels.lock`;
  if (!measure) {
    // What another sweep measures now is for these units too.
    if (await exists(locked)) (await waitForLock(locked)).close();
    return await exists(path) ? bound : command;
  }
  try {
    await Deno.mkdir(out, { recursive: true });
  } catch (cause) {
    throw fileError("create the folder of the study", { path: out, cause });
  }
  // Of several sweeps that begin at once, one measures.
  using _lock = await waitForLock(locked);
  if (await exists(path)) {
    output.log(`${path} has the kernels of this study; nothing is measured.`);
    return bound;
  }
  await assertNoneBegun(out);
  const table = await measured(command, options);
  await assertNoneBegun(out);
  await writeFileAtomic(path, table);
  return bound;
}

/** Measures the kernels of some units, and gives the text of the adapter's table. */
async function measured(
  { program, experiment, decisive, others }: UnitCommand,
  { out, units, output }: StudyKernelsOptions,
): Promise<string> {
  const names = (kind: "arm" | "regime") =>
    JSON.stringify([...new Set(units.map((unit) => unit[kind]))]);
  const args = [
    ...[experiment, ...decisive, ...others, "--set", `only.arms=${names("arm")}`],
    ...["--set", `only.regimes=${names("regime")}`],
    ...["--measure-kernels", "--dry-run", "--no-predict"],
  ];
  const answer = await askExperiment(program, args, output.log);
  if (answer.code !== 0) {
    throw new UsageError(
      `Cannot measure the kernels of ${out}: the experiment ended with exit code ${answer.code}, for what it says above.`,
    );
  }
  const { kernels } = JSON.parse(answer.out) as { readonly kernels: string };
  return await Deno.readTextFile(kernels);
}

/** Refuses a table for a study in which a unit has begun, perhaps by a sweep that is as old as this one. */
async function assertNoneBegun(out: string): Promise<void> {
  for (const folder of (await findRuns(out)).folders) {
    if (await readRecord(folder) === undefined) continue;
    throw new UsageError(
      `Cannot measure the kernels of ${out}: units there began without, such as ${folder}, and units of one study ` +
        `compute by one table. Leave --measure-kernels out, or sweep into another folder with --out.`,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
