/**
 * Profiles as tables.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireCall, requireOptions } from "../ir/options.ts";
import type { Profile, ProfiledDispatch } from "./profile.ts";

/** Options of {@linkcode formatProfile}. */
export interface FormatProfileOptions {
  /** Whether every dispatch has a line of its own, in order; otherwise equal ones share one, the longest first. */
  readonly each?: boolean;
  /** Shows the WGSL of dispatches whose label or kernel contains the text; `""` shows all. */
  readonly wgsl?: string;
}

interface Row {
  readonly label: string;
  readonly kernel: string;
  count: number;
  nanoseconds: number;
  least: number;
  flops: number;
  bytes: number;
  /** Of one dispatch, or of all in the row, which are equal. */
  readonly invocations: number | undefined;
}

/** Share of an adapter's invocations below which a dispatch leaves it idle. */
const FILLED = 0.5;

/**
 * Writes a profile as a table: what was dispatched, how often, how long it took, its operations and bytes, its share
 * of what the adapter's arithmetic and memory allow, and how much of the adapter its invocations fill.
 *
 * @param profile The profile.
 * @param options A line for each dispatch; WGSL.
 * @returns Lines of text.
 *
 * @example
 * ```ts
 * import { formatProfile } from "@mutasesumele/toolkit";
 * import { assertMatch } from "@std/assert";
 *
 * const memory = { inputs: 64, constants: 0, temporaries: 0, results: 64 };
 * const text = formatProfile({
 *   name: "square",
 *   adapter: "some GPU",
 *   dispatches: [{
 *     label: "map mul [16]",
 *     kernel: "generated",
 *     wgsl: "...",
 *     workgroups: [1, 1, 1],
 *     flops: 16,
 *     bytes: 128,
 *     nanoseconds: 2000,
 *     memory,
 *   }],
 *   hostSteps: 0,
 *   flops: 16,
 *   prepared: 1,
 * });
 * assertMatch(text, /1 +0\.002 +100\.0% +16 +128 +0\.0 +0\.1 +- +- +generated +map mul \[16\]/);
 * ```
 */
export function formatProfile(profile: Profile, options: FormatProfileOptions = {}): string {
  requireCall("formatProfile", arguments, 1, 2);
  requireArguments("formatProfile", { profile }, { profile: is.profile });
  requireOptions("formatProfile", options, { each: true, wgsl: true });
  const { each = false, wgsl } = options;
  const { dispatches, ceiling, busy, hostSteps, splits = [], name, adapter, prepared } = profile;
  const timed = dispatches.every(({ nanoseconds }) => nanoseconds !== undefined);
  const rows = rowsOf(dispatches, each);
  const total = rows.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0);
  const least = rows.reduce((sum, row) => sum + row.least, 0);
  const executed = rows.reduce((sum, { flops }) => sum + flops, 0);
  const peak = Math.max(0, ...dispatches.map(({ memory }) => bytesOf(memory)));
  const lines = [
    `${name} on ${adapter}`,
    `${dispatches.length} dispatches${timed ? `, ${milliseconds(total)} ms on the device` : ""}, ` +
    `${count(executed)} FLOP (${count(profile.flops)} without recomputation), ` +
    `${(peak / 2 ** 20).toFixed(2)} MiB at most, prepared in ${milliseconds(prepared * 1e6)} ms`,
    ...splits,
    ...(hostSteps > 0 ? [`${hostSteps} steps on the host are not timed`] : []),
    ...(timed ? [] : ["the adapter has no timestamps: there are no times"]),
    ...(ceiling
      ? [
        `ceilings ${ceiling.gflops.toFixed(1)} GFLOP/s, ${ceiling.gigabytes.toFixed(1)} GB/s: ` +
        `${percent(least, total)} of the roofline`,
      ]
      : []),
    ...(timed && busy !== undefined ? idleTime(rows, { total, busy }) : []),
    table(rows, { total, roofline: ceiling !== undefined, busy }),
  ];
  if (wgsl !== undefined) lines.push(wgslOf(dispatches, wgsl));
  return lines.join("\n");
}

