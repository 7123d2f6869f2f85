/**
 * Which kernels were measured to be the fastest on an adapter of this machine.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { checkKernelTable, type KernelTable } from "../adapter/kernel_table.ts";
import { borrowGpu } from "../gpu/device.ts";
import type { AdapterSummary } from "../gpu/device.ts";
import { allKernelSets } from "../ops/variants/kernel_sets.ts";
import { requireKernels } from "../ops/variants/kernel_sites.ts";
import { permittedProfileFolder } from "./find_profile.ts";
import { profileKey, profilePath } from "./stored_profile.ts";
import {
  changeStored,
  readStored,
  type Stored,
  type Subject,
  whyNotStored,
} from "./stored_file.ts";

/** How {@linkcode findKernels} and {@linkcode keepKernels} go about it. */
export interface FindKernelsOptions {
  /** Folder of profiles; `undefined` for none. By default what {@linkcode permittedProfileFolder} finds. */
  readonly folder?: string | undefined;
  /** Whether the table is that of engines that may compute in half precision: another file; not unless told. */
  readonly halfPrecision?: boolean;
  /** Receives a line for each thing that a person should know. */
  readonly log: (line: string) => void;
}

/** Why there may be no place for tables. */
const NO_FOLDER = "there is no folder that may be written.";

/** SHA-256 of a table: what was compiled by equal ones and an equal profile is equal. */
export function kernelsHash(table: KernelTable): string {
  const sorted = Object.entries(table).sort(([a], [b]) => a < b ? -1 : 1);
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}

/** The table of an adapter beside its profile; `undefined` where there is no folder for it. */
async function subject(
  device: GPUDevice,
  use: "read" | "write",
  { halfPrecision = false, ...options }: FindKernelsOptions,
): Promise<Subject<KernelTable> | undefined> {
  const folder = "folder" in options ? options.folder : await permittedProfileFolder(use);
  if (folder === undefined) return undefined;
  const end = halfPrecision ? ".half.kernels.json" : ".kernels.json";
  const gpu = await borrowGpu(device);
  try {
    const profile = profilePath(folder, profileKey(gpu.info));
    return await subjectAt(profile.replace(/\.json$/, end), gpu.info);
  } finally {
    gpu.close();
  }
}

/** The table of an adapter in a file, for the same versions of everything. */
async function subjectAt(path: string, info: AdapterSummary): Promise<Subject<KernelTable>> {
  const sets = await allKernelSets();
  const key = profileKey(info);
  const check = (value: unknown): KernelTable => {
    const table = checkKernelTable(value);
    requireKernels(table, sets);
    return table;
  };
  return { name: "kernels", key, path, check, hash: kernelsHash };
}

/**
 * Finds the table of an adapter. Nothing is measured: that is `deno task profile TARGET --kernels`, and
 * `--measure-kernels` of experiments.
 *
 * @param device An open device of the adapter; it stays open.
 * @param options Where the table is kept.
 * @returns The table and where it is; `undefined` if there is none that can be used, and why is said.
 * @throws {Error} If its file cannot be read.
 */
export async function findKernels(
  device: GPUDevice,
  options: FindKernelsOptions,
): Promise<Stored<KernelTable> | undefined> {
  const table = await subject(device, "read", options);
  const found = table && await readStored(table);
  if (typeof found !== "string") return found;
  const flags = options.halfPrecision ? "--kernels --half-precision" : "--kernels";
  options.log(`${found}; unused. Measure again: deno task profile TARGET ${flags}.`);
  return undefined;
}

/**
 * Reads a copy of an adapter's table, which was made for this adapter by these versions.
 *
 * @param device An open device of the adapter; it stays open.
 * @param path The file.
 * @returns The table.
 * @throws {Error} If there is no such file, or it cannot be used: on another adapter, by another version, changed.
 */
export async function readKernels(device: GPUDevice, path: string): Promise<Stored<KernelTable>> {
  const gpu = await borrowGpu(device);
  try {
    const found = await readStored(await subjectAt(path, gpu.info));
    if (typeof found === "object") return found;
    throw new Error(
      `Cannot take the kernels of ${path} on ${gpu.info.label}: ${
        found ?? "there is no such file"
      }. Expected what --measure-kernels has kept of this adapter, by these versions. Measure again.`,
    );
  } finally {
    gpu.close();
  }
}

/**
 * Tries whether a table could be kept, before it is measured.
 *
 * @param device An open device of the adapter; it stays open.
 * @param options Where the table is kept.
 * @returns `undefined` if it could; else a sentence that says why not.
 */
export async function whyKernelsNotKept(
  device: GPUDevice,
  options: FindKernelsOptions,
): Promise<string | undefined> {
  const found = await subject(device, "write", options);
  return found === undefined ? NO_FOLDER : await whyNotStored(found);
}

/**
 * Keeps what was measured now of some shapes; what is known of others stays, also what another process keeps at the
 * same time. Of two measurements of one shape the one that is kept last counts.
 *
 * @param device An open device of the adapter; it stays open.
 * @param measured The fastest kernel of every shape that was measured. Where there is none, and there is a table,
 * nothing is written.
 * @param options Where the table is kept.
 * @returns The whole table and where it is; `undefined` if it cannot be kept, and why is said.
 * @throws {Error} If its file cannot be read or written; what was there stays.
 */
export async function keepKernels(
  device: GPUDevice,
  measured: ReadonlyMap<string, string>,
  options: FindKernelsOptions,
): Promise<Stored<KernelTable> | undefined> {
  const table = await subject(device, "write", options);
  if (table === undefined) {
    options.log(`The table of kernels is not kept: ${NO_FOLDER}`);
    return undefined;
  }
  return await changeStored(table, (found) => {
    if (typeof found === "string") options.log(`${found}; replaced.`);
    const before = typeof found === "object" ? found.value : undefined;
    if (before && measured.size === 0) return before;
    const lines = [...new Map([...Object.entries(before ?? {}), ...measured])];
    return checkKernelTable(Object.fromEntries(lines.sort(([a], [b]) => a < b ? -1 : 1)));
  });
}
