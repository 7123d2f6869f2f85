/**
 * What Perfetto's trace processor makes of a JSON trace, as its importer does it: it reads the file in pieces, cuts
 * times to whole nanoseconds, leaves out a slice that crosses the end of the one it begins in, and names tracks by
 * threads. Source: `src/trace_processor/importers/json` and `importers/common/slice_tracker.cc` of google/perfetto.
 *
 * @module
 */

/** A slice on the track of a thread; nanoseconds. */
export interface ImportedSlice {
  /** Name. */
  readonly name: string;
  /** Name of the thread. */
  readonly track: string;
  /** Beginning. */
  readonly from: number;
  /** Duration. */
  readonly duration: number;
  /** How many slices it lies in. */
  readonly depth: number;
}

/** What comes out of a trace. */
export interface Imported {
  /** Slices, in the order of their beginnings. */
  readonly slices: readonly ImportedSlice[];
  /** Values by the name of a counter's track: name of the event, then of the series. */
  readonly counters: ReadonlyMap<string, readonly number[]>;
  /** Name of every process, by its number. */
  readonly processes: ReadonlyMap<number, string>;
  /** The statistics that are errors: empty where all was understood. */
  readonly errors: readonly string[];
}

type Event = Readonly<Record<string, unknown>>;

/** How versions of the importer turn microseconds into nanoseconds. */
export const readings: Readonly<Record<string, (microseconds: number) => number>> = {
  // Moves the point of the text by three places.
  text: (microseconds) => {
    const [whole, part = ""] = String(microseconds).split(".");
    return Number(`${whole}${part.padEnd(3, "0").slice(0, 3)}`);
  },
  // Multiplies, and cuts off.
  product: (microseconds) => Math.trunc(microseconds * 1000),
};

/** Keys of the file after which the importer goes on. */
const KEYS = ["traceEvents", "displayTimeUnit", "otherData", "metadata"];

/** Imports a trace. */
export function importTrace(json: string, read: (microseconds: number) => number): Imported {
  const file = JSON.parse(json) as Record<string, unknown>;
  const errors: string[] = [];
  const keys = Object.keys(file);
  for (const key of keys) if (!KEYS.includes(key)) errors.push(`ends at the unknown key ${key}`);
  if (keys.indexOf("displayTimeUnit") > keys.indexOf("traceEvents")) {
    errors.push("json_display_time_unit_too_late");
  }
  const threads = new Map<number, string>();
  const processes = new Map<number, string>();
  const counters = new Map<string, number[]>();
  const timed: { readonly event: Event; readonly at: number }[] = [];
  for (const event of file["traceEvents"] as Event[]) {
    const { ph, ts, pid, tid, name, args } = event;
    if (ph === "M") {
      const given = (args as Event)["name"];
      // Thread 0 is that of an idle processor.
      if (name === "thread_name" && tid !== 0) threads.set(tid as number, given as string);
      if (name === "process_name") processes.set(pid as number, given as string);
    } else if (typeof ts !== "number") errors.push("json_tokenizer_failure");
    else timed.push({ event, at: read(ts) });
  }
  timed.sort((a, b) => a.at - b.at);
  const slices: ImportedSlice[] = [];
  const open = new Map<number, { readonly to: number; readonly duration: number }[]>();
  for (const { event: { ph, dur, tid, name, args }, at: from } of timed) {
    if (ph === "C") {
      for (const [series, value] of Object.entries(args as Event)) {
        if (typeof value !== "number") errors.push("json_parser_failure");
        const track = `${name} ${series}`;
        const values = counters.get(track) ?? [];
        counters.set(track, values);
        values.push(value as number);
      }
    } else if (ph === "X" && typeof dur === "number") {
      const duration = Math.trunc(dur * 1000);
      const stack = open.get(tid as number) ?? [];
      open.set(tid as number, stack);
      for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
        const stays = top.to === from && top.duration === 0 && duration === 0;
        if (top.to > from || stays) break;
        stack.pop();
      }
      if (stack.some(({ to }) => from < to && from + duration > to)) {
        errors.push("slice_drop_overlapping_complete_event");
        continue;
      }
      const track = threads.get(tid as number) ?? `thread ${tid}`;
      slices.push({ name: name as string, track, from, duration, depth: stack.length });
      stack.push({ to: from + duration, duration });
    }
  }
  return { slices, counters, processes, errors };
}
