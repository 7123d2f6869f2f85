/**
 * What was measured on this machine, on disk: one file an adapter and subject, which is whole or not there.
 *
 * @module
 */
import { fileError } from "../run/file_error.ts";
import { writeFileAtomic } from "../run/atomic_write.ts";
import { waitForLock } from "../run/wait_for_lock.ts";
import { PROFILES_VARIABLE } from "./profile_folder.ts";

/** How another place is chosen. */
const ELSEWHERE = `let ${PROFILES_VARIABLE} name another folder`;

/** Bytes of a trial: what a table of some shapes takes. */
const TRIAL = 4096;

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
 * @param subject What it is, and what it holds for.
 * @param value The same.
 * @throws {Error} If it cannot be written; what was there stays.
 */
export async function writeStored<T>(
  { name, key, path, hash }: Subject<T>,
  value: T,
): Promise<Stored<T>> {
  const date = new Date().toISOString();
  const content = { key, date, hash: hash(value), [name]: value };
  await write(path, `${JSON.stringify(content, undefined, 2)}\n`);
  return { value, date, path };
}

/**
 * Changes what is kept. Others that do so wait meanwhile: of what two add at once nothing is lost.
 *
 * @param subject What it is, and what it holds for.
 * @param change Makes the new value of what {@linkcode readStored} found. The value found is not written again.
 * @returns What is kept now.
 * @throws {Error} If it cannot be read or written; what was there stays.
 */
export async function changeStored<T>(
  subject: Subject<T>,
  change: (found: Stored<T> | string | undefined) => T,
): Promise<Stored<T>> {
  await makeFolderOf(subject.path);
  using _lock = await waitForLock(`${subject.path}.lock`);
  const found = await readStored(subject);
  const value = change(found);
  const same = typeof found === "object" && found.value === value;
  return same ? found : await writeStored(subject, value);
}

/**
 * Tries whether something could be kept, before it is measured: that takes long.
 *
 * @param subject What it would be.
 * @returns `undefined` if it could; else a sentence that says why not.
 */
export async function whyNotStored(
  { path }: Pick<Subject<never>, "path">,
): Promise<string | undefined> {
  const trial = `${path}.trial`;
  try {
    await write(trial, " ".repeat(TRIAL), path);
  } catch (error) {
    return (error as Error).message;
  }
  // Another process may have removed it already, which tried the same.
  await Deno.remove(trial).catch(() => undefined);
}

/** Writes a file atomically; its folder is made. Errors name it, or what it stands for. */
async function write(file: string, text: string, path: string = file): Promise<void> {
  await makeFolderOf(path);
  try {
    await writeFileAtomic(file, text);
  } catch (error) {
    throw fileError("write", { path, cause: (error as Error).cause, elsewhere: ELSEWHERE });
  }
}

async function makeFolderOf(path: string): Promise<void> {
  const folder = path.slice(0, path.lastIndexOf("/"));
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (cause) {
    throw fileError("make the folder of profiles", { path: folder, cause, elsewhere: ELSEWHERE });
  }
}
