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
import { resultsContext } from "../results_file.ts";
import { type Job, type Outcome, type Row, type Stage, STAGES, type Summary } from "./job.ts";
import { DEVICE_TESTS, jobsFor } from "./jobs.ts";
import { findRows } from "./rows.ts";
import { summaryText } from "./summary_text.ts";

/** Seconds below which a job is not begun. */
const LEAST = 8;

/** Seconds between the polite and the impolite end of a job. */
const GRACE = 4;

/** Lines of a job that are kept as its result or as its last words. */
const KEPT_LINES = 60;

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

const started = performance.now();
const left = (): number => budget - (performance.now() - started) / 1000;
const temporary = await Deno.makeTempDir({ prefix: "gpu-run-" });
await Deno.mkdir(out, { recursive: true });
const log = await Deno.open(`${out}/log.txt`, { append: true, create: true });

async function say(text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await log.write(bytes.subarray(at));
}

/** Runs a job in a group of its own, which is ended as a whole; its output goes through files. */
async function run(job: Job): Promise<Outcome> {
  const about = { stage: job.stage, name: job.name };
  const limit = Math.floor(Math.min(job.limit, left() - GRACE));
  if (limit < LEAST) {
    return { ...about, status: "left out", why: "no time left", seconds: 0, rows: [] };
  }
  const file = `${temporary}/${crypto.randomUUID()}`;
  const begun = performance.now();
  console.error(`${job.stage}: ${job.name} (at most ${limit} s) ...`);
  const { code } = await new Deno.Command("bash", {
    args: [
      "-c",
      `exec timeout -k ${GRACE} ${limit} "$@" >"$0.out" 2>"$0.err" </dev/null`,
      file,
      ...job.command,
    ],
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  const seconds = (performance.now() - begun) / 1000;
  const [output, errors] = await Promise.all(
    ["out", "err"].map(async (end) => await Deno.readTextFile(`${file}.${end}`).catch(() => "")),
  );
  const rows = findRows(output!, job.format);
  const cut = [124, 137].includes(code) && seconds >= limit - 1;
  const status = code === 0 ? "done" : cut ? "cut" : "failed";
  await say(
    `\n===== ${job.stage}: ${job.name}: ${status} (${code}) after ${seconds.toFixed(1)} s\n` +
      `$ ${job.command.join(" ")}\n${lastLines(output!, 2000)}\n----- stderr\n` +
      `${lastLines(errors!, 400)}\n`,
  );
  const reason = rows.at(-1)?.["reason"];
  const outcome: Outcome = {
    ...about,
    status,
    ...(status === "done" ? {} : {
      why: cut
        ? `took more than ${limit} s`
        : typeof reason === "string"
        ? reason
        : `exit code ${code}`,
    }),
    seconds,
    rows,
    ...(job.format === "text" || status !== "done"
      ? {
        said: lastLines(job.format === "text" ? output! : `${output}\n${errors}`, KEPT_LINES).split(
          "\n",
        ),
      }
      : {}),
  };
  console.error(`  ${status}${outcome.why ? `: ${outcome.why}` : ""}, ${seconds.toFixed(1)} s`);
  return outcome;
}

/** The last lines, none of them long. */
function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).map((line) => line.slice(0, 2000)).join("\n");
}

async function earlier(): Promise<Summary | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(`${out}/summary.json`)) as Summary;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
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

const before = await earlier();
const outcomes: Outcome[] = [...before?.outcomes ?? []];
const adapter = await findAdapter();
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

async function write(): Promise<void> {
  const summary: Summary = { context, outcomes };
  await Deno.writeTextFile(`${out}/summary.json.new`, JSON.stringify(summary, undefined, 1) + "\n");
  await Deno.rename(`${out}/summary.json.new`, `${out}/summary.json`);
  await Deno.writeTextFile(`${out}/README.md`, summaryText(summary));
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
  const found = await Promise.all(
    jobs.slice(at, end).filter((job) => !isSettled(job)).map((job) =>
      job.needsAdapter && !hasAdapter
        ? {
          stage: job.stage,
          name: job.name,
          status: "left out" as const,
          why: "no WebGPU adapter",
          seconds: 0,
          rows: [],
        }
        : run(job)
    ),
  );
  at = end;
  if (found.length === 0) continue;
  found.forEach(record);
  await write();
}
await write();
log.close();
await Deno.remove(temporary, { recursive: true });
console.log(summaryText({ context, outcomes }));
Deno.exit(0);
