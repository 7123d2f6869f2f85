/**
 * Follows a `metrics.jsonl` that grows, piece by piece; what has been read is noted by who asks.
 *
 * @module
 */
import { crc32c } from "../run/crc32c.ts";
import { type MetricRecord, parseLine } from "../run/metrics.ts";
import { printable } from "../text/printable.ts";
import type { MetricsChunk, MetricsGroup } from "./protocol.ts";
import { openRunFile, readBytes, type RunFile } from "./run_file.ts";

/** Bytes that are read at one time: about 10,000 lines. */
const MOST = 1 << 21;

/** Bytes before the end of what was read that must be the same at the next question. */
const MARK = 256;

/** Digits that a picture can show, and a reader wants to see. */
const DIGITS = 7;

const LINE_FEED = 0x0a;

/**
 * Reads the lines that were written since the last question. A last line without its break is being written,
 * and is left for the next question. A file that no longer begins with what was read (a resumed run cuts its
 * log off, and may have written more since) is read again.
 *
 * @param folder The run folder.
 * @param at Where the last answer ended; empty for the begin.
 * @param options `most`: bytes that are read at one time (default 2 MiB).
 * @returns The lines, and where they end; nothing if there is no log yet.
 */
export async function readMetricsChunk(
  folder: string,
  at = "",
  { most = MOST }: { readonly most?: number } = {},
): Promise<MetricsChunk> {
  const noted = parsePlace(at);
  using open = await openRunFile(folder, "metrics.jsonl");
  if (open === undefined) {
    return { at: "", again: noted.bytes > 0, more: false, faults: 0, groups: [] };
  }
  const same = noted.bytes <= open.size && await markBefore(open, noted.bytes) === noted.mark;
  const from = same ? noted.bytes : 0;
  const bytes = await readBytes(open, from, Math.min(most, open.size - from));
  let end = bytes.lastIndexOf(LINE_FEED) + 1;
  // A piece without any break holds no lines of metrics: it is passed over.
  const damaged = end === 0 && bytes.length === most;
  if (damaged) end = bytes.length;
  const { groups, faults } = parseLines(bytes.subarray(0, damaged ? 0 : end));
  const next = from + end;
  return {
    at: `${next}-${await markBefore(open, next)}`,
    again: !same,
    more: from + bytes.length < open.size,
    faults: faults + (damaged ? 1 : 0),
    groups,
  };
}

/** Reads a place as this file writes it; anything else means the begin. */
function parsePlace(at: string): { readonly bytes: number; readonly mark: number } {
  const [, bytes, mark] = /^(\d{1,15})-(\d{1,10})$/.exec(at) ?? [];
  return { bytes: Number(bytes ?? 0), mark: Number(mark ?? 0) };
}

/** Checksum of the bytes before a place. */
async function markBefore(open: RunFile, place: number): Promise<number> {
  const from = Math.max(0, place - MARK);
  return crc32c(await readBytes(open, from, place - from));
}

/** Sorts lines by arm, phase and names of metrics, column by column. */
function parseLines(
  bytes: Uint8Array,
): { readonly groups: readonly MetricsGroup[]; readonly faults: number } {
  const lines = new TextDecoder().decode(bytes).split("\n").slice(0, -1);
  const groups = new Map<string, { steps: number[]; values: number[][] } & MetricsGroup>();
  let faults = 0;
  for (const line of lines) {
    const record = readLine(line);
    if (record === undefined) {
      faults++;
      continue;
    }
    const { arm, phase, step, ...metrics } = record;
    const names = Object.keys(metrics);
    const key = JSON.stringify([arm, phase, names]);
    let group = groups.get(key);
    if (group === undefined) {
      group = {
        ...{ arm: printable(arm), phase: printable(phase), names: names.map(printable) },
        ...{ steps: [], values: names.map(() => []) },
      };
      groups.set(key, group);
    }
    group.steps.push(step);
    for (const [k, name] of names.entries()) {
      group.values[k]!.push(Number((metrics[name] as number).toPrecision(DIGITS)));
    }
  }
  return { groups: [...groups.values()], faults };
}

/** A record whose numbers can be drawn: JSON may say 1e999. */
function readLine(line: string): MetricRecord | undefined {
  try {
    const record = parseLine(line, "");
    return Object.values(record).every((value) =>
        typeof value === "string" || Number.isFinite(value)
      )
      ? record
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
