/**
 * Runs a job and says what became of it.
 *
 * @module
 */
import type { Job, Outcome } from "./job.ts";
import { findRows } from "./rows.ts";

/** Seconds between the polite and the impolite end of a job. */
export const GRACE = 4;

/** Lines of a job that are kept as its result or as its last words. */
const KEPT_LINES = 60;

/** Lines of its output and of its errors that go into the log. */
const LOGGED = { output: 2000, errors: 400 };

/** What {@linkcode runJob} needs beside the job. */
export interface JobSetting {
  /** Seconds after which it is ended, if less than its own limit. */
  readonly limit: number;
  /** A folder for its output while it runs. */
  readonly folder: string;
  /** Receives what goes into the log. */
  readonly say: (text: string) => Promise<void>;
}

/**
 * Runs a job in a process group of its own, which is ended as a whole.
 *
 * Its output goes through files: a process that outlives it cannot hold it up, as it could with a pipe.
 *
 * @param job The job.
 * @param setting How long, and where to.
 */
export async function runJob(job: Job, setting: JobSetting): Promise<Outcome> {
  const limit = Math.floor(Math.min(job.limit, setting.limit));
  const file = `${setting.folder}/${crypto.randomUUID()}`;
  const begun = performance.now();
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
  const output = await readText(`${file}.out`);
  const errors = await readText(`${file}.err`);
  // `timeout` says 124, or dies with its group by the second, impolite signal.
  const cut = [124, 137].includes(code) && seconds >= limit;
  const status = code === 0 ? "done" : cut ? "cut" : "failed";
  const rows = findRows(output, job.format);
  const reason = rows.at(-1)?.["reason"];
  const why = cut
    ? `took more than ${limit} s`
    : typeof reason === "string"
    ? reason
    : `exit code ${code}`;
  await setting.say(
    `\n===== ${job.stage}: ${job.name}: ${status} (${code}) after ${seconds.toFixed(1)} s\n` +
      `$ ${job.command.join(" ")}\n${lastLines(output, LOGGED.output)}\n----- stderr\n` +
      `${lastLines(errors, LOGGED.errors)}\n`,
  );
  const last = job.format === "text" ? output : `${output.trimEnd()}\n${errors}`;
  return {
    stage: job.stage,
    name: job.name,
    status,
    ...(status === "done" ? {} : { why }),
    seconds,
    rows,
    ...(job.format === "text" || status !== "done"
      ? { said: lastLines(last, KEPT_LINES).split("\n") }
      : {}),
  };
}

async function readText(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return ""; // it never began
    throw error;
  }
}

/** The last lines, none of them endless. */
function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).map((line) => line.slice(0, 2000)).join("\n");
}
