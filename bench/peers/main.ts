/**
 * This library beside its peers, on the same meta-gradients, in the same run:
 *
 * `deno task bench:peers [--workload small,mid] [--order exact,first] [--only jax-js,pytorch]`
 * `[--rounds 3] [--repeat 3] [--limit 240] [--python /usr/bin/python3,...] [--device cpu] [--write]`
 *
 * One implementation at a time, each in a process of its own, this library first, in several rounds:
 * the speed of a machine drifts, so ratios are the median over rounds of the ratio within a round.
 * It prints a table and writes `bench/results/<date>-peers.json`; a run that is narrowed by the flags
 * writes only with `--write`. A peer that is missing, cannot compute an order or takes more than `--limit`
 * seconds gets a line that says so; those of PyTorch and JAX on a GPU ask for CUDA, or compute on the CPU
 * with `--device cpu`.
 *
 * @module
 */
import { type Conv4Reference, conv4Workload } from "../../tests/workloads/conv4.ts";
import { benchFlags } from "../flags.ts";
import { contextLine, resultsContext, writeResults } from "../results_file.ts";
import { digits, markdownTable } from "../table.ts";
import { type Measurement, type Order, ORDERS, type WorkloadName, WORKLOADS } from "./peer.ts";
import {
  type Implementation,
  IMPLEMENTATIONS,
  isPython,
  type NoMeasurement,
  runPeer,
} from "./run_peer.ts";
import { median } from "./sampling.ts";

/** This library, to which the others are compared. */
const OURS: Implementation = "mutasesumele";

/** One line of the table. */
interface Row {
  readonly implementation: Implementation;
  readonly workload: WorkloadName;
  readonly order: Order;
  readonly outcome:
    | (Omit<Measurement, "results"> & Errors & Pooled)
    | NoMeasurement;
}

/** Times over all rounds. */
interface Pooled {
  /** Median of all samples. */
  readonly median: number;
  /** Median of each round. */
  readonly rounds: readonly number[];
}

/** Relative errors against the float64 reference. */
interface Errors {
  readonly lossError: number;
  readonly gradientError: number;
}

async function errorsOf(
  { workload, order }: Pick<Row, "workload" | "order">,
  results: Measurement["results"],
): Promise<Errors> {
  const file = new URL(`../../tests/workloads/w_${workload}_${order}.json`, import.meta.url);
  const reference = JSON.parse(await Deno.readTextFile(file)) as Conv4Reference;
  const found = conv4Workload(workload, { order }).compareTo(reference, results);
  return { lossError: found.loss, gradientError: found.gradient };
}

function choices<T extends string>(flag: string | undefined, all: readonly T[], name: string): T[] {
  const wanted = flag?.split(",") ?? all;
  for (const one of wanted) {
    if (!(all as readonly string[]).includes(one)) {
      throw new RangeError(
        `Cannot compare: found --${name} ${one}, expected one or more of ${all.join(",")}.`,
      );
    }
  }
  return all.filter((one) => wanted.includes(one));
}

function cellsOf(row: Row, ours: Row | undefined): string[] {
  const names = [row.implementation, row.order];
  const { outcome } = row;
  if ("reason" in outcome) return [...names, "-", "", "", "", "", ""];
  const ratio = ours && "median" in ours.outcome
    ? ratioOf(outcome.rounds, ours.outcome.rounds)
    : undefined;
  return [
    ...names,
    digits(outcome.median),
    ratio === undefined ? "" : `${digits(ratio)} x`,
    `${digits(outcome.firstCall / 1e3)} s`,
    outcome.dispatches === undefined ? "" : String(outcome.dispatches),
    outcome.peakRss === undefined ? "" : `${digits(outcome.peakRss / 1e6)} MB`,
    outcome.gradientError.toExponential(1),
  ];
}

/** Median over rounds of the ratio within a round. */
function ratioOf(times: readonly number[], others: readonly number[]): number {
  return median(times.map((time, round) => time / others[round]!));
}

function print(workload: WorkloadName, rows: readonly Row[]): void {
  const head = ["implementation", "order", "median ms", "to ours", "first call"];
  head.push("dispatches", "peak RSS", "error");
  const cells = rows.map((row) =>
    cellsOf(row, rows.find((other) => other.implementation === OURS && other.order === row.order))
  );
  console.log(`\nW-${workload}\n\n${markdownTable(head, cells, 2)}\n`);
  for (const line of new Set(rows.map(noteOf))) console.log(line);
}

