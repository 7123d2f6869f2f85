/**
 * Where the time of a meta-gradient goes, dispatch by dispatch:
 * `deno run -A bench/profile.ts [small|mid|full] [exact|first] [--keep] [--each]
 * [--trace FILE.json]`.
 *
 * `full` is the meta-training step of cifar-maml at the size of the original. `--keep` keeps inner
 * activations instead of recomputing them. `--each` lists every dispatch instead of sums by label;
 * `--trace` writes a file for Perfetto or chrome://tracing. Times come from timestamp queries, one pass
 * a dispatch. The roofline is measured in the same run: a dispatch cannot take less than its
 * operations at the rate of multiply-adds in registers, or its bytes at that of a copy.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { leastTime, measureCeiling } from "./ceiling.ts";
import { loadWorkload } from "./loaded_workload.ts";

const flags = parseArgs(Deno.args, { boolean: ["each", "keep"], string: ["trace"] });
const name = (flags._[0] ?? "mid") as "small" | "mid" | "full";
const order = (flags._[1] ?? "exact") as "exact" | "first";
const workload = await loadWorkload(name, order, !flags["keep"]);
await workload.run(2);
const { plan } = workload.loaded;
const ceiling = await measureCeiling(workload.backend.resources.gpu);
const times = await workload.timeEach();

interface Row {
  label: string;
  count: number;
  milliseconds: number;
  flops: number;
  bytes: number;
  least: number;
}

const rows = new Map<string, Row>();
plan.plan.dispatches.forEach((dispatch, k) => {
  const key = flags["each"] ? `${k} ${dispatch.label}` : dispatch.label;
  const row = rows.get(key) ??
    { label: key, count: 0, milliseconds: 0, flops: 0, bytes: 0, least: 0 };
  row.count++;
  row.milliseconds += times[k]! / 1e6;
  row.flops += dispatch.flops;
  row.bytes += dispatch.bytes;
  row.least += leastTime(ceiling, dispatch) / 1e6;
  rows.set(key, row);
});
const sorted = flags["each"]
  ? [...rows.values()]
  : [...rows.values()].sort((a, b) => b.milliseconds - a.milliseconds);
const total = sorted.reduce((sum, row) => sum + row.milliseconds, 0);
console.log(`W-${name}, ${order} order, ${workload.backend.info.adapter}`);
console.log(`${plan.plan.dispatches.length} dispatches, ${total.toFixed(1)} ms`);
const percent = (part: number, whole: number): string => `${(100 * part / whole).toFixed(1)}%`;
const least = sorted.reduce((sum, row) => sum + row.least, 0);
console.log(
  `ceilings ${ceiling.gflops.toFixed(1)} GFLOP/s, ${ceiling.gigabytes.toFixed(1)} GB/s; ` +
    `${(workload.flops / 1e9).toFixed(2)} GFLOP in the program; ${
      percent(least, total)
    } of the roofline`,
);
console.log("      ms  share  count  GFLOP/s   GB/s  roofline  what");
for (const row of sorted) {
  const seconds = row.milliseconds / 1e3;
  console.log(
    [
      row.milliseconds.toFixed(2).padStart(8),
      percent(row.milliseconds, total).padStart(6),
      String(row.count).padStart(6),
      (row.flops > 0 ? (row.flops / seconds / 1e9).toFixed(1) : "-").padStart(8),
      (row.bytes / seconds / 1e9).toFixed(1).padStart(6),
      percent(row.least, row.milliseconds).padStart(9),
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
      args: { flops, bytes, least: leastTime(ceiling, { flops, bytes }) / 1e3 },
    };
    at += duration;
    return event;
  });
  await Deno.writeTextFile(String(flags["trace"]), JSON.stringify({ traceEvents: events }));
}
workload.backend.close();
