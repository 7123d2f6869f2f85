/**
 * The manifest of a sweep: which units a study has, and with what configuration.
 *
 * @module
 */
import { writeFileAtomic } from "../../run/atomic_write.ts";
import { fileError } from "../../run/file_error.ts";
import { kernelFacts } from "../../experiment/kernel_table.ts";
import { UsageError } from "../../experiment/usage_error.ts";
import { unitKey } from "../stored_unit.ts";
import {
  configurationChanges,
  partOfConfiguration,
  type ResolvedRun,
  type SweepUnit,
} from "./sweep_units.ts";
import { readJson, readRecord } from "./unit_state.ts";

/** Content of `manifest.json`. */
export interface Manifest {
  /** Version of this format. */
  readonly format: 1;
  /** Name of the experiment. */
  readonly experiment: string;
  /** Its preset. */
  readonly preset: string | null;
  /** Engine asked for. */
  readonly engine: string;
  /** Data asked for. */
  readonly data: string;
  /** Whether engines may compute in half precision; absent of those that may not. */
  readonly halfPrecision?: boolean;
  /** Every unit that any sweep into this folder was asked for. */
  readonly units: readonly SweepUnit[];
}

/**
 * Refuses a sweep whose units would not be of one kind with those that have begun in its folder.
 *
 * @param run The experiment as it is now.
 * @param options The wanted units, and the folder of the study.
 * @throws {UsageError} Names the arm, the regime and every key that has changed.
 */
export async function assertSameConfigurations(
  run: ResolvedRun,
  { units, out }: { readonly units: readonly SweepUnit[]; readonly out: string },
): Promise<void> {
  const faults: string[] = [];
  for (const group of Map.groupBy(units, ({ regime, arm }) => `${regime}/${arm}`).values()) {
    const { regime, arm } = group[0]!;
    const now = partOfConfiguration(run, { regime, arm });
    for (const folder of await begunFolders(`${out}/${regime}/${arm}`)) {
      const record = await readRecord(folder);
      if (record === undefined) continue;
      const config = record.config as ResolvedRun["config"];
      const began = { ...record, ...kernelFacts(record.environment), config };
      const then = partOfConfiguration(began, { regime, arm });
      const changes = configurationChanges(then, now);
      if (changes.length === 0) continue;
      faults.push(`${arm} in ${regime}, begun in ${folder}: ${changes.slice(0, 8).join(", ")}`);
      break;
    }
  }
  if (faults.length === 0) return;
  throw new UsageError(
    `Cannot sweep into ${out}: units there began with another configuration, and numbers of two ` +
      `configurations are not mixed.\n${
        faults.slice(0, 10).map((fault) => `  ${fault}`).join("\n")
      }\n` +
      `Undo the change, or sweep into another folder with --out.`,
  );
}

/** Run folders of an arm in a regime in which a run has begun. */
async function begunFolders(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory && name.startsWith("seed-")) found.push(`${folder}/${name}`);
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw fileError("list", { path: folder, cause });
  }
  return found.sort();
}

/**
 * Adds units to the manifest of a folder; sweeps that do so at once wait for each other.
 *
 * @param out Folder of the study.
 * @param run The experiment.
 * @param units The units.
 */
export async function writeManifest(
  out: string,
  run: ResolvedRun,
  units: readonly SweepUnit[],
): Promise<void> {
  try {
    await Deno.mkdir(out, { recursive: true });
  } catch (cause) {
    throw fileError("create the folder of the study", { path: out, cause });
  }
  using lock = await Deno.open(`${out}/manifest.lock`, { write: true, create: true });
  await lock.lock(true);
  const path = `${out}/manifest.json`;
  const earlier = await assertSameStudy(out, run);
  const all = new Map([...earlier?.units ?? [], ...units].map((unit) => [unitKey(unit), unit]));
  const { experiment, preset, engine, data, halfPrecision } = run;
  const manifest: Manifest = {
    ...{ format: 1, experiment, preset, engine, data },
    ...(halfPrecision && { halfPrecision }),
    units: [...all.values()],
  };
  await writeFileAtomic(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

/**
 * Refuses a folder that holds units of another experiment, or of another precision.
 *
 * @param out Folder of the study.
 * @param run The experiment.
 * @returns The folder's manifest, if there is one.
 * @throws {UsageError} Names both experiments, or what the study began with.
 */
export async function assertSameStudy(
  out: string,
  { experiment, halfPrecision = false }: Pick<ResolvedRun, "experiment" | "halfPrecision">,
): Promise<Manifest | undefined> {
  const earlier = await readManifest(out);
  if (earlier === undefined) return undefined;
  if (earlier.experiment === experiment) {
    const began = earlier.halfPrecision ?? false;
    if (began === halfPrecision) return earlier;
    throw new UsageError(
      `Cannot sweep into ${out} ${
        halfPrecision ? "with" : "without"
      } --half-precision: the study ` +
        `began ${began ? "with" : "without"} it, and numbers of two precisions are not mixed. ` +
        `${began ? "Give it" : "Leave it out"}, or sweep into another folder with --out.`,
    );
  }
  throw new UsageError(
    `Cannot sweep ${experiment} into ${out}: it holds units of ${earlier.experiment}. Choose ` +
      `another folder with --out.`,
  );
}

/**
 * Reads the manifest of a folder.
 *
 * @param out Folder of the study.
 * @returns The manifest, or `undefined` if there is none.
 * @throws {SyntaxError} If it is of another format.
 */
export async function readManifest(out: string): Promise<Manifest | undefined> {
  const path = `${out}/manifest.json`;
  const manifest = await readJson<Partial<Manifest>>(path);
  if (manifest === undefined) return undefined;
  if (manifest.format === 1 && Array.isArray(manifest.units)) return manifest as Manifest;
  throw new SyntaxError(
    `Cannot use ${path}: found format ${JSON.stringify(manifest.format)}, expected 1 with units.`,
  );
}
