/**
 * The metrics of one run: `metrics.jsonl` and, beside it, one TensorBoard event file an arm.
 *
 * @module
 */
import { fileError } from "./file_error.ts";
import { type MetricRecord, MetricsWriter } from "./metrics.ts";
import { TensorBoardWriter } from "./tensorboard.ts";

/** Bytes by file, relative to the run folder: the state of the log that a checkpoint notes. */
export type MetricsPosition = Readonly<Record<string, number>>;

const JSONL = "metrics.jsonl";
const EVENTS = "tensorboard";
const EVENTS_FILE = "events.out.tfevents.0.run";

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
   * @throws {Error} If a file is shorter than its noted position or cannot be written.
   *
   * @example
   * ```ts
   * import { MetricsLog, readMetrics } from "@mutasesumele/toolkit";
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
    const position = options.resumeAt ?? {};
    const jsonl = MetricsWriter.open(`${folder}/${JSONL}`, { resumeAt: position[JSONL] ?? 0 });
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
   * Waits until everything is on the disk.
   *
   * @returns The position to note in a checkpoint.
   */
  sync(): MetricsPosition {
    const position: Record<string, number> = { [JSONL]: this.#jsonl.sync() };
    for (const [arm, writer] of this.#events) position[eventsPath(arm)] = writer.sync();
    return position;
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
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(arm)) {
      throw new TypeError(
        `Cannot log metrics of arm ${
          JSON.stringify(arm)
        }: an arm's name becomes a folder, expected ` +
          `letters, digits, "_", "." and "-".`,
      );
    }
    const path = `${this.#folder}/${eventsPath(arm)}`;
    const resumeAt = this.#position[eventsPath(arm)] ?? 0;
    try {
      Deno.mkdirSync(`${this.#folder}/${EVENTS}/${arm}`, { recursive: true });
    } catch (cause) {
      throw fileError("create the folder of", { path, cause });
    }
    const writer = TensorBoardWriter.open(path, { resumeAt, now: this.#now });
    this.#events.set(arm, writer);
    return writer;
  }
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
