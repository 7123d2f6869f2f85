/**
 * `metrics.jsonl`: one JSON object a line, the source of truth of every curve of a run.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { printable } from "../text/printable.ts";
import { AppendFile, type FilePosition } from "./append_file.ts";
import { fileError } from "./file_error.ts";

/**
 * One line of `metrics.jsonl`. Values that differ between two equal runs, such as seconds, do not
 * belong here but in `summary.json`.
 */
export interface MetricRecord {
  /** Arm of the experiment, such as `meta`. */
  readonly arm: string;
  /** Part of the arm, such as `train` or `validation`. */
  readonly phase: string;
  /** Steps of that part so far; a natural number. */
  readonly step: number;
  /** A finite number by name of the metric. */
  readonly [metric: string]: number | string;
}

/**
 * Writes one record as one line; every number reads back with the same bits.
 *
 * @param record Arm, phase, step and metrics.
 * @returns The line with its line break.
 * @throws {RangeError} If a metric is NaN or infinite; the message names metric, arm and step.
 * @throws {TypeError} If a metric is not a number or the step is not a natural number.
 *
 * @example
 * ```ts
 * import { formatMetricRecord } from "@mutasesumele/toolkit/run";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   formatMetricRecord({ arm: "meta", phase: "train", step: 3, loss: 0.25 }),
 *   '{"arm":"meta","phase":"train","step":3,"loss":0.25}\n',
 * );
 * ```
 */
export function formatMetricRecord(record: MetricRecord): string {
  requireArguments("write", { record }, {
    record: is.objectWith(
      { arm: is.text, phase: is.text, step: is.number },
      "a record of metrics",
    ),
  });
  requireArguments("write", { step: record.step }, { step: is.natural });
  const { arm, phase, step, ...metrics } = record;
  const where = `of arm "${arm}", phase "${phase}" at step ${step}`;
  const fields = [
    `"arm":${JSON.stringify(arm)}`,
    `"phase":${JSON.stringify(phase)}`,
    `"step":${step}`,
  ];
  for (const [name, value] of Object.entries(metrics)) {
    if (typeof value !== "number") {
      throw new TypeError(
        `Cannot log metric "${name}" ${where}: found ${JSON.stringify(value)}, expected a number.`,
      );
    }
    if (!Number.isFinite(value)) {
      throw new RangeError(
        `Cannot log metric "${name}" ${where}: found ${value}, expected a finite number. ` +
          `Training has diverged: lower the learning rate or resume from an older checkpoint.`,
      );
    }
    fields.push(`${JSON.stringify(name)}:${Object.is(value, -0) ? "-0" : String(value)}`);
  }
  // Names may hold what a terminal obeys; in JSON the escape means the same.
  return `{${printable(fields.join(","))}}\n`;
}

/** Appends records to a `metrics.jsonl`. */
export class MetricsWriter implements Disposable {
  #file: AppendFile;
  #encoder = new TextEncoder();

  private constructor(file: AppendFile) {
    this.#file = file;
  }

  /**
   * Opens the file for a new run, or for one that goes on.
   *
   * @param path The file; its folder must exist.
   * @param options `resumeAt`: what to keep, as noted in the checkpoint (default nothing: the file is
   * emptied).
   * @throws {Error} If the file does not begin with what was noted, or cannot be written.
   *
   * @example
   * ```ts
   * import { MetricsWriter, readMetrics } from "@mutasesumele/toolkit/run";
   * import { assertEquals } from "@std/assert";
   *
   * const path = await Deno.makeTempFile();
   * using writer = MetricsWriter.open(path);
   * writer.write({ arm: "meta", phase: "train", step: 1, loss: 0.1 });
   * assertEquals(await readMetrics(path), [{ arm: "meta", phase: "train", step: 1, loss: 0.1 }]);
   * await Deno.remove(path);
   * ```
   */
  static open(path: string, options: { readonly resumeAt?: FilePosition } = {}): MetricsWriter {
    requireArguments("MetricsWriter.open", { path }, { path: is.name });
    requireOptions("MetricsWriter.open", options, { resumeAt: is.optional(is.object) });
    return new MetricsWriter(AppendFile.open(path, options.resumeAt));
  }

  /** Bytes written so far, the kept ones included. */
  get offset(): number {
    return this.#file.offset;
  }

  /** Where the file stands, written but perhaps not on the disk yet. */
  get position(): FilePosition {
    return this.#file.position;
  }

  /**
   * Appends one record.
   *
   * @throws {RangeError} If a metric is not finite; nothing is written then.
   */
  write(record: MetricRecord): void {
    this.#file.write(this.#encoder.encode(formatMetricRecord(record)));
  }

  /**
   * Waits until every line is on the disk.
   *
   * @returns The position to note in a checkpoint.
   */
  sync(): FilePosition {
    return this.#file.sync();
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  /** Closes it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Reads a `metrics.jsonl`. A last line without line break, left by a killed process, is dropped.
 *
 * @param path The file.
 * @returns The records in the order of the file.
 * @throws {SyntaxError} If a complete line is not a metric record; the message names the line.
 *
 * @example
 * ```ts
 * import { formatMetricRecord, readMetrics } from "@mutasesumele/toolkit/run";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * const record = { arm: "meta", phase: "train", step: 1, loss: 0.5 };
 * await Deno.writeTextFile(path, `${formatMetricRecord(record)}{"arm":"me`);
 * assertEquals(await readMetrics(path), [record]);
 * await Deno.remove(path);
 * ```
 */
export async function readMetrics(path: string): Promise<MetricRecord[]> {
  requireArguments("readMetrics", { path }, { path: is.name });
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw fileError("read", { path, cause });
  }
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n").slice(0, -1);
  return lines.map((line, index) => parseLine(line, `${path}:${index + 1}`));
}

/**
 * Parses one complete line of a `metrics.jsonl`.
 *
 * @param line The line, without its break.
 * @param where File and number of the line, for messages.
 * @throws {SyntaxError} If it is no metric record.
 */
export function parseLine(line: string, where: string): MetricRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new SyntaxError(`Cannot read metrics: ${where} is not JSON: ${line.slice(0, 80)}`, {
      cause,
    });
  }
  if (!isMetricRecord(value)) {
    throw new SyntaxError(
      `Cannot read metrics: ${where} lacks arm, phase or step, or holds a value that is not a ` +
        `number: ${line.slice(0, 80)}`,
    );
  }
  return value;
}

function isMetricRecord(value: unknown): value is MetricRecord {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { arm, phase, step, ...metrics } = value as Record<string, unknown>;
  return typeof arm === "string" && typeof phase === "string" && Number.isSafeInteger(step) &&
    Object.values(metrics).every((metric) => typeof metric === "number");
}
