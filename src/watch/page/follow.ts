/// <reference lib="dom" />
/**
 * Asks the server again and again, for what is new.
 *
 * @module
 */
import type { MetricsChunk, Overview, RunDetail } from "../protocol.ts";
import { addChunk, addPoints, noCurves, type RunCurves } from "./curves.ts";
import { MEMORY, SECONDS } from "./panels.ts";

/** Milliseconds between two questions, and while the server does not answer. */
const EVERY = 1000;
const EVERY_LOST = 3000;

/** Milliseconds over which the pace of a run is seen. */
const PACE = 60_000;

/** A run that is shown. */
export interface Followed {
  /** What the server last said of it. */
  detail: RunDetail | undefined;
  /** Its metrics. */
  readonly curves: RunCurves;
  /** When which step was known. */
  readonly seen: { readonly time: number; readonly step: number; readonly stage: string }[];
}

/** Knows what is shown, and keeps it new. */
export class Follower {
  /** Everything there is. */
  overview: Overview = { runs: [], studies: [], chosen: [], faults: [] };
  /** The runs that are shown, in the order in which they were chosen. */
  readonly runs: Map<string, Followed> = new Map();
  /** Whether the server has answered at all. */
  asked = false;
  /** Whether it does not answer any more. */
  lost = false;
  readonly #changed: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busy = false;

  /**
   * Nothing is asked yet.
   *
   * @param changed Told when there is something new to show.
   */
  constructor(changed: () => void) {
    this.#changed = changed;
    // Nobody looks at a hidden page; browsers would slow it down anyway.
    document.addEventListener("visibilitychange", () => void this.ask());
  }

  /** Shows these runs; what is known of those that stay is kept. */
  choose(ids: readonly string[]): void {
    const before = new Map(this.runs);
    this.runs.clear();
    for (const id of ids) {
      this.runs.set(id, before.get(id) ?? { detail: undefined, curves: noCurves(), seen: [] });
    }
  }

  /** Asks now, and again later. */
  async ask(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#busy || document.hidden) return;
    this.#busy = true;
    try {
      this.overview = await get<Overview>("/api/overview", {});
      this.asked = true;
      this.lost = false;
      this.#changed();
      await Promise.all([...this.runs].map(([id, run]) => this.#follow(id, run)));
    } catch (error) {
      // A server that was ended is no fault of the page.
      if (!(error instanceof TypeError)) console.warn(error);
      this.lost = true;
    } finally {
      this.#busy = false;
      this.#changed();
      this.#timer = setTimeout(() => void this.ask(), this.lost ? EVERY_LOST : EVERY);
    }
  }

  async #follow(id: string, run: Followed): Promise<void> {
    const listed = this.overview.runs.find((one) => one.id === id);
    const rests = listed !== undefined && listed.state !== "running" &&
      run.detail?.state === listed.state;
    if (rests) return;
    let more = true;
    while (more && this.runs.has(id)) {
      const { at } = run.curves;
      const chunk = await get<MetricsChunk>("/api/metrics", { run: id, at });
      more = chunk.more && chunk.at !== at;
      if (addChunk(run.curves, chunk)) this.#changed();
    }
    // After the metrics: a run that has ended in between has said all it had to say.
    run.detail = await get<RunDetail>("/api/run", { run: id });
    noteBeat(run, run.detail);
    noteSeconds(run.curves, run.detail);
  }
}

/** Seconds a step while the page looked on, if there were steps. */
export function paceSeen({ seen }: Pick<Followed, "seen">): number | undefined {
  const [first, last] = [seen[0], seen.at(-1)];
  if (!first || !last || last.step === first.step) return undefined;
  return (last.time - first.time) / 1000 / (last.step - first.step);
}

function noteBeat({ seen, curves }: Followed, { beat }: RunDetail): void {
  if (beat === undefined || beat.total === 0) {
    seen.length = 0;
    return;
  }
  const { stage, step, age, memory } = beat;
  // Not by the clock on the wall, which may be set.
  const time = performance.now() - age;
  if (seen.at(-1)?.stage !== stage || seen.at(-1)!.step > step) seen.length = 0;
  if (seen.at(-1)?.step === step) return;
  seen.push({ time, step, stage });
  while (seen.length > 2 && seen[0]!.time < time - PACE) seen.shift();
  if (memory === undefined) return;
  const [arm = "", ...phase] = stage.split(" ");
  const point = { steps: [step], values: [memory.live] };
  addPoints(curves, { arm, phase: phase.join(" "), metric: MEMORY, ...point });
}

/** Seconds a step between evaluations, of what its checkpoints say. */
function noteSeconds(curves: RunCurves, { costs }: RunDetail): void {
  for (const { arm, phase } of [...curves.curves.values()]) {
    const clock = costs.find(({ stage }) => stage === `${arm}-${phase}`)?.clock ?? [];
    const key = JSON.stringify([arm, phase, SECONDS]);
    if (clock.length < 2) continue;
    curves.curves.set(key, {
      ...{ arm, phase, metric: SECONDS },
      steps: clock.slice(1).map(({ step }) => step),
      values: clock.slice(1).map(({ step, seconds }, k) =>
        (seconds - clock[k]!.seconds) / Math.max(1, step - clock[k]!.step)
      ),
    });
  }
}

/** Asks one question. */
async function get<T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> {
  const response = await fetch(`${path}?${new URLSearchParams(parameters)}`);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return await response.json() as T;
}
