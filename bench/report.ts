/**
 * All figures of this library on this machine: `deno task bench:report [--repeat 5]`.
 *
 * Measures whole meta-gradients (each in a process of its own), memory over inner steps, the
 * adapter's ceilings, every hand-written kernel and the full step of cifar-maml. Prints markdown for
 * the README and writes `bench/results/<date>-<adapter>.json`. For other libraries on the same work
 * see `deno task bench:peers`.
 *
 * @module
 */
import { openGpu } from "../src/gpu/device.ts";
import { programFlops } from "../src/ir/program.ts";
import { simplify, trace } from "../src/transform/mod.ts";
import { type Conv4Reference, conv4Workload } from "../tests/workloads/conv4.ts";
import { type Ceiling, leastTime, measureCeiling } from "../src/profile/ceiling.ts";
import { loadWorkload } from "./loaded_workload.ts";
import { memoryOverSteps, memoryTable } from "./memory.ts";
import { type Order, ORDERS, type WorkloadName, WORKLOADS } from "./peers/peer.ts";
import { runPeer } from "./peers/run_peer.ts";
import { median } from "./peers/sampling.ts";
import { benchFlags } from "./flags.ts";
import { contextLine, fileNamePart, resultsContext, writeResults } from "./results_file.ts";
import { digits, markdownTable } from "./table.ts";

/** Figures of one kernel at one shape. */
interface KernelFigures {
  readonly name: string;
  readonly gflops: number;
  readonly gigabytes: number;
  readonly milliseconds: number;
  /** Share of the roofline measured with the kernels. */
  readonly roofline: number;
}

const STEPS = [1, 2, 5, 10, 20];

async function measureWorkload(workload: WorkloadName, order: Order, repeat: number) {
  const run = { implementation: "mutasesumele", workload, order } as const;
  const measured = await runPeer(run, { repeat, limit: 240, pythons: [] });
  if ("reason" in measured) {
    throw new Error(`Cannot report W-${workload}, ${order} order: its process ${measured.reason}`);
  }
  const { results, ...times } = measured;
  const { fn, args, compareTo } = conv4Workload(workload, { order });
  const file = new URL(`../tests/workloads/w_${workload}_${order}.json`, import.meta.url);
  const reference = JSON.parse(await Deno.readTextFile(file)) as Conv4Reference;
  const { loss, gradient } = compareTo(reference, results);
  return {
    workload,
    order,
    ...times,
    median: median(times.samples),
    flops: programFlops(simplify(trace(fn, args).program)),
    lossError: loss,
    gradientError: gradient,
  };
}

type WorkloadFigures = Awaited<ReturnType<typeof measureWorkload>>;

function workloadTable(rows: readonly WorkloadFigures[]): string {
  const head = ["meta-gradient", "median ms", "over first order", "GFLOP", "GFLOP/s"];
  head.push("dispatches", "first call", "peak RSS", "error");
  const cells = rows.map((row) => {
    const first = rows.find(({ workload, order }) =>
      workload === row.workload && order === "first"
    );
    return [
      `W-${row.workload}, ${row.order} order`,
      digits(row.median),
      `${digits(row.median / first!.median)} x`,
      digits(row.flops / 1e9),
      digits(row.flops / row.median / 1e6),
      String(row.dispatches),
      `${digits(row.firstCall / 1e3)} s`,
      row.peakRss === undefined ? "-" : `${digits(row.peakRss / 1e6)} MB`,
      row.gradientError.toExponential(1),
    ];
  });
  return markdownTable(head, cells);
}

/** Runs the bench of the kernels, which prints one line a kernel. */
async function measureKernels(): Promise<KernelFigures[]> {
  const script = new URL("kernels_bench.ts", import.meta.url).href;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  const lines = decoder.decode(stdout).split("\n")
    .map((line) =>
      line.match(/^(.*?)\s+([\d.]+) GFLOP\/s\s+([\d.]+) GB\/s\s+([\d.]+) ms\s+(\d+)% of roofline$/)
    )
    .filter((match) => match !== null);
  if (!success || lines.length === 0) {
    throw new Error(`Cannot report kernels: their bench failed.\n${decoder.decode(stderr)}`);
  }
  return lines.map(([, name, gflops, gigabytes, milliseconds, percent]) => ({
    name: name!.replace(/\s+/g, " ").trim(),
    gflops: Number(gflops),
    gigabytes: Number(gigabytes),
    milliseconds: Number(milliseconds),
    roofline: Number(percent) / 100,
  }));
}

