/**
 * Profiles as files for https://ui.perfetto.dev and chrome://tracing.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import type { Profile } from "./profile.ts";
import { requireArguments } from "../ir/options.ts";

/**
 * One event of a trace; times are microseconds. Source: Trace Event Format, Google, "Event Descriptions": `X` a
 * complete event, `C` a counter, `M` metadata.
 */
export type TraceEvent =
  & {
    /** Name of the event, or of the counter. */
    readonly name: string;
    /** Number of the process. */
    readonly pid: number;
    /** Number of the thread: of the track. */
    readonly tid: number;
    /** What there is to know of it; of a counter its series. */
    readonly args: Readonly<Record<string, string | number>>;
  }
  & (
    | {
      readonly ph: "X";
      /** Categories, with commas between them. */
      readonly cat: string;
      /** Beginning. */
      readonly ts: number;
      /** Duration. */
      readonly dur: number;
    }
    | { readonly ph: "C"; readonly ts: number }
    | { readonly ph: "M" }
  );

/** A trace, to be written as JSON. */
export interface TraceFile {
  /** The events. */
  readonly traceEvents: readonly TraceEvent[];
  /** In which unit a viewer shows times; before the events, as a reader of large files takes it only there. */
  readonly displayTimeUnit: "ms" | "ns";
  /** Where the times come from. */
  readonly otherData: Readonly<Record<string, string>>;
}

const PROCESS = 1;

/** Tracks, in the order in which they are shown. */
const TRACKS = ["host", "all dispatches", "hand-written kernels", "generated kernels"] as const;

const [HOST, ALL, WRITTEN, GENERATED] = [1, 2, 3, 4] as const;

/**
 * Makes a trace of a profile: a track of what the host did before, one of all dispatches one after the other, one
 * of those by hand-written and one of those by generated kernels; and counters of the memory in use and of the
 * rates of arithmetic and of memory.
 *
 * @param profile The profile, with times.
 * @returns The trace: `JSON.stringify` of it is a file that Perfetto opens.
 * @throws {RangeError} If the adapter had no timestamps, so that there are no times.
 *
 * @example
 * ```ts
 * import { profileTrace } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { traceEvents } = profileTrace({
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
 *     memory: { inputs: 64, constants: 0, temporaries: 0, results: 64 },
 *   }],
 *   hostSteps: 0,
 *   flops: 16,
 *   prepared: 1,
 * });
 * const spans = traceEvents.filter(({ ph }) => ph === "X");
 * assertEquals(spans.map(({ name, tid }) => [name, tid]), [
 *   ["trace, compile and load", 1],
 *   ["map mul [16]", 2],
 *   ["map mul [16]", 4],
 * ]);
 * ```
 */
export function profileTrace(profile: Profile): TraceFile {
  requireArguments("profileTrace", { profile }, { profile: is.profile });
  const { name, adapter, dispatches, prepared, ceiling } = profile;
  // Times are whole nanoseconds, so that what follows begins where this ends.
  const before = Math.round(prepared * 1e6);
  const events: TraceEvent[] = [
    metadata("process_name", HOST, { name: `${name} on ${adapter}` }),
    ...TRACKS.flatMap((track, k) => [
      metadata("thread_name", k + 1, { name: track }),
      metadata("thread_sort_index", k + 1, { sort_index: k + 1 }),
    ]),
    span(HOST, "trace, compile and load", { at: 0, duration: before, args: {} }),
  ];
  let at = before;
  for (const dispatch of dispatches) {
    const { label, kernel, nanoseconds, least, flops, bytes, memory, workgroups } = dispatch;
    if (nanoseconds === undefined) {
      throw new RangeError(
        `Cannot make a trace of ${name}: found no times, as ${adapter} has no timestamps. Use an ` +
          `adapter with "timestamp-query".`,
      );
    }
    const duration = Math.round(nanoseconds);
    const args = {
      kernel,
      workgroups: workgroups.join(" x "),
      flops,
      bytes,
      ...(least !== undefined && nanoseconds > 0 && { roofline: least / nanoseconds }),
    };
    const track = kernel === "generated" ? GENERATED : WRITTEN;
    for (const tid of [ALL, track]) events.push(span(tid, label, { at, duration, args }));
    events.push(
      counter("memory in use, bytes", at, { ...memory }),
      counter("GFLOP/s", at, { rate: nanoseconds > 0 ? flops / nanoseconds : 0 }),
      counter("GB/s", at, { rate: nanoseconds > 0 ? bytes / nanoseconds : 0 }),
    );
    at += duration;
  }
  return {
    displayTimeUnit: "ns",
    traceEvents: events,
    otherData: {
      adapter,
      times: "of the device's clock, each dispatch in a pass of its own, one after the other",
      ...(ceiling && {
        ceilings: `${ceiling.gflops.toFixed(1)} GFLOP/s, ${ceiling.gigabytes.toFixed(1)} GB/s`,
      }),
    },
  };
}

function metadata(name: string, tid: number, args: TraceEvent["args"]): TraceEvent {
  return { name, ph: "M", pid: PROCESS, tid, args };
}

function span(
  tid: number,
  name: string,
  { at, duration, args }: {
    /** Nanoseconds. */
    readonly at: number;
    /** Nanoseconds. */
    readonly duration: number;
    readonly args: TraceEvent["args"];
  },
): TraceEvent {
  const cat = tid === HOST ? "host" : "dispatch";
  return { name, cat, ph: "X", pid: PROCESS, tid, ts: beginning(at), dur: duration / 1e3, args };
}

function counter(name: string, at: number, args: TraceEvent["args"]): TraceEvent {
  return { name, ph: "C", pid: PROCESS, tid: HOST, ts: beginning(at), args };
}

/**
 * Microseconds of a time in nanoseconds, and half a nanosecond more: Perfetto cuts what is below a nanosecond off,
 * of a product with 1000 that may be a little too small, and leaves out a slice that begins before the last one
 * ends and ends after it.
 */
function beginning(nanoseconds: number): number {
  return (nanoseconds + 0.5) / 1e3;
}
