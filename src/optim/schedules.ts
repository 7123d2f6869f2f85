/** A learning rate for every step, counted from 0; computed on the host. */
export type Schedule = (step: number) => number;

function requireSteps(what: string, steps: number, least: number): void {
  if (!Number.isInteger(steps) || steps < least) {
    throw new RangeError(
      `Cannot make a schedule: found ${what} ${steps}, expected a whole number from ${least}.`,
    );
  }
}

/**
 * The same rate at every step.
 *
 * @param rate The rate.
 * @returns The schedule.
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
  return () => rate;
}

/** Options of {@linkcode cosineSchedule}. */
export interface CosineScheduleOptions {
  /** Largest rate, reached at the end of the warm-up. */
  readonly peak: number;
  /** Steps in all. */
  readonly steps: number;
  /** Steps during which the rate rises linearly; 0 unless told. */
  readonly warmup?: number;
  /** Rate at the last step and after it; 0 unless told. */
  readonly floor?: number;
}

/**
 * Half a cosine from the peak to the floor, after a linear warm-up.
 *
 * Source: Loshchilov and Hutter, arXiv 1608.03983, equation 5, without restarts.
 *
 * @param options Peak, number of steps, warm-up and floor.
 * @returns The schedule.
 * @throws {RangeError} If the warm-up is not shorter than the whole.
 *
 * @example
 * ```ts
 * import { cosineSchedule } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const rate = cosineSchedule({ peak: 1, steps: 10, warmup: 2 });
 * assertAlmostEquals(rate(0), 0.5);
 * assertAlmostEquals(rate(6), 0.5);
 * assertAlmostEquals(rate(10), 0);
 * ```
 */
export function cosineSchedule(options: CosineScheduleOptions): Schedule {
  const { peak, steps, warmup = 0, floor = 0 } = options;
  requireSteps("warmup", warmup, 0);
  requireSteps("steps", steps, warmup + 1);
  return (step) => {
    if (step < warmup) return peak * (step + 1) / warmup;
    const progress = Math.min(1, (step - warmup) / (steps - warmup));
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
export function stepSchedule({ rate, milestones, factor = 0.1 }: StepScheduleOptions): Schedule {
  for (const milestone of milestones) requireSteps("a milestone", milestone, 0);
  return (step) => rate * factor ** milestones.filter((milestone) => step >= milestone).length;
}
