/** Kills processes at random instants, resumes them, and compares what they leave in the end. */
import { assertEquals } from "@std/assert";

/** A program whose runs are killed. */
export interface Victim {
  /** Starts a process with these arguments: those of a new run, or `--resume` and a folder. */
  start(args: readonly string[]): Deno.ChildProcess;
  /** Arguments of a new run below a folder. */
  begin(out: string): readonly string[];
  /** Run folders below a folder. */
  runs(out: string): Promise<string[]>;
  /** Everything in a run folder that must not depend on kills. */
  results(path: string): Promise<unknown>;
}

/** How many kills, and from which random numbers. */
export interface KillOptions {
  /** Folder to work in. */
  readonly folder: string;
  /** Number of kills. */
  readonly kills: number;
  /** Seed of the instants. */
  readonly seed: number;
  /** Told of every run. */
  readonly log?: (line: string) => void;
}

/** What was done. */
export interface KillReport {
  /** Kills that hit a living process. */
  readonly kills: number;
  /** Of these, kills of a process that was resuming. */
  readonly duringResume: number;
  /** Kills before there was a run folder to resume. */
  readonly beforeFolder: number;
  /** Runs that ended, each with the results of one that was never killed. */
  readonly runs: number;
}

/** Uniform numbers from 0 to 1 (mulberry32). */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Waits for a process, and kills it after so many milliseconds unless it has ended. */
async function live(
  child: Deno.ChildProcess,
  milliseconds: number,
): Promise<{ readonly killed: boolean; readonly code: number; readonly err: string }> {
  const timer = milliseconds < Infinity
    ? setTimeout(() => {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
    }, milliseconds)
    : undefined;
  const { code, signal, stderr } = await child.output();
  clearTimeout(timer);
  return { killed: signal === "SIGKILL", code, err: new TextDecoder().decode(stderr) };
}

/** Runs, kills and resumes until there were enough kills; then compares with a run left alone. */
export async function killAndResume(victim: Victim, options: KillOptions): Promise<KillReport> {
  const { folder, kills: wanted, seed, log = () => {} } = options;
  const random = uniform(seed);
  let duration = 0;
  let expected: unknown;
  // The first one may have compiled the program: its time says little.
  for (const alone of [`${folder}/cold`, `${folder}/warm`]) {
    const began = performance.now();
    const { code, err } = await live(victim.start(victim.begin(alone)), Infinity);
    assertEquals(code, 0, err);
    duration = performance.now() - began;
    const found = await victim.results((await victim.runs(alone))[0]!);
    if (expected !== undefined) assertEquals(found, expected, "two runs left alone");
    expected = found;
  }
  let [kills, duringResume, beforeFolder, runs] = [0, 0, 0, 0];
  while (kills < wanted) {
    const out = `${folder}/run-${runs}`;
    let path: string | undefined;
    let instants = "";
    for (let left = 2 + Math.floor(3 * random());; left--) {
      const at = left > 0 && kills < wanted ? random() * duration : Infinity;
      const args = path === undefined ? victim.begin(out) : ["--resume", path];
      const { killed, code, err } = await live(victim.start(args), at);
      if (killed) {
        kills++;
        instants += ` ${(at / 1000).toFixed(2)}`;
        if (path !== undefined) duringResume++;
        path = (await victim.runs(out))[0];
        if (path === undefined) beforeFolder++;
        continue;
      }
      assertEquals(code, 0, `after kills at${instants} seconds: ${err}`);
      path ??= (await victim.runs(out))[0]!;
      break;
    }
    assertEquals(await victim.results(path), expected, `killed at${instants} seconds`);
    await assertNoTemporaries(path);
    runs++;
    log(`run ${runs}: killed at${instants || " no"} seconds (${kills} of ${wanted} kills)`);
    await Deno.remove(out, { recursive: true });
  }
  return { kills, duringResume, beforeFolder, runs };
}

/** Checks that killed writers' files are gone. */
async function assertNoTemporaries(path: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory) await assertNoTemporaries(`${path}/${name}`);
    assertEquals(name.endsWith(".tmp"), false, `${path}/${name}`);
  }
}

/** Folders below `<out>/<experiment>` that can be resumed. */
export async function resumable(out: string, experiment: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name } of Deno.readDir(`${out}/${experiment}`)) {
      const path = `${out}/${experiment}/${name}`;
      if (await Deno.stat(`${path}/config.yaml`).then(() => true, () => false)) found.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}
