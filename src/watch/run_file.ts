/**
 * Files of a run folder, and nothing else.
 *
 * @module
 */
import { fileError } from "../run/file_error.ts";

/** A file that is open for reading. */
export interface RunFile extends Disposable {
  /** The file. */
  readonly file: Deno.FsFile;
  /** Bytes. */
  readonly size: number;
  /** When it was last written, in milliseconds since 1970. */
  readonly written: number;
}

/**
 * Opens a regular file in a run folder. Folders of runs come from elsewhere: a link that leads out of one, a
 * device and a pipe are refused as if they were not there.
 *
 * @param folder The run folder.
 * @param name Path of the file in it.
 * @returns The file, or `undefined` if there is none.
 * @throws {Error} If it is there and cannot be read.
 */
export async function openRunFile(folder: string, name: string): Promise<RunFile | undefined> {
  const path = `${folder}/${name}`;
  try {
    const root = await Deno.realPath(folder);
    const real = await Deno.realPath(path);
    if (!isWithin(root, real)) return undefined;
    if (!(await Deno.stat(real)).isFile) return undefined;
    const file = await Deno.open(real);
    const { size, mtime } = await file.stat();
    return { file, size, written: mtime?.getTime() ?? 0, [Symbol.dispose]: () => file.close() };
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw fileError("read", { path, cause });
  }
}

/** Whether a path lies in a folder; both are real, without links and dots. */
function isWithin(root: string, real: string): boolean {
  return real.startsWith(`${root}/`) || real.startsWith(`${root}\\`);
}

/**
 * Reads bytes of an open file.
 *
 * @param file The file.
 * @param from Where to begin.
 * @param count How many bytes; fewer come at its end.
 */
export async function readBytes(
  { file }: RunFile,
  from: number,
  count: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(count);
  await file.seek(from, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < count) {
    const read = await file.read(bytes.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}

/** Files for people are small; a larger one is no such file. */
const MOST_TEXT = 8 << 20;

/**
 * Reads a text file of a run folder.
 *
 * @returns Its text, or `undefined` if there is none, or it is longer than 8 MiB.
 */
export async function readRunText(folder: string, name: string): Promise<string | undefined> {
  using open = await openRunFile(folder, name);
  if (open === undefined || open.size > MOST_TEXT) return undefined;
  return new TextDecoder().decode(await readBytes(open, 0, open.size));
}

/**
 * Reads a JSON object of a run folder.
 *
 * @returns Its entries; none if there is no such file, or it is damaged or being written.
 */
export async function readRunJson(
  folder: string,
  name: string,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    const value: unknown = JSON.parse(await readRunText(folder, name) ?? "");
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/**
 * Lists names in a folder of a run folder.
 *
 * @returns The names of folders and files that are no links, sorted; none if there is no such folder.
 */
export async function listRunFolder(folder: string, name: string): Promise<string[]> {
  const names: string[] = [];
  try {
    const root = await Deno.realPath(folder);
    const real = await Deno.realPath(`${folder}/${name}`);
    if (!isWithin(root, real)) return [];
    for await (const entry of Deno.readDir(real)) if (!entry.isSymlink) names.push(entry.name);
  } catch (cause) {
    const none = cause instanceof Deno.errors.NotFound ||
      cause instanceof Deno.errors.NotADirectory;
    if (!none) throw fileError("list", { path: `${folder}/${name}`, cause });
  }
  return names.sort();
}
