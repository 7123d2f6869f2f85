/**
 * What the published Trace Event Format asks of a file (Google, "Trace Event Format": JSON Object Format, Complete
 * Events, Counter Events, Metadata Events), so far as complete events, counters and metadata go; and what makes
 * tracks readable: every track has a name, spans on it nest.
 *
 * @module
 */

/** What metadata events carry, by their name. */
const METADATA: Readonly<Record<string, readonly [key: string, type: string]>> = {
  process_name: ["name", "string"],
  process_labels: ["labels", "string"],
  process_sort_index: ["sort_index", "number"],
  thread_name: ["name", "string"],
  thread_sort_index: ["sort_index", "number"],
};

type Event = Readonly<Record<string, unknown>>;

/** Everything that is wrong with a trace, given as JSON; empty where nothing is. */
export function traceFaults(json: string): string[] {
  const file = JSON.parse(json) as Record<string, unknown>;
  const faults: string[] = [];
  if (!Array.isArray(file["traceEvents"])) return ["traceEvents is no array"];
  const unit = file["displayTimeUnit"];
  if (unit !== undefined && unit !== "ms" && unit !== "ns") {
    faults.push(`displayTimeUnit is ${unit}`);
  }
  const named = new Set<string>();
  const spans = new Map<string, { from: number; to: number }[]>();
  (file["traceEvents"] as Event[]).forEach((event, k) => {
    const { name, ph, pid, tid, ts, dur, args } = event;
    const fault = (what: string): number => faults.push(`event ${k} (${name}): ${what}`);
    if (typeof name !== "string" || name === "") fault("has no name");
    if (!Number.isInteger(pid)) fault(`pid is ${pid}`);
    if (!Number.isInteger(tid)) fault(`tid is ${tid}`);
    if (typeof args !== "object" || args === null) return void fault("has no args");
    const values = Object.values(args);
    if (ph === "M") {
      const [key, type] = METADATA[name as string] ?? [];
      const value = (args as Event)[key ?? ""];
      if (key === undefined || typeof value !== type) fault(`args.${key} is ${value}`);
      if (name === "thread_name") named.add(`${pid} ${tid}`);
      return;
    }
    if (!isTime(ts)) fault(`ts is ${ts}`);
    if (ph === "C") {
      const series = values.length > 0 && values.every((value) => Number.isFinite(value));
      if (!series) fault(`a counter of ${JSON.stringify(args)}`);
    } else if (ph === "X") {
      if (!isTime(dur)) fault(`dur is ${dur}`);
      if (typeof event["cat"] !== "string") fault("has no categories");
      const track = `${pid} ${tid}`;
      const span = { from: ts as number, to: (ts as number) + (dur as number) };
      spans.set(track, [...spans.get(track) ?? [], span]);
    } else fault(`ph is ${ph}`);
  });
  for (const [track, on] of spans) {
    if (!named.has(track)) faults.push(`track ${track} has no name`);
    const ordered = [...on].sort((a, b) => a.from - b.from || b.to - a.to);
    const open: number[] = [];
    for (const { from, to } of ordered) {
      while (open.length > 0 && open.at(-1)! <= from + 1e-6) open.pop();
      if (open.length > 0 && to > open.at(-1)! + 1e-6) faults.push(`spans cross on ${track}`);
      open.push(to);
    }
  }
  return faults;
}

function isTime(value: unknown): boolean {
  return Number.isFinite(value) && (value as number) >= 0;
}
