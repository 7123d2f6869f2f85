/**
 * Runs the jobs of {@link jobsFor} one after the other, each bounded, and writes what they found after each:
 * `bash bench/gpu/run.sh OUT [--stages a,b] [--budget 450] [--python A,B] [--device cuda] [--list]`.
 *
 * Jobs that OUT/summary.json has as done, or as failed with `--keep-failed`, are not run again: a run that
 * was cut goes on where it was. The budget is in seconds, for everything. `--modules` prints the modules
 * that a machine without a network must have in its cache.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { fileNamePart, resultsContext } from "../results_file.ts";
import { type Job, type Outcome, type Row, type Stage, STAGES, type Summary } from "./job.ts";
import { DEVICE_TESTS, jobsFor } from "./jobs.ts";
import { GRACE, runJob } from "./run_job.ts";
import { summaryText } from "./summary_text.ts";

/** Seconds below which a job is not begun. */
const LEAST = 8;

function usage(problem: string): never {
  console.error(
    `Cannot run on the GPU: ${problem}. Expected OUT [--stages ${STAGES.join(",")}] ` +
      `[--budget seconds] [--python commands] [--device cuda|cpu] [--keep-failed] [--list] [--modules].`,
  );
  Deno.exit(2);
}

const flags = parseArgs(Deno.args, {
  string: ["stages", "budget", "python", "device", "_"],
  boolean: ["list", "keep-failed", "modules"],
  default: { budget: "450", python: "python3", device: "cuda" },
  unknown: (argument) => argument.startsWith("-") ? usage(`found ${argument}`) : true,
});
if (flags.modules) {
  console.log((await modules()).join(" "));
  Deno.exit(0);
}
const out = flags._[0];
if (typeof out !== "string") usage("found no folder");
const budget = Number(flags.budget);
if (!(budget > 0)) usage(`found --budget ${flags.budget}`);
if (flags.device !== "cpu" && flags.device !== "cuda") usage(`found --device ${flags.device}`);
const wanted = flags.stages?.split(",") ?? STAGES;
for (const stage of wanted) {
  if (!STAGES.includes(stage as Stage)) usage(`found stage ${stage}`);
}

/** Everything that a job starts. */
async function modules(): Promise<string[]> {
  const found = ["mod.ts", "src/doctor/doctor.ts", "tests/fuzz/main.ts", ...DEVICE_TESTS];
  for (const folder of ["bench", "bench/peers", "bench/gpu", "experiments"]) {
    for await (const { name } of Deno.readDir(folder)) {
      if (name.endsWith(".ts")) found.push(`${folder}/${name}`);
    }
  }
  return found.sort();
}

// Jobs call `deno`: the one that runs this.
const bin = Deno.execPath().replace(/[/\\][^/\\]*$/, "");
Deno.env.set("PATH", `${bin}:${Deno.env.get("PATH") ?? ""}`);

const started = performance.now();
const left = (): number => budget - (performance.now() - started) / 1000;
const temporary = await Deno.makeTempDir({ prefix: "gpu-run-" });
await Deno.mkdir(out, { recursive: true });
const log = await Deno.open(`${out}/log.txt`, { append: true, create: true });

async function say(text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await log.write(bytes.subarray(at));
}

/** Runs a job if there is time for it. */
async function run(job: Job): Promise<Outcome> {
  const limit = Math.min(job.limit, Math.floor(left() - GRACE));
  if (limit < LEAST) return leaveOut(job, "no time left");
  console.error(`${job.stage}: ${job.name} (at most ${limit} s) ...`);
  const outcome = await runJob(job, { limit, folder: temporary, say });
  const { status, why, seconds } = outcome;
  console.error(`  ${job.name}: ${status}${why ? `, ${why}` : ""}, ${seconds.toFixed(1)} s`);
  return outcome;
}

function leaveOut({ stage, name }: Job, why: string): Outcome {
  return { stage, name, status: "left out", why, seconds: 0, rows: [] };
}

/** What OUT has of an earlier run on the same adapter; that of another adapter is put aside. */
async function earlier(adapter: Row): Promise<Summary | undefined> {
  let summary: Summary;
  try {
    summary = JSON.parse(await Deno.readTextFile(`${out}/summary.json`)) as Summary;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
  const label = String((summary.context["adapter"] as Row | undefined)?.["label"]);
  if (label === adapter["label"]) return summary;
  const aside = `${out}/summary-${fileNamePart(label)}.json`;
  await Deno.rename(`${out}/summary.json`, aside);
  console.error(
    `another adapter, found ${String(adapter["label"])}: ${label} is put into ${aside}`,
  );
  return undefined;
}

async function findAdapter(): Promise<Row> {
  const found = await run({
    stage: "doctor",
    name: "adapter",
    command: [
      "deno",
      "run",
      "-A",
      "--cached-only",
      decodeURIComponent(new URL("adapter_job.ts", import.meta.url).pathname),
    ],
    limit: 60,
  });
  return found.rows[0] ?? { label: "none", software: true, why: found.said ?? found.why };
}

const adapter = await findAdapter();
const before = await earlier(adapter);
const outcomes: Outcome[] = [...before?.outcomes ?? []];
const context: Row = {
  ...before?.context,
  ...await resultsContext(String(adapter["label"]), `bash bench/gpu/run.sh ${Deno.args.join(" ")}`),
  adapter,
};
const hasAdapter = adapter["label"] !== "none";
const jobs = jobsFor({
  software: adapter["software"] === true,
  cores: navigator.hardwareConcurrency,
  pythons: flags.python.split(","),
  device: flags.device,
  script: (name) => `bench/gpu/${name}`,
}).filter(({ stage }) => wanted.includes(stage));

/** Jobs of one group may end at the same time: their files are written one after the other. */
let written = Promise.resolve();

function write(): Promise<void> {
  return written = written.then(async () => {
    const summary: Summary = { context, outcomes };
    const text = JSON.stringify(summary, undefined, 1) + "\n";
    await Deno.writeTextFile(`${out}/summary.json.new`, text);
    await Deno.rename(`${out}/summary.json.new`, `${out}/summary.json`);
    await Deno.writeTextFile(`${out}/README.md`, summaryText(summary));
  });
}

function isSettled({ name }: Job): boolean {
  const status = outcomes.find((outcome) => outcome.name === name)?.status;
  return status === "done" || (flags["keep-failed"] && (status === "failed" || status === "cut"));
}

function record(outcome: Outcome): void {
  const at = outcomes.findIndex(({ name }) => name === outcome.name);
  if (at < 0) outcomes.push(outcome);
  else outcomes[at] = outcome;
}

if (flags.list) {
  for (const job of jobs) {
    console.log(`${job.stage}\t${job.name}\t${job.limit} s\t${isSettled(job)}`);
  }
  Deno.exit(0);
}

for (let at = 0; at < jobs.length;) {
  const { together } = jobs[at]!;
  let end = at + 1;
  while (together !== undefined && jobs[end]?.together === together) end++;
  await Promise.all(
    jobs.slice(at, end).filter((job) => !isSettled(job)).map(async (job) => {
      record(job.needsAdapter && !hasAdapter ? leaveOut(job, "no WebGPU adapter") : await run(job));
      await write();
    }),
  );
  at = end;
}
await write();
log.close();
await Deno.remove(temporary, { recursive: true });
console.log(summaryText({ context, outcomes }));
Deno.exit(0);
