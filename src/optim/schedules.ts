import * as is from "../ir/kinds.ts";
import { describe } from "../ir/describe.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
/** A learning rate for every step, counted from 0; computed on the host. */
export type Schedule = (step: number) => number;

function requireSteps(what: string, steps: number, least: number): void {
  if (!Number.isInteger(steps) || steps < least) {
    throw new RangeError(
      `Cannot make a schedule: found ${what} ${steps}, expected a whole number from ${least}.`,
    );
  }
}

function requireRate(what: string, rate: number): void {
  if (!Number.isFinite(rate) || rate < 0) {
    throw new RangeError(
      `Cannot make a schedule: found ${what} ${
        describe(rate)
      }, expected a finite number of at least 0.`,
    );
  }
}

/**
 * The same rate at every step.
 *
 * @param rate The rate.
 * @returns The schedule.
 * @throws {RangeError} If the rate is negative or not finite.
 *
 * @example
 * ```ts
 * import { constantSchedule } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(constantSchedule(0.1)(1000), 0.1);
 * ```
 */
export function constantSchedule(rate: number): Schedule {
  requireCall("constantSchedule", arguments, 1);
  requireRate("the rate", rate);
  return () => rate;
}

/** Options of {@linkcode cosineSchedule}. */
export interface CosineScheduleOptions {
  /** Largest rate: that of the last step of the warm-up, or of the first step without one. */
  readonly peak: number;
  /** Steps in all. */
  readonly steps: number;
  /** Steps during which the rate rises linearly; 0 unless told. */
  readonly warmup?: number;
  /** Rate at the last step, `steps - 1`, and after it; 0 unless told. */
  readonly floor?: number;
}

/**
 * Half a cosine from the peak to the floor, after a linear warm-up. A schedule of a single step is at
 * its peak.
 *
 * Source: Loshchilov and Hutter, arXiv 1608.03983, equation 5, without restarts.
 *
 * @param options Peak, number of steps, warm-up and floor.
 * @returns The schedule.
 * @throws {RangeError} If the warm-up is not shorter than the whole, or a rate is negative or not
 *   finite.
 *
 * @example
 * ```ts
 * import { cosineSchedule } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const rate = cosineSchedule({ peak: 1, steps: 10, warmup: 2 });
 * assertAlmostEquals(rate(0), 0.5);
 * assertAlmostEquals(rate(1), 1);
 * assertAlmostEquals(rate(5), 0.5);
 * assertAlmostEquals(rate(9), 0);
 * ```
 */
export function cosineSchedule(options: CosineScheduleOptions): Schedule {
  requireOptions("cosineSchedule", options, { peak: true, steps: true, warmup: true, floor: true });
  const { peak, steps, warmup = 0, floor = 0 } = options;
  requireSteps("warmup", warmup, 0);
  requireSteps("steps", steps, warmup + 1);
  requireRate("the peak", peak);
  requireRate("the floor", floor);
  const highest = Math.max(0, warmup - 1);
  const descent = steps - 1 - highest;
  return (step) => {
    if (step < highest) return peak * (step + 1) / warmup;
    if (step === highest) return peak;
    if (step >= steps - 1) return floor;
    const progress = (step - highest) / descent;
    return floor + (peak - floor) * (1 + Math.cos(Math.PI * progress)) / 2;
  };
}

/** Options of {@linkcode stepSchedule}. */
export interface StepScheduleOptions {
  /** The first rate. */
  readonly rate: number;
  /** Steps at which the rate is multiplied, increasing. */
  readonly milestones: readonly number[];
  /** The factor; 0.1 unless told. */
  readonly factor?: number;
}

/**
 * A rate that is multiplied by a factor at given steps.
 *
 * @param options The first rate, the steps and the factor.
 * @returns The schedule.
 * @throws {RangeError} If the steps do not increase, or rate or factor is negative or not finite.
 *
 * @example
 * ```ts
 * import { stepSchedule } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const rate = stepSchedule({ rate: 1, milestones: [10, 20], factor: 0.5 });
 * assertEquals([9, 10, 20].map(rate), [1, 0.5, 0.25]);
 * ```
 */
export function stepSchedule(options: StepScheduleOptions): Schedule {
  requireOptions("stepSchedule", options, { rate: true, milestones: is.list, factor: true });
  const { rate, milestones, factor = 0.1 } = options;
  requireRate("the rate", rate);
  requireRate("the factor", factor);
  milestones.forEach((milestone, k) => {
    requireSteps("a milestone", milestone, k === 0 ? 0 : milestones[k - 1]! + 1);
  });
  return (step) => rate * factor ** milestones.filter((milestone) => step >= milestone).length;
}
