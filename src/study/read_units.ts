/**
 * The summaries of a study's units, read from folders and held to their format.
 *
 * @module
 */
import { z } from "zod";
import { fileError } from "../run/file_error.ts";
import { excerpt } from "../text/printable.ts";
import { type StoredUnit, unitKey } from "./stored_unit.ts";
import { TUNING_FILE } from "./tuning.ts";
import type { TrialSummary, UnitSummary } from "./unit_summary.ts";

const amount = z.number().min(0);
const cost = { steps: amount, samples: amount, flops: amount, seconds: amount };
const accuracy = z.number().min(0).max(1);
const name = z.string().regex(/^[\w.-]+$/);

const test = z.object({ accuracy, loss: z.number().exactOptional(), images: z.int().min(1) });
const outcome = {
  protocol: name,
  before: z.object(cost),
  curve: z.array(z.object({ ...cost, accuracy })),
  figures: z.record(z.string(), z.number()),
};

const summary = {
  format: z.literal(1),
  study: name,
  arm: name,
  regime: name,
  seed: z.int().min(0).lt(2 ** 32),
  chance: accuracy,
  phases: z.array(z.object({
    phase: z.string(),
    cost: z.object(cost),
    curve: z.array(z.record(z.string(), z.number())),
  })),
  configuration: z.string().min(1),
  facts: z.record(z.string(), z.unknown()),
};

const trialSchema = z.object({
  ...summary,
  outcomes: z.array(z.object({ ...outcome, test: test.exactOptional() })).min(1),
});
const schema = trialSchema.extend({ outcomes: z.array(z.object({ ...outcome, test })).min(1) });

/**
 * Checks that a value is the summary of a unit.
 *
 * @param value What was parsed from JSON.
 * @param path Its file, for messages.
 * @throws {SyntaxError} One line a fault: file, key, what was found and what was expected.
 */
export function asUnitSummary(value: unknown, path: string): UnitSummary {
  return checked(schema, { value, path });
}

function checked<Summary extends TrialSummary>(
  schema: z.ZodType<Summary>,
  { value, path }: { readonly value: unknown; readonly path: string },
): Summary {
  const result = schema.safeParse(value);
  const faults = result.success
    ? curveFaults(result.data)
    : result.error.issues.map(({ path: keys, message }) => {
      const found = keys.reduce<unknown>(
        (inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key],
        value,
      );
      const shown = found === undefined ? "nothing" : excerpt(JSON.stringify(found) ?? "", 60);
      return `${keys.join(".") || "the file"}: found ${shown}. ${message}.`;
    });
  if (result.success && faults.length === 0) return result.data;
  throw new SyntaxError(
    `Cannot use ${path} as the summary of a unit:\n` +
      faults.slice(0, 10).map((fault) => `  ${fault}`).join("\n"),
  );
}

/** What no schema says: costs never fall, curves begin at nothing, protocols stand once. */
function curveFaults({ outcomes }: TrialSummary): string[] {
  const faults: string[] = [];
  for (const [index, { protocol, curve }] of outcomes.entries()) {
    const key = `outcomes.${index}`;
    if (outcomes.findIndex((other) => other.protocol === protocol) < index) {
      faults.push(`${key}.protocol: found "${protocol}" twice, expected every protocol once.`);
    }
    for (const [at, point] of curve.entries()) {
      const last = curve[at - 1];
      if (!last && point.steps !== 0) {
        faults.push(`${key}.curve.0.steps: found ${point.steps}, expected 0: before any step.`);
      }
      for (const axis of ["steps", "samples", "flops", "seconds"] as const) {
        if (last && point[axis] < last[axis]) {
          faults.push(
            `${key}.curve.${at}.${axis}: found ${point[axis]} after ${
              last[axis]
            }, expected costs ` +
              `that never fall.`,
          );
        }
      }
    }
  }
  return faults;
}

