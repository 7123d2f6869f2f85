/**
 * Runs units as child processes, some at a time, until all are done or have failed.
 *
 * @module
 */
import type { ProgressOutput } from "../../run/progress.ts";
import { formatSeconds } from "../../run/duration.ts";
import { countsText, LiveTable, type SweepView } from "./live_table.ts";
import { unitKey } from "../stored_unit.ts";
import type { SweepUnit } from "./sweep_units.ts";
import type { UnitState } from "./unit_state.ts";

/** A child process that runs a unit. */
export interface UnitProcess {
  /** Settled when it has ended: its exit code, and the signal that ended it. */
  readonly ended: Promise<{ readonly code: number; readonly signal: string | null }>;
  /** Hands a signal on. */
  kill(signal: Deno.Signal): void;
}

/** A unit that did not get done. */
export interface Failure {
  /** The unit. */
  readonly unit: SweepUnit;
  /** What happened, and the last lines of its log. */
  readonly text: string;
}

/** What a sweep needs. */
export interface SweepOptions {
  /** Name of the study. */
  readonly title: string;
  /** Most units at a time. */
  readonly jobs: number;
  /** Run again what failed before. */
  readonly retry: boolean;
  /** Reads the state of a unit. */
  readonly stateOf: (unit: SweepUnit) => Promise<UnitState>;
  /** Starts a unit, or goes on with it. */
  readonly start: (unit: SweepUnit, state: UnitState) => UnitProcess;
  /** The last lines of a unit's log. */
  readonly tail: (unit: SweepUnit) => Promise<string>;
  /** Aborted to stop: children are told with this signal and waited for. */
  readonly signal: AbortSignal;
  /** The signal that children are told. */
  readonly stopWith: () => Deno.Signal;
  /** Where to write. */
  readonly output: ProgressOutput;
  /** Milliseconds between two looks at units that run elsewhere (default 2000). */
  readonly poll?: number;
}

/** How a sweep ended. */
export interface SweepResult {
  /** Number of units that are done. */
  readonly done: number;
  /** What failed, now or before. */
  readonly failures: readonly Failure[];
  /** Number of units that are not done because the sweep was stopped. */
  readonly left: number;
}

interface Running {
  readonly process: UnitProcess;
  readonly since: number;
}

/**
 * Runs a sweep.
 *
 * A unit in which another process works is waited for and then looked at again: so two sweeps share their
 * units, and a sweep that was killed finds what its orphans do. Nothing is tried twice in one sweep; what
 * failed in an earlier one is listed and only run again on request.
 *
 * @param units The units, in the order in which they are to begin.
 * @param options How to start, look and stop.
 * @throws {Error} If a unit cannot be started, as where its log cannot be written, or nothing can be said: after those
 *   that run were stopped.
 */
