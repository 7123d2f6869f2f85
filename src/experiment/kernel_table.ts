/**
 * Which kernels a run takes for which shapes: in its record, as their results may differ in the last bits, so that a
 * resumed run takes the same.
 *
 * @module
 */
import { checkKernelTable, type KernelTable } from "../adapter/kernel_table.ts";
import { summarizeAdapter } from "../gpu/device.ts";
import { findKernels, type FindKernelsOptions, kernelsHash, readKernels } from "../machine/mod.ts";
import type { ProfiledRun } from "./adapter_profile.ts";
import { fileError } from "../run/file_error.ts";
import { UsageError } from "./usage_error.ts";

/** Name of the fact in the record's environment. */
const FACT = "kernelTable";

/** Name of the fact which file the run was to take its table from, until it has read it. */
export const FILE_FACT = "kernelsFile";

/** What {@linkcode kernelFinder} needs of a run. */
export interface KernelRun extends Omit<ProfiledRun, "note" | "find"> {
  /** How a table is found, where the record has none. */
  readonly find?: Pick<FindKernelsOptions, "folder" | "halfPrecision">;
  /** File with a copy of a table, which is taken instead of the kept one. */
  readonly file?: string;
}

/**
 * Makes what finds the table of kernels for the engines of a run, once: that of the record where the run is resumed on
 * the same adapter; otherwise the one in its file, the one that is kept, or an empty one. A run that began without a
 * table goes on without.
 *
 * @param run The run.
 * @returns What `openEngine` takes as `kernels`.
 */
export function kernelFinder(run: KernelRun): (device: GPUDevice) => Promise<KernelTable> {
  let found: Promise<KernelTable> | undefined;
  return (device) => found ??= find(device, run);
}

async function find(device: GPUDevice, run: KernelRun): Promise<KernelTable> {
  const { resumed, environment, describe, log, file } = run;
  const adapter = summarizeAdapter(device.adapterInfo).label;
  const known = environment();
  const recorded = known[FACT] as { readonly adapter?: unknown } | undefined;
  if (resumed && recorded?.adapter === adapter) {
    const table = recordedTable(recorded);
    const given = file === undefined ? table : (await readKernels(device, file)).value;
    if (kernelsHash(given) === kernelsHash(table)) return table;
    throw new UsageError(
      `Cannot go on with the kernels of ${file}: the run began with others, and its numbers would not be those of ` +
        `one run. Leave --kernels out, or start a new run.`,
    );
  }
  if (resumed && recorded === undefined && "adapter" in known) return {};
  const began = known[FILE_FACT];
  if (resumed && recorded === undefined && file === undefined && began !== undefined) {
    throw new UsageError(
      `Cannot resume without the kernels of ${began}: the run was to compute by them, and stopped before it had read ` +
        `them. Resume with --kernels ${began}.`,
    );
  }
  const stored = file === undefined
    ? await findKernels(device, { ...run.find, log })
    : await readKernels(device, file);
  const table = stored?.value ?? {};
  if (stored) {
    const count = Object.keys(table).length;
    log(`kernels of ${count} shapes as measured on ${stored.date}: ${stored.path}`);
  }
  await describe({ [FACT]: { adapter, hash: kernelsHash(table), shapes: table } });
  return table;
}

/** What decides by which kernels a run computes, besides its adapter. */
export interface KernelFacts {
  /** Its engines may compute in half precision; absent where they may not. */
  readonly halfPrecision?: true;
  /** Hash of its table of kernels; absent of one without a table, or with an empty one. */
  readonly kernels?: string;
}

/**
 * Reads what decides a run's kernels.
 *
 * @param environment Facts of the run's record.
 */
export function kernelFacts(environment: Readonly<Record<string, unknown>>): KernelFacts {
  const table = environment[FACT] as
    | { readonly hash?: string; readonly shapes?: object }
    | undefined;
  const known = Object.keys(table?.shapes ?? {}).length > 0 ? table?.hash : undefined;
  return {
    ...(environment["halfPrecision"] === true && { halfPrecision: true }),
    ...(known !== undefined && { kernels: known }),
  };
}

/**
 * Refuses a file of kernels that is not there: a misspelt one must not cost a run folder.
 *
 * @param path The file, if there is to be one.
 * @throws {UsageError} If it is no file.
 */
export async function assertKernelsFile(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  let info: Deno.FileInfo | undefined;
  try {
    info = await Deno.stat(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) {
      throw fileError("look for the kernels in", { path, cause });
    }
  }
  if (info?.isFile) return;
  throw new UsageError(
    `Flag --kernels got "${path}", which is no file. Expected a copy of what --measure-kernels has kept.`,
  );
}

/** The table of a record, as it was. */
function recordedTable(recorded: object): KernelTable {
  const { hash, shapes } = recorded as { readonly hash?: unknown; readonly shapes?: unknown };
  const table = checkKernelTable(shapes);
  const own = kernelsHash(table);
  if (hash === own) return table;
  throw new UsageError(
    `Cannot resume with another ${FACT} than the run began with: what config.yaml says has hash ${own}, ` +
      `it was ${hash}. Its numbers would not be those of one run. Undo the change.`,
  );
}
