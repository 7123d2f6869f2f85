/**
 * The record of a run: everything needed to repeat it.
 *
 * @module
 */
import { readGitCommit } from "../train/git_commit.ts";
import type { RunFolder, RunRecord } from "../train/run_folder.ts";
import type { RunRequest } from "./run_experiment.ts";
import { toolkitVersion } from "./version.ts";

/**
 * Makes the record of a new run.
 *
 * @param experiment Name of the experiment.
 * @param request What to run.
 */
export async function newRecord(
  experiment: string,
  request: Omit<RunRequest<unknown>, "folder">,
): Promise<RunRecord> {
  const { config, seed, engine, data, preset, command } = request;
  return {
    experiment,
    seed,
    date: new Date().toISOString(),
    command,
    commit: await readGitCommit(import.meta.dirname ?? Deno.cwd()) ?? null,
    versions: { toolkit: toolkitVersion, ...Deno.version },
    preset,
    engine,
    data,
    environment: { os: Deno.build.os, arch: Deno.build.arch },
    resumed: [],
    config,
  };
}

/**
 * Reads the record of a run that is resumed, and adds when and how.
 *
 * @param folder The run folder.
 * @param command The command line.
 */
export async function resumedRecord(
  folder: RunFolder,
  command: readonly string[],
): Promise<RunRecord> {
  const record = await folder.readRecord();
  const here = { date: new Date().toISOString(), command };
  return { ...record, resumed: [...record.resumed, here] };
}

/**
 * Says which facts were known and have changed.
 *
 * @param before Facts noted earlier.
 * @param after Facts found now; those that were not known are no difference.
 */
export function differences(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): string[] {
  return Object.keys(after)
    .filter((key) => key in before && JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => `${key} (${JSON.stringify(after[key])}, was ${JSON.stringify(before[key])})`);
}
