/**
 * When a unit reaches a target, on any budget axis, and until when it was watched.
 *
 * @module
 */
import * as is from "../../ir/kinds.ts";
import { requireArguments, requireOptions } from "../../ir/options.ts";
import type { Observation } from "../../report/mod.ts";
import type { Outcome } from "../unit_summary.ts";
import type { Axis } from "./verdict_plan.ts";

/** What is known of one unit's time to a target. */
export interface TargetTime extends Observation {
  /** Time up to which reaching it would have been seen. */
  readonly watched: number;
  /** What pretraining has spent of `time`. */
  readonly pretraining: number;
}

/** What counts as reached. */
export interface TargetOptions {
  /** The budget axis. */
  readonly axis: Axis;
  /** Accuracy to reach. */
  readonly accuracy: number;
  /** Evaluations in a row that must be at or above it. */
  readonly consecutive: number;
}

/**
 * Finds the first of several evaluations in a row at or above a target, pretraining counted in.
 *
 * The last evaluations cannot begin such a row, so a run is watched only up to the first of them: a run
 * that was not there before is censored at that time, and a common horizon no later than every `watched`
 * knows the time of every run up to itself.
 *
 * @param outcome Curve and pretraining.
 * @param options Axis, accuracy, and how many in a row.
 * @returns The time, or `undefined` if the curve has fewer evaluations than must be in a row.
 *
 * @example
 * ```ts
 * import { timeToTarget } from "@mutasesumele/toolkit/study";
 * import { assertEquals } from "@std/assert";
 *
 * const cost = (steps: number) => ({ steps, samples: 8 * steps, flops: 0, seconds: 0 });
 * const outcome = {
 *   protocol: "fine-tune",
 *   before: cost(100),
 *   curve: [0.1, 0.6, 0.4, 0.6, 0.7].map((accuracy, i) => ({ ...cost(10 * i), accuracy })),
 *   test: { accuracy: 0.7, images: 1000 },
 *   figures: {},
 * };
 * const found = timeToTarget(outcome, { axis: "steps", accuracy: 0.5, consecutive: 2 });
 * assertEquals(found, { time: 130, reached: true, watched: 140, pretraining: 100 });
 * ```
 */
export function timeToTarget(outcome: Outcome, options: TargetOptions): TargetTime | undefined {
  requireArguments("timeToTarget", { outcome }, {
    outcome: is.objectWith({ before: is.object, curve: is.list }, "an outcome"),
  });
  requireOptions("timeToTarget", options, {
    axis: is.oneOf("steps", "samples", "flops", "seconds"),
    accuracy: is.finite,
    consecutive: is.count,
  });
  const { axis, accuracy, consecutive } = options;
  const { before, curve } = outcome;
  const starts = curve.length - consecutive + 1;
  if (starts < 1) return undefined;
  const pretraining = before[axis];
  const timeAt = (index: number) => pretraining + curve[index]![axis];
  // With one evaluation enough, the whole curve was watched.
  const watched = timeAt(Math.min(starts, curve.length - 1));
  for (let start = 0; start < starts; start++) {
    if (curve.slice(start, start + consecutive).every((point) => point.accuracy >= accuracy)) {
      return { time: timeAt(start), reached: true, watched, pretraining };
    }
  }
  return { time: watched, reached: false, watched, pretraining };
}

/**
 * Gives the plateau of a curve: the mean of its last evaluations.
 *
 * @param outcome The curve.
 * @param last How many evaluations; fewer where there are fewer.
 * @returns An accuracy, or `undefined` of an empty curve.
 */
export function plateauOf({ curve }: Outcome, last: number): number | undefined {
  const end = curve.slice(-last);
  if (end.length === 0) return undefined;
  return end.reduce((sum, { accuracy }) => sum + accuracy, 0) / end.length;
}
