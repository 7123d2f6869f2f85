/**
 * One implementation on one workload, with its errors against the float64 reference: one row.
 * `peer_job.ts <implementation> <workload> <order> --limit=S --python=A,B --device=cuda`
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { type Conv4Reference, conv4Workload } from "../../tests/workloads/conv4.ts";
import type { Order, WorkloadName } from "../peers/peer.ts";
import { type Implementation, runPeer } from "../peers/run_peer.ts";
import { median } from "../peers/sampling.ts";
import { printRow } from "./rows.ts";

const flags = parseArgs(Deno.args, { string: ["limit", "python", "device", "repeat"] });
const [implementation, workload, order] = flags._ as [Implementation, WorkloadName, Order];
const run = { implementation, workload, order };
const measured = await runPeer(run, {
  repeat: Number(flags.repeat ?? 7),
  limit: Number(flags.limit ?? 60),
  pythons: flags.python?.split(",") ?? ["python3"],
  device: flags.device === "cpu" ? "cpu" : "cuda",
});
if ("reason" in measured) {
  printRow({ ...run, ...measured });
  Deno.exit(1);
}
const { results, ...figures } = measured;
const file = new URL(`../../tests/workloads/w_${workload}_${order}.json`, import.meta.url);
const reference = JSON.parse(await Deno.readTextFile(file)) as Conv4Reference;
const { loss, gradient, worst } = conv4Workload(workload, { order }).compareTo(reference, results);
printRow({
  ...run,
  ...figures,
  median: median(figures.samples),
  least: Math.min(...figures.samples),
  lossError: loss,
  gradientError: gradient,
  worst: worst.name,
  worstError: worst.error,
});
