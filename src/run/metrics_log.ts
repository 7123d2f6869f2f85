/**
 * The metrics of one run: `metrics.jsonl` and, beside it, one TensorBoard event file an arm.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { checkFilePosition, type FilePosition } from "./append_file.ts";
import { fileError } from "./file_error.ts";
import { type MetricRecord, MetricsWriter } from "./metrics.ts";
import { type EventImage, TensorBoardWriter } from "./tensorboard.ts";

/**
 * How far every file is written, by its path relative to the run folder: the state of the log that a
 * checkpoint notes.
 */
export type MetricsPosition = Readonly<Record<string, FilePosition>>;

const JSONL = "metrics.jsonl";
const EVENTS = "tensorboard";
const EVENTS_FILE = "events.out.tfevents.0.run";
/** Names of arms, which become folders. */
const ARM = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/**
 * Writes every record to `metrics.jsonl` and to `tensorboard/<arm>/`, where the tag is
 * `<phase>/<metric>`, so that TensorBoard draws the arms into one chart.
 */
export class MetricsLog implements Disposable {
  #folder: string;
  #jsonl: MetricsWriter;
  #events: Map<string, TensorBoardWriter>;
  #position: MetricsPosition;
  #now: () => number;

  private constructor(
    folder: string,
    state: { jsonl: MetricsWriter; position: MetricsPosition; now: () => number },
  ) {
    this.#folder = folder;
    this.#jsonl = state.jsonl;
    this.#position = state.position;
    this.#now = state.now;
    this.#events = new Map();
  }

  /**
   * Opens the log of a run.
   *
   * @param folder The run folder.
   * @param options `resumeAt`: the position noted in the checkpoint that the run goes on from; what
   * was written later is cut off (default: everything). `now`: clock in milliseconds since 1970,
   * which TensorBoard shows.
   * @throws {Error} If a file does not begin with what was noted, or cannot be written; nothing is
   * cut off then.
   *
   * @example
   * ```ts
   * import { MetricsLog, readMetrics } from "@mutasesumele/toolkit/run";
   * import { assertEquals } from "@std/assert";
   *
   * const folder = await Deno.makeTempDir();
   * const log = MetricsLog.open(folder);
   * log.write({ arm: "meta", phase: "train", step: 1, loss: 0.5 });
   * const position = log.sync(); // goes into the checkpoint
   * log.write({ arm: "meta", phase: "train", step: 2, loss: 0.4 });
   * log.close(); // killed here
   *
   * const resumed = MetricsLog.open(folder, { resumeAt: position });
   * resumed.close();
   * assertEquals((await readMetrics(`${folder}/metrics.jsonl`)).length, 1);
   * await Deno.remove(folder, { recursive: true });
   * ```
   */
  static open(
    folder: string,
    options: { readonly resumeAt?: MetricsPosition; readonly now?: () => number } = {},
  ): MetricsLog {
    requireOptions("MetricsLog.open", options, {
      resumeAt: is.optional(is.object),
      now: is.optional(is.callback),
    });
    const position = options.resumeAt ?? {};
    checkMetricsPosition(folder, position);
    const jsonl = MetricsWriter.open(`${folder}/${JSONL}`, resumeAt(position, JSONL));
    try {
      const log = new MetricsLog(folder, { jsonl, position, now: options.now ?? Date.now });
      log.#reopenArms();
      return log;
    } catch (error) {
      jsonl.close();
      throw error;
    }
  }

  /**
   * Appends one record to both files.
   *
   * @throws {RangeError} If a metric is not finite; nothing is written then.
   */
  write(record: MetricRecord): void {
    const { arm, phase, step, ...metrics } = record;
    const events = this.#armEvents(arm);
    this.#jsonl.write(record);
    const scalars = Object.entries(metrics).map(([name, value]) => [`${phase}/${name}`, value]);
    if (scalars.length > 0) events.write(step, Object.fromEntries(scalars));
  }

  /**
   * Appends pictures to the TensorBoard events of an arm, where the tag is `<phase>/<name>`.
   *
   * @param place Arm, phase and step.
   * @param images Pictures by name.
   * @throws {RangeError} If the step is not a natural number; nothing is written then.
   */
  writeImages(
    { arm, phase, step }: { readonly arm: string; readonly phase: string; readonly step: number },
    images: Readonly<Record<string, EventImage>>,
  ): void {
    const tagged = Object.entries(images).map(([name, image]) => [`${phase}/${name}`, image]);
    if (tagged.length > 0) this.#armEvents(arm).writeImages(step, Object.fromEntries(tagged));
  }