/**
 * Reads every summary below some folders. A run folder (it holds a `config.yaml`) gives its `unit.json`,
 * or one `unit.REGIME.ARM.json` for each unit that it ran; elsewhere every `.json` but
 * `manifest.json`, `trials.json` and `kernels.json` must be a summary. The same unit in two folders counts once if the files
 * say the same.
 *
 * @param folders The folders.
 * @returns The units by regime, arm and seed.
 * @throws {SyntaxError} If a file is no summary, or two files say different things of one unit, or belong
 * to different studies.
 * @throws {Error} If a folder or file cannot be read.
 */
export async function readUnits(folders: readonly string[]): Promise<StoredUnit[]> {
  const units = new Map<string, StoredUnit>();
  let first: StoredUnit | undefined;
  for (const folder of folders) {
    for (const path of await summaryFiles(folder.replace(/(?<=.)\/+$/, ""))) {
      const found = { path, unit: await readUnit(path) };
      first ??= found;
      if (found.unit.study !== first.unit.study) {
        throw new SyntaxError(
          `Cannot judge two studies at once: ${first.path} is of "${first.unit.study}", ${path} of ` +
            `"${found.unit.study}".`,
        );
      }
      const key = unitKey(found.unit);
      const other = units.get(key);
      if (other && JSON.stringify(other.unit) !== JSON.stringify(found.unit)) {
        throw new SyntaxError(
          `Cannot tell which summary of ${key} to use: ${other.path} and ${path} differ. Remove one.`,
        );
      }
      if (!other) units.set(key, found);
    }
  }
  return [...units.values()].sort((a, b) =>
    compare(a.unit.regime, b.unit.regime) || compare(a.unit.arm, b.unit.arm) ||
    a.unit.seed - b.unit.seed
  );
}

/** Reads one summary. */
export async function readUnit(path: string): Promise<UnitSummary> {
  return asUnitSummary(await readSummary(path), path);
}

/**
 * Reads every summary below a folder, those too that were judged by validation images alone.
 *
 * @param folder The folder, as of {@linkcode readUnits}.
 * @throws {SyntaxError} If a file is no summary.
 * @throws {Error} If a folder or file cannot be read.
 */
export async function readTrials(folder: string): Promise<TrialSummary[]> {
  const paths = await summaryFiles(folder.replace(/(?<=.)\/+$/, ""));
  return await Promise.all(
    paths.map(async (path) => checked(trialSchema, { value: await readSummary(path), path })),
  );
}

async function readSummary(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw fileError("read the summary of a unit", { path, cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(
      `Cannot use ${path} as the summary of a unit: it is not JSON (${(cause as Error).message}).`,
      { cause },
    );
  }
}

/** Name of the file with the table of kernels by which all units of a study compute. */
export const KERNELS_FILE = "kernels.json";

/** What else stands in the folder of a sweep or of tuning. */
const OTHERS: readonly string[] = ["manifest.json", TUNING_FILE, KERNELS_FILE];

/** Paths of the summaries below a folder, sorted. */
async function summaryFiles(folder: string): Promise<string[]> {
  const entries: Deno.DirEntry[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) entries.push(entry);
  } catch (cause) {
    throw fileError("read the units in", { path: folder, cause });
  }
  const files = entries.filter((entry) => entry.isFile).map((entry) => entry.name);
  if (files.includes("config.yaml")) {
    return files.filter((name) => /^unit(\..+)?\.json$/.test(name)).sort()
      .map((name) => `${folder}/${name}`);
  }
  const below: string[] = [];
  for (const { name, isDirectory, isFile } of entries.sort((a, b) => compare(a.name, b.name))) {
    // Names with a dot in front are temporary or hidden.
    if (name.startsWith(".")) continue;
    if (isDirectory) below.push(...await summaryFiles(`${folder}/${name}`));
    else if (isFile && name.endsWith(".json") && !OTHERS.includes(name)) {
      below.push(`${folder}/${name}`);
    }
  }
  return below;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
