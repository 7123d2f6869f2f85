/**
 * The process of one implementation: `measure.ts <implementation> <workload> <order> <repeat>`
 * times it and writes a {@linkcode Measurement} as the last line of its output.
 *
 * @module
 */
import { conv4Workload } from "../../tests/workloads/conv4.ts";
import type { Measurement, Order, PeerModule, WorkloadName } from "./peer.ts";
import { peakRss } from "./process_memory.ts";
import { sample } from "./sampling.ts";

const MODULES: Readonly<Record<string, () => Promise<PeerModule>>> = {
  mutasesumele: () => import("./mutasesumele.ts"),
  "mutasesumele-recompute": async () => ({
    open: (await import("./mutasesumele.ts")).openRecomputing,
  }),
  "jax-js": () => import("./jax_js.ts"),
  "jax-js-vmap": async () => ({ open: (await import("./jax_js.ts")).openVectorized }),
  tfjs: () => import("./tfjs.ts"),
};

/** Counts the dispatches of everything that runs on WebGPU in this process. */
function countDispatches(): () => number {
  let count = 0;
  const { prototype } = GPUComputePassEncoder;
  for (const name of ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"] as const) {
    const original = prototype[name] as (...args: unknown[]) => undefined;
    Object.defineProperty(prototype, name, {
      value(this: GPUComputePassEncoder, ...args: unknown[]): undefined {
        count++;
        return original.apply(this, args);
      },
    });
  }
  return () => count;
}

const [implementation, name, order, repeat] = Deno.args as [string, WorkloadName, Order, string];
const workload = conv4Workload(name, { order });
const dispatches = countDispatches();
const peer = await (await MODULES[implementation]!()).open(workload, name, order);
let dispatched = 0;
const timed = await sample(async (count) => {
  const before = dispatches();
  await peer.run(count);
  dispatched = (dispatches() - before) / count;
}, Number(repeat));
const memory = await peakRss();
const measurement: Measurement = {
  version: peer.version,
  adapter: peer.adapter,
  ...timed,
  dispatches: dispatched,
  ...(memory === undefined ? {} : { peakRss: memory }),
  ...(peer.deviceBytes === undefined ? {} : { deviceBytes: peer.deviceBytes() }),
  results: (await peer.results()).map((result) => Array.from(result)),
};
console.log(JSON.stringify(measurement));
Deno.exit(0); // some libraries leave a device open
