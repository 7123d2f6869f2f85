import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { div, greater, max, mul, pow, where } from "../tensor/mod.ts";
import { bargain } from "./bargain.ts";
import { typicalWhereAbsent, unitGram } from "./linear_algebra.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode fairGrad}. */
export interface FairGradOptions {
  /** How fair the step is: 1 is Nash-MTL, large is the step that all tasks gain from alike; 2. */
  readonly alpha?: number;
  /** Steps of Newton's method; 40 unless told. */
  readonly iterations?: number;
}

/**
 * FairGrad: the step that maximizes the alpha-fair utility of all tasks' gains, weights `a > 0` with
 * `gram a = a^(-1/alpha)`.
 *
 * Gradients may differ in length by 1e12 for `alpha` 2, by 1e6 for 5 and by 1e4 for 10.
 *
 * Solved as the minimum of a convex function by Newton steps, like {@linkcode nashMtl}, which
 * is the case `alpha = 1`; for other `alpha` the scale of a loss matters. Opposed gradients have
 * bounded weights; a task whose gradient is 0 gets the mean weight of the others.
 *
 * Source: Ban and Ji, "Fair resource allocation in multi-task learning", arXiv 2402.15638, equation 6.
 *
 * @param options Fairness from 1 up, iterations of the solver.
 * @returns The method; its weights have no common scale.
 * @throws {RangeError} If `alpha` is below 1.
 *
 * @example
 * ```ts
 * import { constant, fairGrad, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * // 4 a = a^(-1/2)
 * const gram = constant([[4, 0], [0, 1]]);
 * const { weights } = fairGrad().weigh({ losses: constant([1, 1]), gram, state: {} });
 * assertAlmostEquals(valuesOf(weights)[0]!, 4 ** (-2 / 3));
 * assertAlmostEquals(valuesOf(weights)[1]!, 1);
 * ```
 */
export function fairGrad(options: FairGradOptions = {}): Weighting {
  requireOptions("fairGrad", options, { alpha: is.optionalNumber, iterations: is.optionalNumber });
  const { alpha = 2, iterations = 40 } = options;
  if (!(alpha >= 1)) {
    throw new RangeError(`Cannot weigh tasks ${alpha}-fairly: expected alpha from 1.`);
  }
  const power = 1 / alpha;
  const solve = bargain({ power, largest: 1e5, iterations });
  return {
    name: "fairgrad",
    scale: "free",
    needsGradients: true,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      tasksOf("FairGrad", inputs);
      const { cosines, lengths, inverse } = unitGram(inputs.gram);
      const present = greater(lengths, 0);
      // With a = v / length: C v = length^(1/alpha - 1) v^(-1/alpha), in units of the longest.
      const longest = max(where(present, lengths, 0));
      const unit = where(greater(longest, 0), longest, 1);
      const scales = pow(where(present, div(lengths, unit), 1), power - 1);
      const v = solve(cosines, scales);
      // Lengths k times as long make weights k^(-2 alpha / (alpha + 1)) times as large.
      const back = pow(unit, 1 - 2 / (1 + power));
      return {
        weights: typicalWhereAbsent(mul(mul(v, inverse), back)),
        state: inputs.state,
      };
    },
  };
}
