/**
 * How time and memory of an exact meta-gradient grow with tasks, inner steps, filters and image size:
 * `deno task bench:growth [--axes tasks,filters] [--paper]`.
 *
 * Conv4, five-way one-shot, exact order, inner steps computed again. Exponents are fitted to the larger sizes; the
 * ideal is that of the operations. `--paper` runs nothing: operations, memory and predicted time only. Prints
 * markdown, and writes `bench/results/<date>-growth-<adapter>.json`.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { openGpu } from "../src/gpu/device.ts";
import { findProfile } from "../src/machine/mod.ts";
import { openPaper } from "../src/predict/paper_backend.ts";
import type { Growth } from "./fit_growth.ts";
import {
  AXES,
  type Axis,
  fitAxis,
  type FittedAxis,
  type GrowthPoint,
  plannedPoint,
  sizeOn,
} from "./growth_points.ts";
import { loadWorkload } from "./loaded_workload.ts";
import { sample } from "./peers/sampling.ts";
import { contextLine, fileNamePart, resultsContext, writeResults } from "./results_file.ts";
import { digits, markdownTable } from "./table.ts";

/** Samples of each size, of which the shortest counts: others use the machine, too. */
const SAMPLES = 5;

const MIB = 2 ** 20;

const names = Object.keys(AXES) as Axis[];
const flags = parseArgs(Deno.args, { string: ["axes"], boolean: ["paper"] });
const wanted: readonly string[] = flags.axes === undefined ? names : flags.axes.split(",");
const unknown = wanted.find((name) => !names.includes(name as Axis));
if (unknown !== undefined) {
  throw new RangeError(`Cannot measure growth: found the axis "${unknown}", expected ${names}.`);
}

const gpu = await openGpu();
const { profile } = await findProfile(gpu.device, { measure: "never", log: console.error });
const adapter = gpu.info.label;

async function measuredMilliseconds(axis: Axis, size: number): Promise<number> {
  const workload = await loadWorkload(sizeOn(axis, size), "exact", true, { profile });
  try {
    const { samples } = await sample((count) => workload.run(count), SAMPLES);
    return Math.min(...samples);
  } finally {
    workload.backend.close();
  }
}

async function pointAt(axis: Axis, size: number): Promise<GrowthPoint> {
  using paper = openPaper(gpu, { profile });
  const planned = await plannedPoint(paper, { axis, size });
  if (flags.paper) return planned;
  return { ...planned, milliseconds: await measuredMilliseconds(axis, size) };
}

function exponent({ exponent, spread }: Growth): string {
  return `${exponent.toFixed(2)}${Number.isFinite(spread) ? ` +- ${spread.toFixed(2)}` : ""}`;
}

const axes: Partial<Record<Axis, { points: GrowthPoint[]; fitted: FittedAxis }>> = {};
const context = await resultsContext(
  adapter,
  ["deno task bench:growth", ...Deno.args].join(" "),
);
for (const axis of wanted as Axis[]) {
  const points: GrowthPoint[] = [];
  for (const size of AXES[axis].sizes) {
    console.error(`${axis} ${size} ...`);
    points.push(await pointAt(axis, size));
  }
  axes[axis] = { points, fitted: fitAxis(points) };
}
gpu.close();

const all = Object.entries(axes);
console.log(`${contextLine(context)}\n`);
console.log(markdownTable(
  ["grows", "size", "ms", "predicted ms", "GFLOP", "dispatches", "MiB"],
  all.flatMap(([axis, { points }]) =>
    points.map(({ size, milliseconds, predicted, flops, dispatches, bytes }) => [
      axis,
      String(size),
      milliseconds === undefined ? "-" : digits(milliseconds),
      digits(predicted),
      digits(flops / 1e9),
      String(dispatches),
      digits(bytes / MIB),
    ])
  ),
));
console.log();
console.log(markdownTable(
  ["grows", "time", "predicted time", "operations", "ideal", "memory", "ideal memory"],
  all.map(([axis, { fitted }]) => [
    axis,
    fitted.milliseconds ? exponent(fitted.milliseconds) : "-",
    exponent(fitted.predicted),
    exponent(fitted.flops),
    String(AXES[axis as Axis].time),
    exponent(fitted.bytes),
    String(AXES[axis as Axis].memory),
  ]),
));
if (!flags.paper) {
  const file = await writeResults(`growth-${fileNamePart(adapter)}`, context, { profile, axes });
  console.log(`\nwritten to ${file}`);
}
Deno.exit(0);