function kernelTable(rows: readonly KernelFigures[]): string {
  return markdownTable(
    ["kernel", "ms", "GFLOP/s", "GB/s", "of the roofline"],
    rows.map(({ name, milliseconds, gflops, gigabytes, roofline }) => [
      name,
      milliseconds.toFixed(3),
      gflops.toFixed(1),
      gigabytes.toFixed(1),
      `${(100 * roofline).toFixed(0)}%`,
    ]),
  );
}

/** The meta-training step of cifar-maml at the size of the original, dispatch by dispatch. */
async function measureFullStep(ceiling: Ceiling, recompute: boolean) {
  const { backend, loaded, flops, run, timeEach } = await loadWorkload("full", "exact", recompute);
  await run(1);
  const { dispatches } = loaded.plan.plan;
  const milliseconds = (await timeEach()).reduce((sum, time) => sum + time, 0) / 1e6;
  const least = dispatches.reduce((sum, dispatch) => sum + leastTime(ceiling, dispatch), 0) / 1e6;
  backend.close();
  return {
    activations: recompute ? "recomputed" : "kept",
    milliseconds,
    flops,
    dispatches: dispatches.length,
    roofline: least / milliseconds,
  };
}

type FullStepFigures = Awaited<ReturnType<typeof measureFullStep>>;

function fullStepTable(rows: readonly FullStepFigures[]): string {
  return markdownTable(
    ["full step of cifar-maml", "ms", "GFLOP", "GFLOP/s", "dispatches", "of the roofline"],
    rows.map(({ activations, milliseconds, flops, dispatches, roofline }) => [
      `activations ${activations}`,
      digits(milliseconds),
      digits(flops / 1e9),
      digits(flops / milliseconds / 1e6),
      String(dispatches),
      `${(100 * roofline).toFixed(0)}%`,
    ]),
  );
}

const USAGE = `\
Measures meta-gradients, memory, the adapter's ceilings, every kernel and the full step: minutes. Prints markdown and
writes bench/results.

  --repeat N   samples of a meta-gradient (default 5)
  --help       this text`;

const { values: flags } = await benchFlags("deno task bench:report", USAGE, {
  value: ["repeat"],
  plain: [],
});
const repeat = Number(flags.repeat ?? 5);
if (!(Number.isInteger(repeat) && repeat > 0)) {
  throw new RangeError(`Cannot report: found --repeat ${flags.repeat}, expected 1 or more.`);
}
const gpu = await openGpu();
const ceiling = gpu.canTime ? await measureCeiling(gpu) : undefined;
const adapter = gpu.info.label;
gpu.close();
const context = await resultsContext(
  adapter,
  ["deno task bench:report", ...Deno.args].join(" "),
);
const workloads: WorkloadFigures[] = [];
for (const workload of WORKLOADS) {
  for (const order of ORDERS) {
    console.error(`W-${workload}, ${order} order ...`);
    workloads.push(await measureWorkload(workload, order, repeat));
  }
}
console.error("memory ...");
const memory = await memoryOverSteps(STEPS);
console.error("kernels ...");
const kernels = ceiling === undefined ? [] : await measureKernels();
console.error("full step ...");
const fullSteps = ceiling === undefined
  ? []
  : [await measureFullStep(ceiling, true), await measureFullStep(ceiling, false)];

console.log(contextLine(context));
console.log(`\n${workloadTable(workloads)}\n\n${memoryTable(memory)}`);
if (ceiling === undefined) {
  console.log("\nThe adapter has no timestamps: no table of kernels.");
} else {
  const { gflops, gigabytes } = ceiling;
  console.log(
    `\nCeilings of this run: ${digits(gflops)} GFLOP/s of multiply-adds in registers, ` +
      `${digits(gigabytes)} GB/s copied.\n\n${kernelTable(kernels)}\n\n${fullStepTable(fullSteps)}`,
  );
}
const file = await writeResults(fileNamePart(adapter), context, {
  workloads,
  memory,
  ceiling,
  kernels,
  fullSteps,
});
console.log(`\nwritten to ${file}`);
