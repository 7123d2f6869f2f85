/**
 * The folder of one run: `runs/<experiment>/<time>-<seed>/`, locked while a process works in it.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { parse, stringify } from "@std/yaml";
import { removeTemporaryFiles, writeFileAtomic } from "./atomic_write.ts";
import { printableLines } from "../text/printable.ts";
import { fileError } from "./file_error.ts";
import { LOCK, lockFolder } from "./folder_lock.ts";

/** Everything needed to repeat a run; the content of `config.yaml`. */
export interface RunRecord {
  /** Name of the experiment. */
  readonly experiment: string;
  /** Seed of all randomness. */
  readonly seed: number;
  /** When the run began, in UTC (ISO 8601). */
  readonly date: string;
  /** Command line that began it. */
  readonly command: readonly string[];
  /** Commit of the source tree, `null` if there was no repository to read. */
  readonly commit: string | null;
  /** Versions by name: toolkit, deno, v8, typescript. */
  readonly versions: Readonly<Record<string, string>>;
  /** Preset that was asked for, `null` for none. */
  readonly preset: string | null;
  /** Engine that was asked for. */
  readonly engine: string;
  /** Data that was asked for. */
  readonly data: string;
  /** Hash of what the numbers depend on besides the data: experiment, seed, engine, configuration. */
  readonly hash: string;
  /** What was found at run time: engine, adapter, data set, ... */
  readonly environment: Readonly<Record<string, unknown>>;
  /** When and how the run was resumed. */
  readonly resumed: readonly { readonly date: string; readonly command: readonly string[] }[];
  /** The complete configuration of the experiment. */
  readonly config: unknown;
}

/** How far a run has come; the content of `status.json`. */
export interface RunStatus {
  /** `running` also after a kill that left no chance to note anything else. */
  readonly state: "running" | "finished" | "interrupted" | "failed";
  /** When this was noted, in UTC (ISO 8601). */
  readonly date: string;
  /** What went wrong, if the run failed. */
  readonly error?: string;
}

/** A run folder that this process has locked. */
export class RunFolder implements Disposable {
  /** Path of the folder, as given or below the given root. */
  readonly path: string;
  #lock: Deno.FsFile;
  #open = true;

