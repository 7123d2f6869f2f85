/**
 * The record of a run: everything needed to repeat it, and to notice that it is not the same any more.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readGitCommit } from "../run/git_commit.ts";
import type { RunFolder, RunRecord } from "../run/run_folder.ts";
import { FILE_FACT, kernelFacts } from "./kernel_table.ts";
import type { RunRequest } from "./run_experiment.ts";
import { UsageError } from "./usage_error.ts";
import { toolkitVersion } from "../machine/version.ts";

/**
 * What the numbers of a run depend on, besides its data: these may move, and experiments bind the hash of
 * what is in them.
 */
type Beginning = Pick<RunRecord, "experiment" | "seed" | "engine" | "config">;

/** Copy of what the run began with, to name what was changed in `config.yaml` since. */
const BEGINNING = "begun.json";

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
  const { config, seed, engine, data, preset, command, halfPrecision, kernels } = request;
  return {
    experiment,
    seed,
    date: new Date().toISOString(),
    command,
    ...await program(),
    preset,
    engine,
    data,
    hash: hashOf({ experiment, seed, engine, config }),
    environment: {
      os: Deno.build.os,
      arch: Deno.build.arch,
      ...(halfPrecision && { halfPrecision: true }),
      ...(kernels !== undefined && { [FILE_FACT]: kernels }),
    },
    resumed: [],
    config,
  };
}

/**
 * Whether the engines of a run may compute in half precision, as its record says.
 *
 * @param record The record.
 * @param asked What is asked for now, `undefined` for what the run began with.
 * @returns `true` if they may.
 * @throws {UsageError} If something else is asked for.
 */
export function recordedHalfPrecision(record: RunRecord, asked: boolean | undefined): boolean {
  const began = kernelFacts(record.environment).halfPrecision ?? false;
  if (asked === undefined || asked === began) return began;
  throw new UsageError(
    `Cannot go on ${asked ? "with" : "without"} --half-precision: the run began ${
      began ? "with" : "without"
    } it, and its numbers would not be those of one run.`,
  );
}

/**
 * Reads the record of a run that is resumed, and adds when and how. Another commit or version than at the
 * begin is logged: numbers may differ.
 *
 * @param folder The run folder.
 * @param options The command line, and where to log.
 */
export async function resumedRecord(
  folder: RunFolder,
  { command, log }: { readonly command: readonly string[]; readonly log: (line: string) => void },
): Promise<RunRecord> {
  const record = await folder.readRecord();
  const { commit, versions } = record;
  const now = await program();
  const before = { ...versions, commit };
  for (const { text } of differences(before, { ...now.versions, commit: now.commit })) {
    log(`Resumed with another ${text}: numbers may differ.`);
  }
  const here = { date: new Date().toISOString(), command };
  return { ...record, resumed: [...record.resumed, here] };
}

/** Commit of the source tree and versions of everything. */
async function program(): Promise<Pick<RunRecord, "commit" | "versions">> {
  return {
    // A package from a registry is in no repository; that of the working folder is another one.
    commit: import.meta.dirname === undefined
      ? null
      : await readGitCommit(import.meta.dirname) ?? null,
    versions: { toolkit: toolkitVersion, ...Deno.version },
  };
}

/**
 * Writes a copy of what the run begins with beside its record.
 *
 * @param folder The run folder.
 * @param record The record.
 */
export async function writeBeginning(folder: RunFolder, record: Beginning): Promise<void> {
  await folder.writeText(BEGINNING, `${canonical(beginningOf(record))}\n`);
}

/**
 * Tells whether a record still says what the run began with, to the last value.
 *
 * @param record The record, as it is in its file.
 */
export function isUnchanged(record: RunRecord): boolean {
  return hashOf(beginningOf(record)) === record.hash;
}

/**
 * Checks that a record still says what the run began with.
 *
 * @param folder The run folder, with the copy.
 * @param record The record, its configuration validated.
 * @throws {UsageError} Names every key that was changed.
 */
export async function assertUnchanged(
  folder: RunFolder,
  record: Beginning & Pick<RunRecord, "hash">,
): Promise<void> {
  const now = beginningOf(record);
  if (hashOf(now) === record.hash) return;
  const then = await readBeginning(folder, record.hash);
  const before = leavesOf(then);
  const after = leavesOf(now);
  const changes = [...new Set([...before.keys(), ...after.keys()])].sort()
    .filter((key) => before.get(key) !== after.get(key))
    .map((key) => `${key} (${after.get(key) ?? "nothing"}, was ${before.get(key) ?? "nothing"})`);
  const what = then === undefined
    ? `what the run began with has hash ${record.hash}, this has ${hashOf(now)}`
    : `changed since the run began: ${changes.join(", ")}`;
  throw new UsageError(
    `Cannot resume ${folder.path} with another configuration than ${
      folder.file("config.yaml")
    } had: ${what}. Its numbers ` +
      `would not be those of one run. Undo the change, or start a new run with it.`,
  );
}

/** The copy, if it is there and is what the hash was made of. */
async function readBeginning(folder: RunFolder, hash: string): Promise<Beginning | undefined> {
  try {
    const copy = JSON.parse(await Deno.readTextFile(folder.file(BEGINNING))) as Beginning;
    return hashOf(copy) === hash ? copy : undefined;
  } catch {
    return undefined;
  }
}

function beginningOf({ experiment, seed, engine, config }: Beginning): Beginning {
  return { experiment, seed, engine, config };
}

function hashOf(value: unknown): string {
  return createHash("sha256").update(canonical(value)).digest("hex");
}

/** JSON with sorted keys: equal values give equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, inner: unknown) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1))
        : inner,
  );
}

/** Everything that is no mapping, as JSON, by its dotted key. */
function leavesOf(value: unknown, prefix = ""): Map<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return value === undefined ? new Map() : new Map([[prefix, canonical(value)]]);
  }
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [
      ...leavesOf(inner, prefix === "" ? key : `${prefix}.${key}`),
    ]),
  );
}

/** A fact that has changed. */
export interface Difference {
  /** Its name. */
  readonly key: string;
  /** Its name with both values. */
  readonly text: string;
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
): Difference[] {
  return Object.keys(after)
    .filter((key) => key in before && JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => ({
      key,
      text: `${key} (${JSON.stringify(after[key])}, was ${JSON.stringify(before[key])})`,
    }));
}