/** What an implementation ran on, or why it did not. */
function noteOf({ implementation, order, outcome }: Row): string {
  return "reason" in outcome
    ? `${implementation}, ${order} order: ${outcome.reason}`
    : `${implementation} ${outcome.version}: ${outcome.adapter}`;
}

/** The adapter of the first implementation that has one. */
function adapterOf(rows: readonly Row[]): string {
  const gpu = rows.find(({ implementation, outcome }) =>
    !isPython(implementation) && "adapter" in outcome
  );
  return gpu && "adapter" in gpu.outcome ? gpu.outcome.adapter : "none";
}

const USAGE = `\
Times this library and its peers on the same meta-gradients, one at a time, in rounds: minutes.

  --workload NAME,...   ${WORKLOADS.join(", ")} (default all)
  --order NAME,...      ${ORDERS.join(", ")} (default all)
  --only NAME,...       ${IMPLEMENTATIONS.join(", ")} (default all)
  --rounds N            rounds (default 3)
  --repeat N            samples of a round (default 3)
  --limit SECONDS       time after which an implementation is given up (default 240)
  --python PATH,...     interpreters to try (default python3,/usr/bin/python3)
  --device cpu|cuda     where PyTorch and JAX compute if they are asked for a GPU (default cuda)
  --write               write bench/results also where flags narrow the run
  --help                this text`;

const { values: flags, given } = await benchFlags("deno task bench:peers", USAGE, {
  value: ["only", "workload", "order", "rounds", "repeat", "limit", "python", "device"],
  plain: ["write"],
});
const implementations = choices(flags.only, IMPLEMENTATIONS, "only");
const orders = choices(flags.order, ORDERS, "order");
const workloads = choices(flags.workload, WORKLOADS, "workload");
const options = {
  repeat: Number(flags.repeat ?? 3),
  limit: Number(flags.limit ?? 240),
  pythons: flags.python?.split(",") ?? ["python3", "/usr/bin/python3"],
  device: choices(flags.device ?? "cuda", ["cpu", "cuda"], "device")[0]!,
};
const rounds = Number(flags.rounds ?? 3);
const counts = [options.repeat, rounds].every((count) => Number.isInteger(count) && count > 0);
if (!(counts && options.limit > 0)) {
  throw new RangeError(
    `Cannot compare: found --rounds ${flags.rounds} --repeat ${flags.repeat} --limit ` +
      `${flags.limit}, expected 1 or more rounds and samples and a number of seconds.`,
  );
}

/** Measures every implementation once a round; one that fails is not tried again. */
async function measureRounds(workload: WorkloadName, order: Order): Promise<Row[]> {
  const measured = new Map<Implementation, Measurement[]>();
  const failed = new Map<Implementation, NoMeasurement>();
  for (let round = 1; round <= rounds; round++) {
    for (const implementation of implementations) {
      if (failed.has(implementation)) continue;
      console.error(`${implementation}, W-${workload}, ${order} order, round ${round} ...`);
      const result = await runPeer({ implementation, workload, order }, options);
      if ("reason" in result) failed.set(implementation, result);
      else measured.set(implementation, [...measured.get(implementation) ?? [], result]);
    }
  }
  return await Promise.all(implementations.map(async (implementation) => {
    const run = { implementation, workload, order };
    const outcome = failed.get(implementation) ?? await pool(run, measured.get(implementation)!);
    return { ...run, outcome };
  }));
}

async function pool(
  run: Pick<Row, "workload" | "order">,
  measured: readonly Measurement[],
): Promise<Row["outcome"]> {
  const { results, ...last } = measured.at(-1)!;
  const samples = measured.flatMap((one) => one.samples);
  return {
    ...last,
    ...await errorsOf(run, results),
    samples,
    // The first round may find shaders that the driver has not compiled yet.
    firstCall: median(measured.map(({ firstCall }) => firstCall)),
    median: median(samples),
    rounds: measured.map((one) => median(one.samples)),
  };
}

const before = await resultsContext("none", ["deno task bench:peers", ...Deno.args].join(" "));
const rows: Row[] = [];
for (const workload of workloads) {
  for (const order of orders) rows.push(...await measureRounds(workload, order));
  print(workload, rows.filter((row) => row.workload === workload));
}
const context = { ...before, adapter: adapterOf(rows) };
console.log(`\n${contextLine(context)}`);
const narrowed = [flags.only, flags.workload, flags.order].some((flag) => flag !== undefined);
if (!narrowed || given.write) {
  console.log(`written to ${await writeResults("peers", context, { rows })}`);
}
const failed = rows.some((row) => row.implementation === OURS && "reason" in row.outcome);
if (failed) console.error("This library failed: see its row.");
Deno.exit(failed ? 1 : 0);
