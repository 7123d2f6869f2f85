/**
 * Time until a target is reached, when some runs end before they reach it: the survival curve of Kaplan
 * and Meier, and its restricted mean.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { type Interval, resample } from "./bootstrap.ts";
import { assertResampling, quantile } from "./statistics.ts";

/** One run: when it reached its target, or when it ended without. */
export interface Observation {
  /** Steps (or FLOPs, or seconds) until the target was reached or the run ended; at least 0. */
  readonly time: number;
  /** `true` if the target was reached, `false` if the run ended before (censored). */
  readonly reached: boolean;
}

/** One step of a {@linkcode kaplanMeier} curve. */
export interface SurvivalStep {
  /** Time of the events. */
  readonly time: number;
  /** Runs not yet at the target and not yet ended just before. */
  readonly atRisk: number;
  /** Runs that reached the target at this time. */
  readonly events: number;
  /** Estimated share of runs that need longer than this. */
  readonly survival: number;
  /** Greenwood's variance of `survival`. */
  readonly variance: number;
}

/**
 * Estimates the share of runs that have not reached their target by each time (Kaplan and Meier 1958):
 * `S(t) = prod over t_i <= t of (1 - d_i / n_i)`, with Greenwood's variance.
 *
 * @param observations At least one run.
 * @returns One step a time at which a target was reached, by rising time; empty if none was.
 * @throws {RangeError} If there is no run or a time is not a finite number of at least 0.
 *
 * @example
 * ```ts
 * import { kaplanMeier } from "@mutasesumele/toolkit/report";
 * import { assertEquals } from "@std/assert";
 *
 * const curve = kaplanMeier([
 *   { time: 100, reached: true },
 *   { time: 200, reached: false },
 *   { time: 300, reached: true },
 *   { time: 400, reached: false },
 * ]);
 * assertEquals(curve.map(({ time, survival }) => [time, survival]), [[100, 0.75], [300, 0.375]]);
 * ```
 */
export function kaplanMeier(observations: readonly Observation[]): SurvivalStep[] {
  assertObservations(observations);
  const times = [...new Set(observations.filter((run) => run.reached).map((run) => run.time))];
  let survival = 1;
  let greenwood = 0;
  return times.sort((a, b) => a - b).map((time) => {
    const atRisk = observations.filter((run) => run.time >= time).length;
    const events = observations.filter((run) => run.reached && run.time === time).length;
    survival *= 1 - events / atRisk;
    greenwood += events / (atRisk * (atRisk - events));
    const variance = survival === 0 ? 0 : survival ** 2 * greenwood;
    return { time, atRisk, events, survival, variance };
  });
}

/**
 * Mean time to the target up to a horizon: the area under the survival curve from 0 to `horizon` (Royston
 * and Parmar 2013), defined also when some runs never get there. Runs known to need longer count with the
 * horizon.
 *
 * @param observations At least one run.
 * @param horizon A positive time that no censored run ended before while all others were done; usually the
 * common budget.
 * @returns The restricted mean, between 0 and `horizon`.
 * @throws {RangeError} If the curve is unknown up to the horizon: the last run at risk ended before it.
 *
 * @example
 * ```ts
 * import { restrictedMean } from "@mutasesumele/toolkit/report";
 * import { assertEquals } from "@std/assert";
 *
 * const runs = [{ time: 100, reached: true }, { time: 500, reached: false }];
 * assertEquals(restrictedMean(runs, 500), 300);
 * ```
 */
export function restrictedMean(observations: readonly Observation[], horizon: number): number {
  requireArguments("restrictedMean", { horizon }, { horizon: is.number });
  const curve = kaplanMeier(observations);
  const last = observations.reduce((latest, run) => Math.max(latest, run.time), 0);
  if (!(horizon > 0 && horizon < Infinity)) {
    throw new RangeError(
      `Cannot take the mean up to ${horizon}: expected a positive, finite horizon.`,
    );
  }
  if (horizon > last && (curve.at(-1)?.survival ?? 1) > 0) {
    throw new RangeError(
      `Cannot take the mean up to ${horizon}: the last run was seen at ${last} and had not reached its ` +
        `target. Choose a horizon of at most ${last}.`,
    );
  }
  let area = 0;
  let from = 0;
  let survival = 1;
  for (const step of curve) {
    if (step.time >= horizon) break;
    area += survival * (step.time - from);
    from = step.time;
    survival = step.survival;
  }
  return area + survival * (horizon - from);
}

/**
 * Restricted mean with a percentile bootstrap interval over the runs.
 *
 * @param observations At least two runs, all seen up to the horizon or at their target before it.
 * @param options `horizon` as in {@linkcode restrictedMean}; level (default 0.95), resamples (default
 * 10,000) and seed (default 0).
 * @throws {RangeError} If there are fewer than two runs, a run ended before the horizon without its
 * target (a resample of such runs has no mean up to there), the level is not between 0 and 1, or there
 * are too few resamples for a tail of the level.
 *
 * @example
 * ```ts
 * import { restrictedMeanInterval } from "@mutasesumele/toolkit/report";
 * import { assert } from "@std/assert";
 *
 * const runs = [{ time: 40, reached: true }, { time: 60, reached: true }];
 * const { low, high } = restrictedMeanInterval(runs, { horizon: 100, level: 0.5 });
 * assert(40 <= low && low <= high && high <= 60);
 * ```
 */
export function restrictedMeanInterval(
  observations: readonly Observation[],
  options: {
    readonly horizon: number;
    readonly level?: number;
    readonly resamples?: number;
    readonly seed?: number;
  },
): Interval {
  assertObservations(observations);
  requireOptions("restrictedMeanInterval", options, {
    horizon: is.number,
    level: is.optional(is.number),
    resamples: is.optional(is.number),
    seed: is.optional(is.natural),
  });
  const { horizon, level = 0.95, resamples = 10_000, seed = 0 } = options;
  assertResampling({ level, resamples });
  const early = observations.find((run) => !run.reached && run.time < horizon);
  if (observations.length < 2 || early) {
    throw new RangeError(
      early
        ? `Cannot bootstrap the mean up to ${horizon}: a run ended at ${early.time} without its target. ` +
          `Choose a horizon of at most that.`
        : `Cannot bootstrap ${observations.length} runs: expected at least 2.`,
    );
  }
  const estimate = restrictedMean(observations, horizon);
  const means = resample(observations, { resamples, seed })
    .map((runs) => restrictedMean(runs, horizon));
  const low = quantile(means, (1 - level) / 2);
  return { estimate, low, high: quantile(means, (1 + level) / 2), level };
}

/** Throws unless there is a run and all times are finite and at least 0. */
export function assertObservations(observations: readonly Observation[]): void {
  requireArguments("kaplanMeier", { observations }, {
    observations: is.listOf(is.objectWith({ time: is.number, reached: is.flag })),
  });
  if (observations.length === 0) {
    throw new RangeError("Cannot estimate survival of 0 runs: expected at least 1.");
  }
  const wrong = observations.find((run) => !(run.time >= 0 && run.time < Infinity));
  if (wrong) {
    throw new RangeError(
      `Cannot estimate survival: found time ${wrong.time}, expected a finite number of at least 0.`,
    );
  }
}
