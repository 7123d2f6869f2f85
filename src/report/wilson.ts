/**
 * The interval of a share.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import type { Interval } from "./bootstrap.ts";
import { normalQuantile } from "./special_functions.ts";

/**
 * Interval of a share of independent trials (Wilson 1927), such as the accuracy on a number of test images:
 * it stays between 0 and 1 and is right for few trials and for shares near the ends.
 *
 * @param share The share that was observed, from 0 to 1.
 * @param options `trials`: their number, at least 1; `level`: confidence level (default 0.95).
 * @returns The interval around the share.
 * @throws {RangeError} If the share, the number of trials or the level is none.
 *
 * @example
 * ```ts
 * import { wilsonInterval } from "@mutasesumele/toolkit/report";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const { low, high } = wilsonInterval(0.6, { trials: 1000 });
 * assertAlmostEquals(low, 0.5693, 1e-4);
 * assertAlmostEquals(high, 0.6299, 1e-4);
 * ```
 */
export function wilsonInterval(
  share: number,
  options: { readonly trials: number; readonly level?: number },
): Interval {
  requireArguments("wilsonInterval", { share }, { share: is.number });
  requireOptions("wilsonInterval", options, { trials: is.number, level: is.optional(is.number) });
  const { trials, level = 0.95 } = options;
  if (!(share >= 0 && share <= 1) || !(trials >= 1) || !(level > 0 && level < 1)) {
    throw new RangeError(
      `Cannot make an interval at level ${level} of the share ${share} of ${trials} trials: expected ` +
        `a level between 0 and 1, a share from 0 to 1 and at least 1 trial.`,
    );
  }
  const z = normalQuantile((1 + level) / 2);
  const weight = 1 + z ** 2 / trials;
  const center = (share + z ** 2 / (2 * trials)) / weight;
  const half = (z / weight) * Math.sqrt(share * (1 - share) / trials + z ** 2 / (4 * trials ** 2));
  // At the ends the interval touches them, which rounding may miss.
  const low = share === 0 ? 0 : center - half;
  return { estimate: share, low, high: share === 1 ? 1 : center + half, level };
}
