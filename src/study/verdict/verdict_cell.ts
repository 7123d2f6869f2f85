/**
 * One cell of a verdict: two arms in one regime by one measure, paired by seed.
 *
 * @module
 */
import {
  bootstrapInterval,
  type Interval,
  logRankTest,
  restrictedMean,
  signFlipTest,
} from "../../report/mod.ts";
import { type TargetTime, timeToTarget } from "./time_to_target.ts";
import type { Cost, Outcome } from "../unit_summary.ts";
import type { Axis, VerdictPlan } from "./verdict_plan.ts";

/** Both units of one seed. */
export interface PairedOutcomes {
  /** Their seed. */
  readonly seed: number;
  /** The candidate's. */
  readonly candidate: Outcome;
  /** The control's. */
  readonly control: Outcome;
}

/** Both figures of one seed. */
export interface Pair {
  /** The seed. */
  readonly seed: number;
  /** Figure of the candidate. */
  readonly candidate: number;
  /** Figure of the control. */
  readonly control: number;
  /** The candidate's minus the control's. */
  readonly difference: number;
}

/** A number of each side. */
export interface BothSides<T> {
  /** Of the candidate. */
  readonly candidate: T;
  /** Of the control. */
  readonly control: T;
}

/** What is known about times to a target. */
export interface TimeFigures {
  /** Time up to which every unit of both arms was watched: means are restricted to it. */
  readonly horizon: number;
  /** Times of all units, censored ones too, for survival curves. */
  readonly times: BothSides<readonly TargetTime[]>;
  /** Units that reached the target within the horizon. */
  readonly reached: BothSides<number>;
  /** Mean cost of pretraining, which the times hold. */
  readonly pretraining: BothSides<number>;
  /** Restricted means of the time after pretraining, each up to its common horizon. */
  readonly after: BothSides<number> & { readonly horizon: number };
  /** p-value of the log-rank test; absent where no target was reached. Shown, not decided by. */
  readonly logRank?: number;
}

/** What was measured of a cell. */
export interface Measured {
  /** One pair a seed. */
  readonly pairs: readonly Pair[];
  /** Means of both sides. */
  readonly means: BothSides<number>;
  /** Mean cost of both sides up to the end of their curves, pretraining counted in. */
  readonly cost: BothSides<Cost>;
  /** Mean paired difference with its BCa interval; absent of one pair. */
  readonly interval?: Interval;
  /** Two-sided sign-flip p-value of the claim. */
  readonly pValue: number;
  /** Mean difference minus what the claim compares it with: positive where more than that. */
  readonly excess: number;
  /** p-value of the difference being within the margin: the larger of two tests against its ends. */
  readonly equivalence: number;
  /** Margin in the unit of the figures. */
  readonly margin: number;
  /** Only of times. */
  readonly time?: TimeFigures;
}

/** How a cell is measured. */
export interface CellOptions {
  /** Margins, level and resamples. */
  readonly plan: Pick<VerdictPlan, "level" | "resamples" | "margins" | "consecutive">;
  /** Test whether the difference is above minus the margin, rather than above zero. */
  readonly nonInferiority: boolean;
}

/**
 * Compares test accuracies.
 *
 * @param outcomes At least one pair.
 * @param options Plan and claim.
 */
export function measureAccuracy(
  outcomes: readonly PairedOutcomes[],
  options: CellOptions,
): Measured {
  const figures = outcomes.map(({ seed, candidate, control }) =>
    pairOf(seed, { candidate: candidate.test.accuracy, control: control.test.accuracy })
  );
  return measure(figures, { ...options, outcomes, margin: options.plan.margins.accuracy });
}

/**
 * Compares times to a target, pretraining counted in. Times beyond the horizon (the earliest end of what
 * was watched, over all units of both arms) count with the horizon, so that every restricted time is known
 * and none is left out: their mean is the restricted mean of Kaplan and Meier's curve, and their
 * differences are paired like accuracies.
 *
 * @param outcomes At least one pair.
 * @param options Plan, axis and target.
 * @returns The figures, or a sentence that says why there are none.
 */
