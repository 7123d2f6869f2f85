/**
 * Workloads on the WebGPU device, one row for each argument:
 * `step_job.ts '{"which":"mid","keep":true,"top":20}' ...`
 *
 * `which` is `small`, `mid`, `full` or sizes; `keep` keeps the activations of the inner steps; `top` is how
 * many kinds of dispatches are listed, by their share of the time. A workload that cannot run gets a row
 * with the error, and the next one a new device.
 *
 * @module
 */
import { type Ceiling, leastTime, measureCeiling } from "../../src/profile/ceiling.ts";
import { type LoadedWorkload, loadWorkload } from "../loaded_workload.ts";
import { median, sample } from "../peers/sampling.ts";
import type { Row } from "./job.ts";
import {
  adapterClassOf,
  adapterCosts,
  builtInProfile,
  type KernelTable,
} from "../../src/adapter/mod.ts";
import { openGpu } from "../../src/gpu/device.ts";
import type { AdapterCosts } from "../../src/ir/adapter_costs.ts";
import { withKernelSets } from "../../src/ops/variants/kernel_sets.ts";
import { measureVariants } from "../../src/profile/measure_variants.ts";
import { kernelShapes, shapeLines } from "../../src/workbench/kernel_table.ts";
import { conv4Workload } from "../../tests/workloads/conv4.ts";
import { fullStep } from "../full_step.ts";
import { printRow } from "./rows.ts";

/** An argument. */
interface Item {
  readonly which: Parameters<typeof loadWorkload>[0];
  readonly keep?: boolean;
  readonly top?: number;
  /** Most bytes of device memory. */
  readonly byteBudget?: number;
  /** Traits of the adapter other than those found, so that other kernels are chosen. */
  readonly traits?: NonNullable<Parameters<typeof loadWorkload>[3]>["traits"];
  /** Costs of a discrete GPU, but for these: other plans are made. */
  readonly costs?: Partial<AdapterCosts>;
  /** Seconds in which the kernels of its shapes are measured first, of which it takes the fastest. */
  readonly measure?: number;
}

const SAMPLES = 3;

/** Steps that are given out without waiting for one. */
const GIVEN = 8;

interface Kind {
  readonly label: string;
  count: number;
  milliseconds: number;
  least: number;
  flops: number;
  bytes: number;
}

let ceiling: Ceiling | undefined;

for (const argument of Deno.args) {
  const item = JSON.parse(argument) as Item;
  const activations = item.keep ? "kept" : "recomputed";
  const about = {
    which: item.which,
    activations,
    ...(item.traits && { traits: item.traits }),
    ...(item.costs && { costs: item.costs }),
    ...(item.measure && { measure: item.measure }),
  };
  try {
    printRow({ ...about, ...await measure(item) });
  } catch (error) {
    printRow({ ...about, error: error instanceof Error ? error.message : String(error) });
  }
}
Deno.exit(0); // a lost device may keep the process

async function measure(
  { which, keep = false, top = 20, byteBudget, traits, costs, measure }: Item,
): Promise<Row> {
  const measured = measure === undefined ? undefined : await measureKernels(which, measure);
  const workload = await loadWorkload(which, "exact", !keep, {
    ...(byteBudget !== undefined && { byteBudget }),
    ...((traits || costs) &&
      { traits: { ...traits, ...(costs && { costs: discreteCosts(costs) }) } }),
    ...(measured && { kernels: measured.kernels }),
  });
  try {
    const samples = await sample((count) => workload.run(count), SAMPLES);
    const begun = performance.now();
    await workload.give(GIVEN);
    const given = (performance.now() - begun) / GIVEN;
    await workload.run(1);
    const milliseconds = median(samples.samples);
    return {
      adapter: workload.backend.info.adapter,
      milliseconds,
      samples: samples.samples,
      firstRun: samples.firstCall,
      given,
      trace: workload.firstCall.trace,
      load: workload.firstCall.load,
      gflop: workload.flops / 1e9,
      gflops: workload.flops / milliseconds / 1e6,
      dispatches: workload.loaded.plan.plan.dispatches.length,
      ...(measured && measured.row),
      deviceBytes: workload.backend.memory().peak,
      ...(top > 0 && workload.backend.resources.gpu.canTime ? await profile(workload, top) : {}),
    };
  } finally {
    workload.backend.close();
  }
}

/** Costs of a discrete GPU, but for some. */
function discreteCosts(costs: Partial<AdapterCosts>): AdapterCosts {
  return { ...adapterCosts(builtInProfile("discrete")), ...costs };
}

/** The fastest kernels for the shapes of a workload, and what was measured of all of them. */
async function measureKernels(
  which: Item["which"],
  seconds: number,
): Promise<{ readonly kernels: KernelTable; readonly row: Row }> {
  const gpu = await openGpu();
  try {
    const target = which === "full" ? fullStep("exact") : conv4Workload(which);
    const shapes = await kernelShapes(gpu, target, builtInProfile(adapterClassOf(gpu.info)));
    const found = await measureVariants(gpu, shapes, {
      traits: await withKernelSets(gpu.traits, "all"),
      budget: 1000 * seconds,
      onShape: (shape) => shapeLines(shape).forEach((line) => console.error(line)),
    });
    const winners = found.measured.flatMap(({ shape, winner }) =>
      winner === undefined ? [] : [[shape, winner] as const]
    );
    return {
      kernels: Object.fromEntries(winners),
      row: { kernels: found.measured, unmeasured: found.left },
    };
  } finally {
    gpu.close();
  }
}

/** Where the time goes, by the clock of the device. */
async function profile(workload: LoadedWorkload, top: number): Promise<Row> {
  ceiling ??= await measureCeiling(workload.backend.resources.gpu);
  const times = await workload.timeEach();
  const inOnePass = await workload.timeWhole();
  const kinds = new Map<string, Kind>();
  workload.loaded.plan.plan.dispatches.forEach((dispatch, k) => {
    const { label, flops, bytes } = dispatch;
    const kind = kinds.get(label) ??
      { label, count: 0, milliseconds: 0, least: 0, flops: 0, bytes: 0 };
    kind.count++;
    kind.milliseconds += times[k]! / 1e6;
    kind.least += leastTime(ceiling!, dispatch) / 1e6;
    kind.flops += flops;
    kind.bytes += bytes;
    kinds.set(label, kind);
  });
  const sorted = [...kinds.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  const total = sorted.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const least = sorted.reduce((sum, kind) => sum + kind.least, 0);
  return {
    ceiling,
    onDevice: total,
    inOnePass,
    least,
    roofline: least / total,
    shortest: Math.min(...times),
    kinds: kinds.size,
    top: sorted.slice(0, top),
  };
}