  private constructor(path: string, lock: Deno.FsFile) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Makes and locks `<root>/<experiment>/<time>-<seed>`; runs begun in the same second with the same
   * seed get `.2`, `.3`, ... appended.
   *
   * @param options `root`: folder of all runs; `experiment`: its name; `seed`; `now`: the time.
   * @throws {Error} If the place is not writable or the disk is full.
   *
   * @example
   * ```ts
   * import { RunFolder } from "@mutasesumele/toolkit/run";
   * import { assertEquals } from "@std/assert";
   *
   * const root = await Deno.makeTempDir();
   * const now = new Date("2025-01-31T12:00:00Z");
   * using folder = await RunFolder.create({ root, experiment: "demo", seed: 7, now });
   * assertEquals(folder.path, `${root}/demo/20250131T120000Z-7`);
   * await Deno.remove(root, { recursive: true });
   * ```
   */
  static async create(options: {
    readonly root: string;
    readonly experiment: string;
    readonly seed: number;
    readonly now?: Date;
  }): Promise<RunFolder> {
    requireOptions("RunFolder.create", options, {
      root: is.name,
      experiment: is.name,
      seed: is.natural,
      now: is.optional(is.kind("a Date", (found) => found instanceof Date)),
    });
    const time = (options.now ?? new Date()).toISOString().replace(/[-:]|\.\d+/g, "");
    const parent = `${options.root.replace(/(?<=.)\/+$/, "")}/${options.experiment}`;
    const base = `${parent}/${time}-${options.seed}`;
    let path = base;
    try {
      await Deno.mkdir(parent, { recursive: true });
      for (let attempt = 2; !(await makeFolder(path)); attempt++) path = `${base}.${attempt}`;
    } catch (cause) {
      throw fileError("create the run folder", { path, cause });
    }
    try {
      return await RunFolder.#locked(path);
    } catch (error) {
      await Deno.remove(path).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Makes and locks a folder at exactly one place, or locks the run that is there.
   *
   * @param path The run folder; what is above it is made too.
   * @returns The folder, and whether a run began in it: one that was killed before it wrote its record has
   * not, and is begun again.
   * @throws {Error} If the place holds something that is no run, is not writable, or another process works
   * in it.
   *
   * @example
   * ```ts
   * import { RunFolder } from "@mutasesumele/toolkit/run";
   * import { assertEquals } from "@std/assert";
   *
   * const root = await Deno.makeTempDir();
   * const { folder, begun } = await RunFolder.at(`${root}/study/meta/seed-0`);
   * assertEquals([folder.path, begun], [`${root}/study/meta/seed-0`, false]);
   * folder.close();
   * await Deno.remove(root, { recursive: true });
   * ```
   */
  static async at(path: string): Promise<{ readonly folder: RunFolder; readonly begun: boolean }> {
    requireArguments("RunFolder.at", { path }, { path: is.name });
    const trimmed = path.replace(/(?<=.)\/+$/, "");
    const names: string[] = [];
    try {
      await Deno.mkdir(trimmed, { recursive: true });
      for await (const { name } of Deno.readDir(trimmed)) names.push(name);
    } catch (cause) {
      throw fileError("create the run folder", { path: trimmed, cause });
    }
    // What a run writes before its record.
    const early = /^(run\.lock|begun\.json|(begun\.json|config\.yaml)\.[0-9a-f]{8}\.tmp)$/;
    const stray = names.find((name) => !early.test(name));
    if (stray !== undefined && !names.includes("config.yaml")) {
      throw new Error(
        `Cannot begin a run in ${trimmed}: it holds "${stray}" and no config.yaml, so it is no run ` +
          `folder. Choose an empty or new one.`,
      );
    }
    const folder = await RunFolder.#locked(trimmed);
    try {
      await removeTemporaryFiles(trimmed);
      // Only now: another process may have begun, and ended, since the names were read.
      const begun = await Deno.stat(`${trimmed}/config.yaml`).then(() => true, () => false);
      return { folder, begun };
    } catch (error) {
      folder.close();
      throw error;
    }
  }

  /**
   * Locks the folder of an earlier run to go on with it, and removes the temporary files that it left
   * when it was killed.
   *
   * @param path The run folder.
   * @throws {Error} If it is no run folder, or another process works in it.
   */
  static async open(path: string): Promise<RunFolder> {
    requireArguments("RunFolder.open", { path }, { path: is.name });
    const trimmed = path.replace(/(?<=.)\/+$/, "");
    try {
      await Deno.stat(`${trimmed}/config.yaml`);
    } catch (cause) {
      throw fileError("open the run folder with", { path: `${trimmed}/config.yaml`, cause });
    }
    const folder = await RunFolder.#locked(trimmed);
    try {
      await removeTemporaryFiles(trimmed);
    } catch (error) {
      folder.close();
      throw error;
    }
    return folder;
  }

  /**
   * Tells whether a process works in a folder.
   *
   * @param path The run folder.
   */
  static isLocked(path: string): boolean {
    let lock: Deno.FsFile;
    try {
      lock = Deno.openSync(`${path}/${LOCK}`, { read: true });
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) return false;
      throw fileError("look for the lock of", { path, cause });
    }
    // A shared lock: who asks needs no permission to write, and is in no other asker's way.
    const free = lock.tryLockSync(false);
    lock.close();
    return !free;
  }

  static async #locked(path: string): Promise<RunFolder> {
    return new RunFolder(path, await lockFolder(path));
  }

  /** Path of a file in the folder. */
  file(name: string): string {
    return `${this.path}/${name}`;
  }

  /**
   * Writes a text file into the folder, atomically.
   *
   * @throws {Error} If the disk is full, or the folder was removed, moved away or replaced.
   */
  async writeText(name: string, text: string): Promise<void> {
    await this.#checkPlace(name);
    await writeFileAtomic(this.file(name), text);
  }

