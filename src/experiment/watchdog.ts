/**
 * Judges from outside whether a run's device still answers.
 *
 * @module
 */
import { flagValue } from "./permissions.ts";
import { type Beat, HEARTBEAT } from "./heartbeat.ts";

/** Seconds that a device may take for an answer, unless told. */
export const WATCHDOG_SECONDS = 600;

/** How many times the longest wait so far a device may take. */
const SLOWER = 20;

/** Most seconds between two looks that count: after more, the whole machine was asleep. */
const MOST_ELAPSED = 5;

/** Folders of runs that are looked at, the youngest. */
const MOST_FOLDERS = 20;

/** Every so many looks it is all of them: a clock that was set back makes a new run look old. */
const LOOKS_AT_ALL = 30;

/**
 * Judges beats: a device must answer within a number of seconds and within twenty times the longest wait
 * so far. Work on the host, such as compiling, may take as long as it likes.
 */
export class Watchdog {
  readonly #least: number;
  #count = -1;
  #waited = 0;

  /**
   * A watchdog that has seen nothing.
   *
   * @param least Seconds that every wait may take; 0 or less for ever.
   */
  constructor(least: number) {
    this.#least = least;
  }

  /**
   * Looks at the latest beat.
   *
   * @param beat The beat; `undefined` where none can be read, and nothing can be said.
   * @param elapsed Seconds since the last look.
   * @returns What is wrong, in words, or `undefined`.
   */
  look(beat: Beat | undefined, elapsed: number): string | undefined {
    if (beat === undefined || this.#least <= 0) return undefined;
    const { count, waits, longest, stage, step, total } = beat;
    this.#waited = waits && count === this.#count
      ? this.#waited + Math.min(elapsed, MOST_ELAPSED)
      : 0;
    this.#count = count;
    if (this.#waited <= Math.max(this.#least, SLOWER * longest)) return undefined;
    const place = stage === ""
      ? "before the first step"
      : `in ${stage} after step ${step} of ${total}`;
    return `the device has not answered for ${
      Math.round(this.#waited)
    } s ${place}; the longest wait ` +
      `before took ${longest.toFixed(1)} s`;
  }
}

/**
 * Watches a run from the process that has started it.
 *
 * @param run Arguments and process of the run; the signal ends the watch.
 * @returns What is wrong and how to go on, or `undefined` when the watch was ended.
 */
export async function watch(
  { args, pid, signal }: {
    readonly args: readonly string[];
    readonly pid: number;
    readonly signal: AbortSignal;
  },
): Promise<string | undefined> {
  const given = flagValue(args, "watchdog");
  const watchdog = new Watchdog(given === undefined ? WATCHDOG_SECONDS : Number(given));
  let looked = performance.now();
  let home: string | undefined;
  for (let look = 1;; look++) {
    await delay(1000, signal);
    if (signal.aborted) return undefined;
    const found = home === undefined
      ? await findBeat(args, { pid, all: look % LOOKS_AT_ALL === 0 })
      : await findBeat(["--folder", home], { pid });
    home ??= found?.folder;
    const now = performance.now();
    const wrong = watchdog.look(found?.beat, (now - looked) / 1000);
    looked = now;
    if (wrong === undefined) continue;
    return `${wrong}. The run is ended; its checkpoints are kept. Go on with: --resume ` +
      `${found!.folder}. If the device is only slow, give --watchdog a larger number of seconds.`;
  }
}

/** Waits for a time, or until the signal. */
export async function delay(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}

/**
 * Finds the latest beat of a process.
 *
 * @param args Arguments of the run: where its folder is.
 * @param options `pid`: the process; `all`: whether to look at all folders of runs, not the youngest alone.
 * @returns The run folder and the beat, or `undefined` if there is none, or only half of one.
 */
export async function findBeat(
  args: readonly string[],
  { pid, all = false }: { readonly pid: number; readonly all?: boolean },
): Promise<{ readonly folder: string; readonly beat: Beat } | undefined> {
  const place = flagValue(args, "resume") ?? flagValue(args, "folder");
  const places = place === undefined ? await youngestFirst(args) : [place];
  for (const folder of all ? places : places.slice(0, MOST_FOLDERS)) {
    try {
      const beat = JSON.parse(await Deno.readTextFile(`${folder}/${HEARTBEAT}`)) as Beat;
      if (beat.pid === pid) return { folder, beat };
    } catch {
      // None there, or one that is just being written.
    }
  }
  return undefined;
}

/** The folders of runs, whose names begin with the date. */
async function youngestFirst(args: readonly string[]): Promise<string[]> {
  const root = flagValue(args, "out") ?? "runs";
  const found: { readonly folder: string; readonly name: string }[] = [];
  for (const experiment of await folders(root)) {
    for (const name of await folders(`${root}/${experiment}`)) {
      found.push({ folder: `${root}/${experiment}/${name}`, name });
    }
  }
  return found.sort((a, b) => a.name < b.name ? 1 : -1).map(({ folder }) => folder);
}

async function folders(path: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  } catch {
    return [];
  }
}
