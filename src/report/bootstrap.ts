/**
 * Bootstrap intervals with a generator of their own, so that equal samples give equal intervals.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { normalCdf, normalQuantile } from "./special_functions.ts";
import { assertCount, assertResampling, mean, quantile } from "./statistics.ts";

/** An estimate with an interval around it. */
export interface Interval {
  /** The statistic of the sample itself. */
  readonly estimate: number;
  /** Lower end. */
  readonly low: number;
  /** Upper end. */
  readonly high: number;
  /** Confidence level, such as 0.95. */
  readonly level: number;
}

/** Options of {@linkcode bootstrapInterval}. */
export interface BootstrapOptions {
  /** What to estimate from a sample, called with the sample alone (default the mean). */
  readonly statistic?: (values: readonly number[]) => number;
  /** Confidence level (default 0.95). */
  readonly level?: number;
  /** Number of resamples (default 10,000). */
  readonly resamples?: number;
  /** Seed of the resampling (default 0). */
  readonly seed?: number;
}

/**
 * Computes a bias-corrected and accelerated bootstrap interval, BCa (Efron 1987): the quantiles of the
 * resampled statistic at `Phi(z0 + (z0 + z) / (1 - a (z0 + z)))`, with the bias correction `z0` from the
 * share of resamples below the estimate and the acceleration `a` from the jackknife.
 *
 * @param values At least two numbers, such as one accuracy a seed.
 * @param options Statistic, level, resamples and seed.
 * @returns The interval; a point if the statistic never varies.
 * @throws {RangeError} If there are fewer than two values or one is not finite, if the level is not
 *   between 0 and 1, if there are too few resamples for a tail of the level, or if the statistic of a
 *   sample is not finite.
 *
 * @example
 * ```ts
 * import { bootstrapInterval } from "@mutasesumele/toolkit/report";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const { estimate, low, high } = bootstrapInterval([0.61, 0.64, 0.6, 0.66, 0.63]);
 * assertEquals(estimate, 0.628);
 * assert(low > 0.6 && low < estimate && estimate < high && high < 0.66);
 * ```
 */
export function bootstrapInterval(
  values: readonly number[],
  options: BootstrapOptions = {},
): Interval {
  requireArguments("bootstrapInterval", { values }, { values: is.list });
  requireOptions("bootstrapInterval", options, {
    statistic: is.optional(is.callback),
    level: is.optional(is.number),
    resamples: is.optional(is.number),
    seed: is.optional(is.natural),
  });
  assertCount(values, { atLeast: 2, what: "bootstrap interval" });
  const level = options.level ?? 0.95;
  const resamples = options.resamples ?? 10_000;
  assertResampling({ level, resamples });
  const of = options.statistic ?? mean;
  const statistic = (sample: readonly number[]): number => {
    const value = of(sample);
    if (Number.isFinite(value)) return value;
    throw new RangeError(
      `Cannot bootstrap: the statistic of [${sample.slice(0, 8).join(", ")}${
        sample.length > 8 ? ", ..." : ""
      }] is ${value}, expected a finite number of every sample drawn from the values.`,
    );
  };
  const estimate = statistic(values);
  const replicates = resample(values, { resamples, seed: options.seed ?? 0 })
    .map((sample) => statistic(sample));
  if (replicates.every((replicate) => replicate === replicates[0])) {
    return { estimate, low: estimate, high: estimate, level };
  }
  const below = replicates.filter((replicate) => replicate < estimate).length;
  const ties = replicates.filter((replicate) => replicate === estimate).length;
  const share = (below + ties / 2) / resamples;
  const bias = normalQuantile(Math.min(Math.max(share, 0.5 / resamples), 1 - 0.5 / resamples));
  const acceleration = jackknifeAcceleration(values, statistic);
  const adjusted = (probability: number) => {
    const z = bias + normalQuantile(probability);
    // Beyond its pole the correction would turn round: it has reached the end of the replicates.
    const remaining = 1 - acceleration * z;
    const corrected = remaining > 0 ? bias + z / remaining : Math.sign(z) * Infinity;
    return quantile(replicates, normalCdf(corrected));
  };
  return { estimate, low: adjusted((1 - level) / 2), high: adjusted((1 + level) / 2), level };
}

/**
 * Draws samples of the same size with replacement.
 *
 * @param values The items to draw from.
 * @param options How many samples, and the seed.
 * @returns One array a sample.
 */
export function resample<T>(
  values: readonly T[],
  options: { readonly resamples: number; readonly seed: number },
): T[][] {
  const random = uniformSource(options.seed);
  return Array.from(
    { length: options.resamples },
    () => values.map(() => values[Math.floor(random() * values.length)]!),
  );
}

/** Acceleration of BCa: a sixth of the skewness of the jackknife values (Efron 1987, eq. 6.6). */
function jackknifeAcceleration(
  values: readonly number[],
  statistic: (values: readonly number[]) => number,
): number {
  const leftOut = values.map((_, index) => statistic(values.filter((_, other) => other !== index)));
  const center = mean(leftOut);
  const squares = leftOut.reduce((sum, value) => sum + (center - value) ** 2, 0);
  const cubes = leftOut.reduce((sum, value) => sum + (center - value) ** 3, 0);
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

/**
 * Uniform numbers in [0, 1) from the counter-based generator of splitmix32: a Weyl sequence through the
 * 32-bit finaliser of MurmurHash3.
 */
function uniformSource(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let bits = state ^ (state >>> 16);
    bits = Math.imul(bits, 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
  };
}
