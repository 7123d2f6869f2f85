/**
 * How time and memory of an exact meta-gradient grow with tasks, inner steps, filters and image size:
 * `deno task bench:growth [--axes tasks,filters] [--paper]`.
 *
 * Conv4, five-way one-shot, exact order, inner steps computed again. Exponents are fitted to the larger sizes; the
 * ideal is that of the operations. `--paper` runs nothing: operations, memory and predicted time only. Prints
 * markdown, and writes `bench/results/<date>-growth-<adapter>.json` with a chart beside it.
 *
 * @module
 */
import { openGpu } from "../src/gpu/device.ts";
import { findProfile } from "../src/machine/mod.ts";
import { openPaper } from "../src/predict/paper_backend.ts";
import { benchFlags } from "./flags.ts";
import type { Growth } from "./fit_growth.ts";
import { growthChart } from "./growth_chart.ts";
import {
  AXES,
  type Axis,
  fitAxis,
  type GrowthPoint,
  plannedGradient,
  sizeOn,
} from "./growth_points.ts";
import { type LoadedWorkload, loadWorkload } from "./loaded_workload.ts";
import { median } from "./peers/sampling.ts";
import { contextLine, fileNamePart, resultsContext, writeResults } from "./results_file.ts";
import { digits, markdownTable } from "./table.ts";

/** Rounds in which all sizes are timed, of which the middle one counts: so all of them meet the same machine. */
const ROUNDS = 5;

/** Milliseconds of runs one after the other, at least; the last of them waits. */
const LONG = 200;

const MIB = 2 ** 20;

const names = Object.keys(AXES) as Axis[];
const USAGE = `\
How time and memory of an exact meta-gradient grow, with fitted exponents: minutes. Prints markdown and writes
bench/results.

  --axes NAME,...   ${names.join(", ")} (default all)
  --paper           run nothing: operations, memory and predicted time only
  --help            this text`;

const { values: flags, given } = await benchFlags("deno task bench:growth", USAGE, {
  value: ["axes"],
  plain: ["paper"],
});
const wanted: readonly string[] = flags.axes === undefined ? names : flags.axes.split(",");
const unknown = wanted.find((name) => !names.includes(name as Axis));
if (unknown !== undefined) {
  throw new RangeError(`Cannot measure growth: found the axis "${unknown}", expected ${names}.`);
}

const gpu = await openGpu();
const { profile } = await findProfile(gpu.device, { measure: "never", log: console.error });
const adapter = gpu.info.label;

/** A size that is ready to be timed. */
interface Loaded {
  readonly planned: GrowthPoint;
  readonly workload: LoadedWorkload;
  readonly samples: number[];
}

async function plan(axis: Axis, size: number): Promise<GrowthPoint> {
  using paper = openPaper(gpu, { profile });
  return { size, ...await plannedGradient(paper, sizeOn(axis, size)) };
}

async function load(axis: Axis, size: number): Promise<Loaded> {
  const workload = await loadWorkload(sizeOn(axis, size), "exact", true, { profile });
  await workload.run(1);
  return { planned: await plan(axis, size), workload, samples: [] };
}

async function time({ workload, samples }: Loaded): Promise<void> {
  const timed = async (count: number): Promise<number> => {
    const start = performance.now();
    await workload.run(count);
    return (performance.now() - start) / count;
  };
  samples.push(await timed(Math.ceil(LONG / await timed(1))));
}

/** All axes, each size in turn. */
async function measured(): Promise<ReadonlyMap<Axis, readonly GrowthPoint[]>> {
  const loaded = new Map<Axis, Loaded[]>();
  for (const axis of wanted as Axis[]) {
    loaded.set(axis, []);
    for (const size of AXES[axis].sizes) {
      console.error(`loading ${axis} ${size}`);
      loaded.get(axis)!.push(await load(axis, size));
    }
  }
  for (let round = 1; round <= ROUNDS; round++) {
    console.error(`timing, round ${round} of ${ROUNDS}`);
    for (const one of [...loaded.values()].flat()) await time(one);
  }
  return new Map([...loaded].map(([axis, all]) => [
    axis,
    all.map(({ planned, workload, samples }) => {
      const { peak: allocated } = workload.backend.memory();
      workload.backend.close();
      return { ...planned, allocated, milliseconds: median(samples), samples };
    }),
  ]));
}

async function onPaper(): Promise<ReadonlyMap<Axis, readonly GrowthPoint[]>> {
  const points = new Map<Axis, GrowthPoint[]>();
  for (const axis of wanted as Axis[]) {
    points.set(axis, []);
    for (const size of AXES[axis].sizes) points.get(axis)!.push(await plan(axis, size));
  }
  return points;
}

function exponent({ exponent, spread }: Growth): string {
  return `${exponent.toFixed(2)}${Number.isFinite(spread) ? ` +- ${spread.toFixed(2)}` : ""}`;
}

const context = await resultsContext(
  adapter,
  ["deno task bench:growth", ...Deno.args].join(" "),
);
const points = given.paper ? await onPaper() : await measured();
const axes = Object.fromEntries(
  [...points].map(([axis, points]) => [axis, { points, fitted: fitAxis(points) }]),
);
gpu.close();

const all = Object.entries(axes);
console.log(`${contextLine(context)}\n`);
console.log(markdownTable(
  ["grows", "size", "ms", "predicted ms", "GFLOP", "dispatches", "MiB", "predicted MiB"],
  all.flatMap(([axis, { points }]) =>
    points.map(({ size, milliseconds, predicted, flops, dispatches, bytes, allocated }) => [
      axis,
      String(size),
      milliseconds === undefined ? "-" : digits(milliseconds),
      digits(predicted),
      digits(flops / 1e9),
      String(dispatches),
      allocated === undefined ? "-" : digits(allocated / MIB),
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
if (!given.paper) {
  const file = await writeResults(`growth-${fileNamePart(adapter)}`, context, { profile, axes });
  const chart = file.replace(/json$/, "svg");
  await Deno.writeTextFile(chart, await growthChart(points));
  console.log(`\nwritten to ${file} and ${chart}`);
}
Deno.exit(0);
