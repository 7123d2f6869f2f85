/**
 * Where the time of a meta-gradient goes, dispatch by dispatch:
 * `deno run -A bench/profile.ts [small|mid] [exact|first] [--keep] [--each]
 * [--trace FILE.json]`.
 *
 * `--keep` keeps inner activations instead of recomputing them. `--each` lists every dispatch instead of sums by label; `--trace` writes a file for Perfetto or
 * chrome://tracing. Times come from timestamp queries, one pass a dispatch.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { timeDispatches } from "../src/gpu/timing.ts";
import { loadWorkload } from "./loaded_workload.ts";

const flags = parseArgs(Deno.args, { boolean: ["each", "keep"], string: ["trace"] });
const name = (flags._[0] ?? "mid") as "small" | "mid";
const order = (flags._[1] ?? "exact") as "exact" | "first";
const workload = await loadWorkload(name, order, !flags["keep"]);
await workload.run(2);
const { plan } = workload.loaded;
const { buffers, gpu } = workload.backend.resources;
const outputs = plan.plan.outputs.map((bytes) => buffers.acquire(bytes));
const times = await timeDispatches(gpu, plan.bound(workload.inputs, outputs));

interface Row {
  label: string;
  count: number;
  milliseconds: number;
  flops: number;
  bytes: number;
}

const rows = new Map<string, Row>();
plan.plan.dispatches.forEach((dispatch, k) => {
  const key = flags["each"] ? `${k} ${dispatch.label}` : dispatch.label;
  const row = rows.get(key) ?? { label: key, count: 0, milliseconds: 0, flops: 0, bytes: 0 };
  row.count++;
  row.milliseconds += times[k]! / 1e6;
  row.flops += dispatch.flops;
  row.bytes += dispatch.bytes;
  rows.set(key, row);
});
const sorted = flags["each"]
  ? [...rows.values()]
  : [...rows.values()].sort((a, b) => b.milliseconds - a.milliseconds);
const total = sorted.reduce((sum, row) => sum + row.milliseconds, 0);
console.log(`W-${name}, ${order} order, ${workload.backend.info.adapter}`);
console.log(`${plan.plan.dispatches.length} dispatches, ${total.toFixed(1)} ms`);
console.log("      ms  share  count  GFLOP/s   GB/s  what");
for (const row of sorted) {
  const seconds = row.milliseconds / 1e3;
  console.log(
    [
      row.milliseconds.toFixed(2).padStart(8),
      `${(100 * row.milliseconds / total).toFixed(1)}%`.padStart(6),
      String(row.count).padStart(6),
      (row.flops > 0 ? (row.flops / seconds / 1e9).toFixed(1) : "-").padStart(8),
      (row.bytes / seconds / 1e9).toFixed(1).padStart(6),
      ` ${row.label}`,
    ].join(" "),
  );
}
if (flags["trace"]) {
  let at = 0;
  const events = plan.plan.dispatches.map(({ label, flops, bytes }, k) => {
    const duration = times[k]! / 1e3;
    const event = {
      name: label,
      ph: "X",
      pid: 0,
      tid: 0,
      ts: at,
      dur: duration,
      args: { flops, bytes },
    };
    at += duration;
    return event;
  });
  await Deno.writeTextFile(String(flags["trace"]), JSON.stringify({ traceEvents: events }));
}
workload.backend.close();
