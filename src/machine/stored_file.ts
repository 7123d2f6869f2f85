/**
 * What was measured on this machine, on disk: one file an adapter and subject, which is whole or not there.
 *
 * @module
 */
import { fileError } from "../run/file_error.ts";
import { writeFileAtomic } from "../run/atomic_write.ts";

/** What is kept. */
export interface Subject<T> {
  /** What it is called, in its file and in errors. */
  readonly name: "profile" | "kernels";
  /** What it holds for; where that differs, it is of no use. */
  readonly key: unknown;
  /** Its file. */
  readonly path: string;
  /** Checks what a file has; throws if it is wrong. */
  readonly check: (value: unknown) => T;
  /** A hash of it. */
  readonly hash: (value: T) => string;
}

/** Something on disk. */
export interface Stored<T> {
  /** The same. */
  readonly value: T;
  /** When it was measured, in UTC (ISO 8601). */
  readonly date: string;
  /** Its file. */
  readonly path: string;
}

/**
 * Reads what was measured.
 *
 * @param subject What, and what it has to hold for.
 * @returns It; `undefined` if there is none; a sentence if what is there cannot be used.
 * @throws {Error} If the file cannot be read.
 */
export async function readStored<T>(
  { name, key, path, check, hash }: Subject<T>,
): Promise<Stored<T> | string | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw fileError(`read the ${name}`, { path, cause });
  }
  try {
    const found = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (JSON.stringify(found["key"]) !== JSON.stringify(key)) {
      return `${path} is the ${name} of another adapter or version`;
    }
    const value = check(found[name]);
    const date = String(found["date"]);
    if (found["hash"] !== hash(value) || !Number.isFinite(Date.parse(date))) {
      return `${path} was changed`;
    }
    return { value, date, path };
  } catch (error) {
    return `${path} is damaged: ${(error as Error).message}`;
  }
}

/**
 * Keeps what was measured now; its folder is made.
 *
 * @param folder Folder of the file.
 * @param subject What it is, and what it holds for.
 * @param value The same.
 * @throws {Error} If it cannot be written; what was there stays.
 */
export async function writeStored<T>(
  folder: string,
  { name, key, path, hash }: Subject<T>,
  value: T,
): Promise<Stored<T>> {
  const date = new Date().toISOString();
  const content = { key, date, hash: hash(value), [name]: value };
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (cause) {
    throw fileError("make the folder of profiles", { path: folder, cause });
  }
  await writeFileAtomic(path, `${JSON.stringify(content, undefined, 2)}\n`);
  return { value, date, path };
}
