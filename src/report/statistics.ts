/**
 * Location, spread and quantiles of samples, and the correction for several tests.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";

/**
 * Arithmetic mean.
 *
 * @param values At least one number.
 * @throws {RangeError} If there is none.
 */
export function mean(values: readonly number[]): number {
  requireArguments("mean", { values }, { values: is.list });
  assertCount(values, { atLeast: 1, what: "mean" });
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Sample standard deviation, with `n - 1` in the denominator.
 *
 * @param values At least two numbers.
 * @throws {RangeError} If there are fewer.
 *
 * @example
 * ```ts
 * import { standardDeviation } from "@mutasesumele/toolkit/report";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(standardDeviation([1, 3, 5]), 2);
 * ```
 */
export function standardDeviation(values: readonly number[]): number {
  requireArguments("standardDeviation", { values }, { values: is.list });
  assertCount(values, { atLeast: 2, what: "standard deviation" });
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * Quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan 1996).
 *
 * @param values At least one number, in any order.
 * @param probability A number from 0 to 1.
 * @throws {RangeError} If there is no value or the probability is outside.
 *
 * @example
 * ```ts
 * import { quantile } from "@mutasesumele/toolkit/report";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(quantile([1, 2, 3, 4], 0.25), 1.75);
 * ```
 */
export function quantile(values: readonly number[], probability: number): number {
  requireArguments("quantile", { values, probability }, {
    values: is.list,
    probability: is.number,
  });
  assertCount(values, { atLeast: 1, what: "quantile" });
  if (!(probability >= 0 && probability <= 1)) {
    throw new RangeError(
      `Cannot take quantile ${probability}: expected a probability from 0 to 1.`,
    );
  }
  const sorted = Float64Array.from(values).sort();
  const position = (sorted.length - 1) * probability;
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (position - below) * (high - low);
}

/**
 * Median.
 *
 * @param values At least one number, in any order.
 * @throws {RangeError} If there is none.
 *
 * @example
 * ```ts
 * import { median } from "@mutasesumele/toolkit/report";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(median([3, 1, 2]), 2);
 * ```
 */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * Adjusts p-values for several tests by Holm's step-down method (Holm 1979): the i-th smallest of m is
 * multiplied by `m - i + 1`, then made non-decreasing. A test holds at level `a` if its adjusted value
 * is at most `a`; the chance of any false finding is then at most `a`, dependent tests or not.
 *
 * @param pValues One p-value a test.
 * @returns Adjusted p-values in the same order.
 * @throws {RangeError} If a p-value is not between 0 and 1.
 *
 * @example
 * ```ts
 * import { holmCorrection } from "@mutasesumele/toolkit/report";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(holmCorrection([0.25, 0.0625, 0.5]), [0.5, 0.1875, 0.5]);
 * ```
 */
export function holmCorrection(pValues: readonly number[]): number[] {
  requireArguments("holmCorrection", { pValues }, { pValues: is.list });
  for (const p of pValues) {
    if (!(p >= 0 && p <= 1)) {
      throw new RangeError(`Cannot correct p-value ${p}: expected a number from 0 to 1.`);
    }
  }
  const order = pValues.map((_, index) => index).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  for (const [rank, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, pValues[index]! * (pValues.length - rank)));
    adjusted[index] = largest;
  }
  return adjusted;
}

/** Throws unless there are enough values and all are finite. */
export function assertCount(
  values: readonly number[],
  options: { readonly atLeast: number; readonly what: string },
): void {
  if (values.length < options.atLeast) {
    throw new RangeError(
      `Cannot compute the ${options.what} of ${values.length} values: expected at least ` +
        `${options.atLeast}.`,
    );
  }
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index >= 0) {
    throw new RangeError(
      `Cannot compute the ${options.what}: value ${index} is ${values[index]}, expected a finite ` +
        `number.`,
    );
  }
}

/**
 * Throws unless level and number of resamples make an interval: each tail beyond it must hold a
 * resample at least.
 */
export function assertResampling(
  { level, resamples }: { readonly level: number; readonly resamples: number },
): void {
  if (!(level > 0 && level < 1)) {
    throw new RangeError(
      `Cannot bootstrap at level ${level}: expected a share between 0 and 1, such as 0.95.`,
    );
  }
  // Rounded, so that 2 / (1 - 0.95) is 40 and not 41.
  const least = Math.ceil(2 / (1 - level) * (1 - 1e-9));
  if (!Number.isSafeInteger(resamples) || resamples < least) {
    throw new RangeError(
      `Cannot bootstrap with ${resamples} resamples at level ${level}: expected a whole number of at ` +
        `least ${least}, one for each tail.`,
    );
  }
}