export function measureTime(
  outcomes: readonly PairedOutcomes[],
  options: CellOptions & { readonly axis: Axis; readonly accuracy: number },
): Measured | string {
  const { plan, axis, accuracy } = options;
  const timesOf = (side: "candidate" | "control") =>
    outcomes.map((pair) =>
      timeToTarget(pair[side], { axis, accuracy, consecutive: plan.consecutive })
    ).filter((time) => time !== undefined);
  const times = { candidate: timesOf("candidate"), control: timesOf("control") };
  const all = [...times.candidate, ...times.control];
  if (all.length < 2 * outcomes.length) {
    return `a curve has fewer than the ${plan.consecutive} evaluations in a row that a target needs`;
  }
  const horizon = Math.min(...all.map((time) => time.watched));
  if (!(horizon > 0)) return `nothing is counted on the axis "${axis}" up to the common budget`;
  const restricted = ({ time }: TargetTime) => Math.min(time, horizon);
  const pairs = outcomes.map(({ seed }, at) =>
    pairOf(seed, {
      candidate: restricted(times.candidate[at]!),
      control: restricted(times.control[at]!),
    })
  );
  return {
    ...measure(pairs, { ...options, outcomes, margin: plan.margins.time * horizon }),
    time: {
      horizon,
      times,
      reached: sides((side) =>
        times[side].filter(({ reached, time }) => reached && time < horizon).length
      ),
      pretraining: sides((side) => average(times[side].map((time) => time.pretraining))),
      after: afterPretraining(times),
      ...logRank(times),
    },
  };
}

/** Restricted means of the times that are left without pretraining. */
function afterPretraining(times: TimeFigures["times"]): TimeFigures["after"] {
  const shift = (time: TargetTime) => ({
    time: time.time - time.pretraining,
    reached: time.reached,
    watched: time.watched - time.pretraining,
  });
  const shifted = sides((side) => times[side].map(shift));
  const horizon = Math.min(...[...shifted.candidate, ...shifted.control].map((t) => t.watched));
  const means = sides((side) => horizon > 0 ? restrictedMean(shifted[side], horizon) : 0);
  return { ...means, horizon };
}

function logRank(times: TimeFigures["times"]): { readonly logRank?: number } {
  try {
    return { logRank: logRankTest([times.candidate, times.control]).pValue };
  } catch (error) {
    // Nothing was reached while both were under way.
    if (error instanceof RangeError) return {};
    throw error;
  }
}

/** Interval and tests of paired differences. */
function measure(
  pairs: readonly Pair[],
  { plan, nonInferiority, outcomes, margin }: CellOptions & {
    readonly outcomes: readonly PairedOutcomes[];
    readonly margin: number;
  },
): Measured {
  const differences = pairs.map((pair) => pair.difference);
  const center = average(differences);
  const shifted = (by: number) => differences.map((difference) => difference + by);
  // Two one-sided tests (Schuirmann 1987); each p-value counts double, as everywhere here.
  const above = 2 * signFlipTest(shifted(margin), { alternative: "greater" });
  const below = 2 * signFlipTest(shifted(-margin), { alternative: "less" });
  const { level, resamples } = plan;
  return {
    pairs,
    means: sides((side) => average(pairs.map((pair) => pair[side]))),
    cost: sides((side) => meanCost(outcomes.map((pair) => pair[side]))),
    ...(pairs.length > 1 && { interval: bootstrapInterval(differences, { level, resamples }) }),
    pValue: signFlipTest(shifted(nonInferiority ? margin : 0)),
    excess: nonInferiority ? center + margin : center,
    equivalence: Math.min(1, Math.max(above, below)),
    margin,
  };
}

function pairOf(seed: number, { candidate, control }: BothSides<number>): Pair {
  return { seed, candidate, control, difference: candidate - control };
}

/** Makes the same of both sides. */
export function sides<T>(make: (side: "candidate" | "control") => T): BothSides<T> {
  return { candidate: make("candidate"), control: make("control") };
}

/** What an outcome has cost to the end of its curve, pretraining counted in. */
export function totalCost({ before, curve }: Pick<Outcome, "before" | "curve">): Cost {
  const end = curve.at(-1);
  const total = (axis: Axis) => before[axis] + (end?.[axis] ?? 0);
  return {
    steps: total("steps"),
    samples: total("samples"),
    flops: total("flops"),
    seconds: total("seconds"),
  };
}

/** Mean cost of several outcomes. */
export function meanCost(outcomes: readonly Outcome[]): Cost {
  const costs = outcomes.map(totalCost);
  const of = (axis: Axis) => average(costs.map((cost) => cost[axis]));
  return {
    steps: of("steps"),
    samples: of("samples"),
    flops: of("flops"),
    seconds: of("seconds"),
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