export async function runSweep(
  units: readonly SweepUnit[],
  options: SweepOptions,
): Promise<SweepResult> {
  const { output, jobs, signal, poll = 2000 } = options;
  const table = new LiveTable(output);
  const done = new Map<SweepUnit, number | undefined>();
  const failures = new Map<SweepUnit, string>();
  const waiting = new Map<SweepUnit, UnitState>();
  const elsewhere = new Set<SweepUnit>();
  const running = new Map<SweepUnit, Running>();
  const tried = new Set<SweepUnit>();
  let broken = false;

  const view = (): SweepView => {
    const now = output.now();
    const left = timeLeft({ done, running, waiting, jobs, now });
    return {
      title: options.title,
      ...{ done: done.size, failed: failures.size, waiting: waiting.size },
      elsewhere: elsewhere.size,
      running: [...running].map(([unit, { since }]) => ({
        name: unitKey(unit),
        seconds: (now - since) / 1000,
      })),
      ...(left === undefined ? {} : { left }),
    };
  };
  const say = (text: string) => {
    table.log(text);
    table.show(view());
  };

  /** Sorts a unit by its state. */
  const place = (unit: SweepUnit, state: UnitState): void => {
    elsewhere.delete(unit);
    if (state.state === "done") done.set(unit, state.seconds);
    else if (state.state === "running") elsewhere.add(unit);
    else if (state.state === "failed" && !(options.retry && !tried.has(unit))) {
      failures.set(unit, `failed before: ${state.error}`);
    } else waiting.set(unit, state);
  };
  for (const unit of units) place(unit, await options.stateOf(unit));
  const before = failures.size;
  if (before > 0) {
    say(`${before} units failed before and are not run again; --retry does so.`);
  }
  say(countsText(view()));

  /** Looks at a unit whose child has ended. */
  const settle = async (
    unit: SweepUnit,
    { code, signal: killer }: Awaited<UnitProcess["ended"]>,
  ): Promise<void> => {
    const { since } = running.get(unit)!;
    const state = await options.stateOf(unit);
    running.delete(unit);
    const seconds = (output.now() - since) / 1000;
    if (state.state === "done") {
      done.set(unit, state.seconds ?? seconds);
      say(`done    ${unitKey(unit)} in ${formatSeconds(seconds)} (${countsText(view())})`);
    } else if (state.state === "running") {
      elsewhere.add(unit);
      say(`another process works in ${unit.folder}: waiting for it`);
    } else if (signal.aborted || broken) {
      waiting.set(unit, state);
    } else {
      const how = killer === null ? `exit code ${code}` : `killed by ${killer}`;
      const error = state.error === undefined ? "" : `: ${state.error}`;
      failures.set(unit, `${how}${error}\n${indent(await options.tail(unit))}`);
      say(`FAILED  ${unitKey(unit)}, ${how}${error}`);
    }
  };

  const pending = new Map<SweepUnit, Promise<void>>();
  const stopped = Promise.withResolvers<void>();
  const tell = () => {
    for (const { process } of running.values()) process.kill(options.stopWith());
  };
  const stop = () => {
    tell();
    stopped.resolve();
  };
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  const clock = output.terminal ? setInterval(() => table.show(view()), 1000) : undefined;
  try {
    for (;;) {
      for (const [unit, state] of waiting) {
        if (signal.aborted || running.size >= jobs) break;
        waiting.delete(unit);
        tried.add(unit);
        const process = options.start(unit, state);
        running.set(unit, { process, since: output.now() });
        pending.set(
          unit,
          process.ended.then((end) => settle(unit, end)).finally(() => pending.delete(unit)),
        );
        say(`${state.state === "waiting" ? "begin  " : "go on  "} ${unitKey(unit)}`);
      }
      const over = running.size === 0 && pending.size === 0;
      if (over && (signal.aborted || (waiting.size === 0 && elsewhere.size === 0))) break;
      const watch = Promise.withResolvers<void>();
      const timer = elsewhere.size > 0 ? setTimeout(watch.resolve, poll) : undefined;
      await Promise.race([
        ...pending.values(),
        watch.promise,
        ...(signal.aborted ? [] : [stopped.promise]),
      ]);
      clearTimeout(timer);
      for (const unit of [...elsewhere]) {
        const state = await options.stateOf(unit);
        if (state.state === "running") continue;
        place(unit, state);
        if (done.has(unit)) say(`done    ${unitKey(unit)}, by another process`);
      }
    }
  } catch (error) {
    // Nothing that it has started outlives it.
    broken = true;
    const told = running.size > 0 ? " The units that ran meanwhile have stopped." : "";
    tell();
    await Promise.allSettled(pending.values());
    if (error instanceof Error) {
      error.message += `${told} Nothing that was saved is lost: go on with the same command.`;
    }
    throw error;
  } finally {
    clearInterval(clock);
    signal.removeEventListener("abort", stop);
  }
  table.log(countsText(view()));
  return {
    done: done.size,
    failures: [...failures].map(([unit, text]) => ({ unit, text })),
    left: waiting.size + elsewhere.size,
  };
}

/** Seconds until all is done: units of an arm take as long as others of it did, or as the mean of all. */
function timeLeft({ done, running, waiting, jobs, now }: {
  readonly done: ReadonlyMap<SweepUnit, number | undefined>;
  readonly running: ReadonlyMap<SweepUnit, Running>;
  readonly waiting: ReadonlyMap<SweepUnit, UnitState>;
  readonly jobs: number;
  readonly now: number;
}): number | undefined {
  const known = [...done].filter((entry): entry is [SweepUnit, number] => entry[1] !== undefined);
  if (known.length === 0) return undefined;
  const mean = (of: readonly (readonly [SweepUnit, number])[]) =>
    of.reduce((sum, [, seconds]) => sum + seconds, 0) / of.length;
  const expected = (unit: SweepUnit): number => {
    const alike = known.filter(([{ arm, regime }]) => arm === unit.arm && regime === unit.regime);
    return mean(alike.length > 0 ? alike : known);
  };
  let work = 0;
  for (const unit of waiting.keys()) work += expected(unit);
  for (const [unit, { since }] of running) {
    work += Math.max(0, expected(unit) - (now - since) / 1000);
  }
  return work / jobs;
}

function indent(text: string): string {
  return text.split("\n").map((line) => `    ${line}`).join("\n");
}