/** How much of the time the adapter is not filled. */
function idleTime(
  rows: readonly Row[],
  { total, busy }: { readonly total: number; readonly busy: number },
): string[] {
  const idle = rows.filter(({ invocations = busy }) => invocations < FILLED * busy)
    .reduce((sum, { nanoseconds }) => sum + nanoseconds, 0);
  return idle === 0 ? [] : [
    `${percent(idle, total)} of the time in dispatches that fill less than half of the adapter (${
      count(busy)
    } invocations keep it busy): more tasks or images at a time cost less there`,
  ];
}

/** Bytes in use. */
export function bytesOf(memory: ProfiledDispatch["memory"]): number {
  return memory.inputs + memory.constants + memory.temporaries + memory.results;
}

function rowsOf(dispatches: readonly ProfiledDispatch[], each: boolean): Row[] {
  const rows = new Map<string, Row>();
  dispatches.forEach((dispatch, k) => {
    const { label, kernel, flops, bytes, invocations, nanoseconds = 0, least = 0 } = dispatch;
    const key = each ? `${k}` : `${kernel} ${label}`;
    const row = rows.get(key) ??
      { label, kernel, count: 0, nanoseconds: 0, least: 0, flops: 0, bytes: 0, invocations };
    row.count++;
    row.nanoseconds += nanoseconds;
    row.least += least;
    row.flops += flops;
    row.bytes += bytes;
    rows.set(key, row);
  });
  return each
    ? [...rows.values()]
    : [...rows.values()].sort((a, b) => b.nanoseconds - a.nanoseconds || b.flops - a.flops);
}

function table(
  rows: readonly Row[],
  { total, roofline, busy }: {
    readonly total: number;
    readonly roofline: boolean;
    readonly busy: number | undefined;
  },
): string {
  const heads = ["count", "ms", "share", "FLOP", "bytes", "GFLOP/s", "GB/s", "roofline", "fills"];
  const cells = rows.map(({ count: times, nanoseconds, least, flops, bytes, invocations }) => [
    String(times),
    milliseconds(nanoseconds),
    percent(nanoseconds, total),
    count(flops),
    count(bytes),
    rate(flops, nanoseconds),
    rate(bytes, nanoseconds),
    roofline ? percent(least, nanoseconds) : "-",
    busy && invocations !== undefined
      ? `${Math.min(100, Math.ceil(100 * invocations / busy))}%`
      : "-",
  ]);
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...cells.map((row) => row[column]!.length))
  );
  const kernels = Math.max(6, ...rows.map(({ kernel }) => kernel.length));
  const line = (row: readonly string[], kernel: string, label: string): string =>
    `${row.map((cell, column) => cell.padStart(widths[column]!)).join("  ")}  ${
      kernel.padEnd(kernels)
    }  ${label}`;
  return [
    line(heads, "kernel", "what"),
    ...rows.map(({ kernel, label }, k) => line(cells[k]!, kernel, label)),
  ].join("\n");
}

function wgslOf(dispatches: readonly ProfiledDispatch[], text: string): string {
  const shown = new Map<string, string>();
  for (const { label, kernel, wgsl } of dispatches) {
    if ((label.includes(text) || kernel.includes(text)) && !shown.has(wgsl)) shown.set(wgsl, label);
  }
  if (shown.size === 0) return `\nno dispatch has "${text}" in its name`;
  return [...shown].map(([wgsl, label]) => `\n// ${label}\n${wgsl.trimEnd()}`).join("\n");
}

function milliseconds(nanoseconds: number): string {
  const value = nanoseconds / 1e6;
  return value.toFixed(value >= 100 ? 0 : value >= 1 ? 2 : 3);
}

function percent(part: number, whole: number): string {
  return whole > 0 ? `${(100 * part / whole).toFixed(1)}%` : "-";
}

/** Operations or bytes a nanosecond: billions a second. */
function rate(amount: number, nanoseconds: number): string {
  return amount > 0 && nanoseconds > 0 ? (amount / nanoseconds).toFixed(1) : "-";
}

function count(value: number): string {
  const [unit, size] = value >= 1e9 ? ["G", 1e9] : value >= 1e6 ? ["M", 1e6] : ["", 1];
  return unit === "" ? String(Math.round(value)) : `${(value / size).toFixed(2)} ${unit}`;
}