  /** How far the files are written; perhaps not on the disk yet. */
  get position(): MetricsPosition {
    const arms = [...this.#events].map(([arm, { position }]) => [eventsPath(arm), position]);
    return { [JSONL]: this.#jsonl.position, ...Object.fromEntries(arms) };
  }

  /**
   * Waits until everything is on the disk.
   *
   * @returns The position to note in a checkpoint.
   * @throws {Error} If the disk does not take it, or the run folder was removed or moved away.
   */
  sync(): MetricsPosition {
    this.#jsonl.sync();
    for (const writer of this.#events.values()) writer.sync();
    return this.position;
  }

  /** Closes all files. */
  close(): void {
    this.#jsonl.close();
    for (const writer of this.#events.values()) writer.close();
  }

  /** Closes it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Cuts the arms known at the checkpoint to their length and removes the arms begun later. */
  #reopenArms(): void {
    for (const arm of armsOnDisk(`${this.#folder}/${EVENTS}`)) {
      if (eventsPath(arm) in this.#position) this.#armEvents(arm);
      else Deno.removeSync(`${this.#folder}/${EVENTS}/${arm}`, { recursive: true });
    }
  }

  #armEvents(arm: string): TensorBoardWriter {
    const found = this.#events.get(arm);
    if (found) return found;
    if (!ARM.test(arm)) {
      throw new TypeError(
        `Cannot log metrics of arm ${
          JSON.stringify(arm)
        }: an arm's name becomes a folder, expected ` +
          `letters, digits, "_", "." and "-".`,
      );
    }
    const path = `${this.#folder}/${eventsPath(arm)}`;
    try {
      Deno.mkdirSync(`${this.#folder}/${EVENTS}/${arm}`, { recursive: true });
    } catch (cause) {
      throw fileError("create the folder of", { path, cause });
    }
    const writer = TensorBoardWriter.open(path, {
      ...resumeAt(this.#position, eventsPath(arm)),
      now: this.#now,
    });
    this.#events.set(arm, writer);
    return writer;
  }
}

/**
 * Checks that the files of a log still begin with what they held when a position was noted.
 *
 * @param folder The run folder; nothing in it is changed.
 * @param position What a checkpoint noted; anything else is refused too.
 * @throws {Error} If a file is missing, shorter, or holds something else.
 *
 * @example
 * ```ts
 * import { checkMetricsPosition, MetricsLog } from "@mutasesumele/toolkit/run";
 * import { assertThrows } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * using log = MetricsLog.open(folder);
 * log.write({ arm: "meta", phase: "train", step: 1, loss: 0.5 });
 * const position = log.sync();
 * checkMetricsPosition(folder, position);
 * await Deno.writeTextFile(`${folder}/metrics.jsonl`, "{}");
 * assertThrows(() => checkMetricsPosition(folder, position), Error, "Cannot continue");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function checkMetricsPosition(folder: string, position: MetricsPosition): void {
  requireArguments("checkMetricsPosition", { folder, position }, {
    folder: is.name,
    position: is.recordOf(is.objectWith({ bytes: is.natural, crc32c: is.natural })),
  });
  for (const [file, noted] of Object.entries(position)) {
    const arm = file.split("/")[1] ?? "";
    if (file !== JSONL && (file !== eventsPath(arm) || !ARM.test(arm))) {
      throw new SyntaxError(
        `Cannot continue the metrics in ${folder}: the checkpoint notes a position in ` +
          `${JSON.stringify(file)}, which is none of their files.`,
      );
    }
    checkFilePosition(`${folder}/${file}`, noted);
  }
}

/**
 * Tells whether a position is not later than another one, in any file.
 *
 * @param position What a checkpoint noted.
 * @param limit Where the log stands.
 */
export function isNotLater(position: MetricsPosition, limit: MetricsPosition): boolean {
  return Object.entries(position).every(([file, { bytes }]) => bytes <= (limit[file]?.bytes ?? 0));
}

/** The options that open a file at its noted position, if one was noted. */
function resumeAt(position: MetricsPosition, file: string): { readonly resumeAt?: FilePosition } {
  const noted = position[file];
  return noted ? { resumeAt: noted } : {};
}

/** Path of an arm's event file, relative to the run folder. */
function eventsPath(arm: string): string {
  return `${EVENTS}/${arm}/${EVENTS_FILE}`;
}

/** Names of the arms that have a folder already. */
function armsOnDisk(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].filter((entry) => entry.isDirectory)
      .map((entry) => entry.name).sort();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw fileError("list", { path: folder, cause });
  }
}
