/**
 * Files of results: every figure with its adapter, commit, date and command.
 *
 * @module
 */
import { cpus, loadavg } from "node:os";

/** Where and when figures were taken. */
export interface ResultsContext {
  /** Date and time, UTC. */
  readonly date: string;
  /** Commit, with `-dirty` where the working tree differed from it. */
  readonly commit: string;
  /** What was run, to be run again. */
  readonly command: string;
  /** The WebGPU adapter. */
  readonly adapter: string;
  /** The processor. */
  readonly cpu: string;
  /** Runnable processes in the minute before: figures of a busy machine are worth less. */
  readonly load: number;
  /** The runtime. */
  readonly deno: string;
}

/**
 * Gathers the context of figures.
 *
 * @param adapter The WebGPU adapter.
 * @param command The task and its flags.
 */
export async function resultsContext(adapter: string, command: string): Promise<ResultsContext> {
  const all = cpus();
  return {
    date: new Date().toISOString(),
    commit: await commitName(),
    command,
    adapter,
    load: loadavg()[0]!,
    cpu: `${all.length} x ${all[0]?.model ?? "unknown"}`,
    deno: Deno.version.deno,
  };
}

/** The context in one line. */
export function contextLine(context: ResultsContext): string {
  const { adapter, cpu, load, commit, date, command } = context;
  return `${adapter}, ${cpu}, load ${load.toFixed(1)} before the run; ` +
    `commit ${commit}, ${date.slice(0, 10)}, \`${command}\``;
}

/**
 * Writes a file of results to `bench/results`.
 *
 * @param name Name without date and ending.
 * @param context The context, written first.
 * @param figures The figures.
 * @returns The path.
 */
export async function writeResults(
  name: string,
  context: ResultsContext,
  figures: Readonly<Record<string, unknown>>,
): Promise<string> {
  const folder = new URL("results/", import.meta.url);
  await Deno.mkdir(folder, { recursive: true });
  const file = new URL(`${context.date.slice(0, 10)}-${name}.json`, folder);
  await Deno.writeTextFile(file, JSON.stringify({ ...context, ...figures }, undefined, 2) + "\n");
  return decodeURIComponent(file.pathname);
}

/** Part of a file name from the name of an adapter, without its remarks. */
export function fileNamePart(adapter: string): string {
  return adapter.replace(/\(.*?\)/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(
    /^-|-$/g,
    "",
  );
}

async function commitName(): Promise<string> {
  const git = async (...args: string[]): Promise<string | undefined> => {
    try {
      const { success, stdout } = await new Deno.Command("git", {
        args,
        cwd: new URL(".", import.meta.url),
        stderr: "null",
      }).output();
      return success ? new TextDecoder().decode(stdout).trim() : undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined; // a machine without git
      throw error;
    }
  };
  const commit = await git("rev-parse", "--short=12", "HEAD");
  if (commit === undefined) return "unknown";
  return await git("status", "--porcelain", "--untracked-files=no") === ""
    ? commit
    : `${commit}-dirty`;
}
