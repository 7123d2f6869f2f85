/**
 * How fast something grows: exponents fitted to measurements.
 *
 * @module
 */

/** A power law `amount = factor * size ^ exponent`. */
export interface Growth {
  /** The exponent. */
  readonly exponent: number;
  /** Half of its 95 % interval; infinite for two points. */
  readonly spread: number;
  /** How many of the largest sizes it was fitted to. */
  readonly points: number;
}

/** 97.5 % quantiles of Student's t for 1, 2, ... degrees of freedom. */
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306];

/**
 * Fits an exponent by least squares of logarithms, to the upper part of the sizes: to those from the middle one on
 * (at least three, where there are so many), as what is constant counts for little there.
 *
 * @param points Sizes in increasing order with what was measured, both positive.
 * @returns The exponent and its 95 % interval.
 * @throws {RangeError} If there are fewer than two points, or one is not positive.
 */
export function fitGrowth(
  points: readonly { readonly size: number; readonly amount: number }[],
): Growth {
  const upper = points.slice(-Math.max(3, Math.ceil(points.length / 2)));
  if (upper.length < 2 || upper.some(({ size, amount }) => !(size > 0 && amount > 0))) {
    throw new RangeError(
      `Cannot fit an exponent to ${JSON.stringify(points)}: expected two positive points or more.`,
    );
  }
  const x = upper.map(({ size }) => Math.log(size));
  const y = upper.map(({ amount }) => Math.log(amount));
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [xMean, yMean] = [mean(x), mean(y)];
  const squares = x.reduce((sum, value) => sum + (value - xMean) ** 2, 0);
  const exponent = x.reduce((sum, value, k) => sum + (value - xMean) * (y[k]! - yMean), 0) /
    squares;
  const rest = x.reduce(
    (sum, value, k) => sum + (y[k]! - yMean - exponent * (value - xMean)) ** 2,
    0,
  );
  const freedom = upper.length - 2;
  const student = freedom === 0 ? Infinity : STUDENT[freedom - 1] ?? 1.96;
  const spread = freedom === 0 ? Infinity : student * Math.sqrt(rest / freedom / squares);
  return { exponent, spread, points: upper.length };
}
