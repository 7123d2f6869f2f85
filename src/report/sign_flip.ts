/**
 * The paired permutation test: exact, without a distribution assumed.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { assertCount } from "./statistics.ts";

/** More pairs than this would need more than a million sums in memory. */
const MAX_PAIRS = 40;

const ALTERNATIVES = ["two-sided", "greater", "less"] as const;

/** Options of {@linkcode signFlipTest}. */
export interface SignFlipOptions {
  /** `greater`: is the mean difference above zero? (default `two-sided`) */
  readonly alternative?: "two-sided" | "greater" | "less";
}

/**
 * Tests whether paired differences are symmetric around zero (Fisher 1935): the share of all `2^n`
 * choices of signs whose sum is at least as extreme as the one observed. Exact for up to 40 pairs: the
 * sums of both halves are sorted and matched, `n 2^(n/2)` work instead of `2^n`.
 *
 * @param differences One difference a pair, such as accuracy of two arms at the same seed.
 * @param options The alternative.
 * @returns The p-value; never below `2^-n`, so five seeds cannot show more than 1/32.
 * @throws {RangeError} If there is no pair or there are more than 40, a difference is not finite, or
 *   the alternative is none of the three.
 *
 * @example
 * ```ts
 * import { signFlipTest } from "@mutasesumele/toolkit/report";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(signFlipTest([0.02, 0.05, 0.01, 0.03]), 2 / 16);
 * assertEquals(signFlipTest([0.02, 0.05, 0.01, 0.03], { alternative: "greater" }), 1 / 16);
 * ```
 */
export function signFlipTest(
  differences: readonly number[],
  options: SignFlipOptions = {},
): number {
  requireArguments("signFlipTest", { differences }, { differences: is.list });
  requireOptions("signFlipTest", options, { alternative: true });
  assertCount(differences, { atLeast: 1, what: "sign-flip test" });
  if (differences.length > MAX_PAIRS) {
    throw new RangeError(
      `Cannot test ${differences.length} pairs exactly: expected at most ${MAX_PAIRS}. Average over ` +
        `groups of pairs, or report a bootstrap interval.`,
    );
  }
  const alternative = options.alternative ?? "two-sided";
  if (!ALTERNATIVES.includes(alternative)) {
    throw new RangeError(
      `Cannot test the alternative ${JSON.stringify(alternative)}: expected one of ` +
        `${ALTERNATIVES.join(", ")}.`,
    );
  }
  const size = differences.reduce((sum, value) => sum + Math.abs(value), 0);
  const observed = differences.reduce((sum, value) => sum + value, 0);
  // Sums that are equal on paper differ by the rounding of their n - 1 additions, each by half an
  // epsilon of the largest partial sum at most: within that they are ties, and count as extreme.
  const slack = differences.length * Number.EPSILON * size;
  const half = differences.length >> 1;
  const left = signedSums(differences.slice(0, half));
  const right = signedSums(differences.slice(half));
  const total = 2 ** differences.length;
  // The distribution is symmetric, so "less" is "greater" with the sign changed.
  if (alternative === "greater") return countAtLeast(left, right, observed - slack) / total;
  if (alternative === "less") return countAtLeast(left, right, -observed - slack) / total;
  if (Math.abs(observed) <= slack) return 1;
  return (2 * countAtLeast(left, right, Math.abs(observed) - slack)) / total;
}

/** All `2^n` sums of `values` with signs, sorted. */
function signedSums(values: readonly number[]): Float64Array {
  let sums = Float64Array.of(0);
  for (const value of values) {
    const next = new Float64Array(2 * sums.length);
    next.set(sums.map((sum) => sum - value));
    next.set(sums.map((sum) => sum + value), sums.length);
    sums = next;
  }
  return sums.sort();
}

/** How many pairs of one item of each sorted list add up to `threshold` or more. */
function countAtLeast(left: Float64Array, right: Float64Array, threshold: number): number {
  let count = 0;
  let first = right.length;
  for (const value of left) {
    while (first > 0 && value + right[first - 1]! >= threshold) first--;
    count += right.length - first;
  }
  return count;
}