  /**
   * Writes a file of bytes into the folder, or into one in it, atomically.
   *
   * @throws {Error} If the disk is full, or the folder was removed, moved away or replaced.
   */
  async writeBytes(name: string, bytes: Uint8Array): Promise<void> {
    await this.#checkPlace(name);
    const path = this.file(name);
    try {
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    } catch (cause) {
      throw fileError("create the folder of", { path, cause });
    }
    await writeFileAtomic(path, bytes);
  }

  /** The lock stays with the folder that it was taken in, wherever that is now. */
  async #checkPlace(name: string): Promise<void> {
    const ours = await this.#lock.stat();
    const found = await Deno.stat(this.file(LOCK)).catch(() => undefined);
    if (found?.ino === ours.ino && found.dev === ours.dev) return;
    throw new Error(
      `Cannot write ${this.file(name)}: the run folder was removed, moved away or replaced while ` +
        `this process worked in it. If it was moved, resume from its new place.`,
    );
  }

  /**
   * Writes `config.yaml`.
   *
   * @throws {TypeError} If the record holds what YAML cannot say, such as a function.
   */
  async writeRecord(record: RunRecord): Promise<void> {
    const text = stringify(record, { lineWidth: -1 });
    await this.writeText(
      "config.yaml",
      `# Complete record of this run; --resume reads it.\n${text}`,
    );
  }

  /**
   * Reads `config.yaml`.
   *
   * @throws {SyntaxError} If it is not the record of a run.
   */
  async readRecord(): Promise<RunRecord> {
    const path = this.file("config.yaml");
    let record: unknown;
    try {
      record = parse(await Deno.readTextFile(path));
    } catch (cause) {
      throw fileError("read", { path, cause });
    }
    if (!isRunRecord(record)) {
      throw new SyntaxError(
        `Cannot read ${path}: it lacks the experiment, seed, hash or config of a run.`,
      );
    }
    return record;
  }

  /** Writes `status.json`. */
  async writeStatus(status: RunStatus): Promise<void> {
    await this.writeText("status.json", jsonLines(status));
  }

  /**
   * Reads `status.json`.
   *
   * @returns The status, or `undefined` if the run was killed before it noted one, or it is damaged.
   */
  async readStatus(): Promise<RunStatus | undefined> {
    const path = this.file("status.json");
    try {
      const status: unknown = JSON.parse(await Deno.readTextFile(path));
      return typeof status === "object" && status !== null ? status as RunStatus : undefined;
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound || cause instanceof SyntaxError) return undefined;
      throw fileError("read", { path, cause });
    }
  }

  /**
   * Writes `summary.json`: the figures of the run.
   *
   * @param summary Plain JSON.
   * @throws {RangeError} If a number in it is NaN or infinite; the message names the place.
   */
  async writeSummary(summary: unknown): Promise<void> {
    assertFinite(summary, "summary");
    await this.writeText("summary.json", jsonLines(summary));
  }

  /** Releases the lock; a second call does nothing. The folder stays. */
  close(): void {
    if (this.#open) this.#lock.close();
    this.#open = false;
  }

  /** Closes it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Makes a folder; `false` if it exists already. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await Deno.mkdir(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}

/** JSON for people: what a terminal would obey stands escaped in its texts, which means the same. */
function jsonLines(value: unknown): string {
  return `${printableLines(JSON.stringify(value, null, 2))}\n`;
}

/** JSON would turn NaN and infinity into `null` without a word. */
function assertFinite(value: unknown, place: string): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new RangeError(`Cannot write ${place}: found ${value}, expected a finite number.`);
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) assertFinite(item, `${place}.${key}`);
}

function isRunRecord(value: unknown): value is RunRecord {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Partial<Record<keyof RunRecord, unknown>>;
  return typeof record.experiment === "string" && Number.isSafeInteger(record.seed) &&
    typeof record.engine === "string" && typeof record.data === "string" &&
    typeof record.hash === "string" &&
    typeof record.environment === "object" && record.environment !== null &&
    Array.isArray(record.resumed) && "config" in record;
}
