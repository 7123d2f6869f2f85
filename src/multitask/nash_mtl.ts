import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { mul, ones } from "../tensor/mod.ts";
import { bargain } from "./bargain.ts";
import { typicalWhereAbsent, unitGram } from "./linear_algebra.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode nashMtl}. */
export interface NashMtlOptions {
  /** Steps of Newton's method; 32 unless told, which is enough for 8 tasks in any conflict. */
  readonly iterations?: number;
}

/**
 * Nash-MTL: the bargaining solution, weights `a > 0` with `gram a = 1 / a`; scaling a task's loss
 * does not change its part of the step.
 *
 * Solved as the minimum of the convex function `a' gram a / 2 - sum(log a)` by Newton steps.
 * Opposed gradients have no finite solution: the weight of a gradient of length 1
 * ends about 1000, smoothly. A task whose gradient is 0 gets the mean weight of the others.
 *
 * Source: Navon et al., arXiv 2202.01017, claim 3.1 and equation 2. The authors' program besides clips
 * the step to the length 1: `withClipping(optimizer, { maxNorm: 1 })`.
 *
 * @param options Iterations of the solver.
 * @returns The method. Weights are of the order of one over the gradients' lengths: the combined
 *   gradient has the length `sqrt(tasks)`, whatever the gradients are.
 *
 * @example
 * ```ts
 * import { constant, nashMtl, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const gram = constant([[4, 0], [0, 1]]);
 * const { weights } = nashMtl().weigh({ losses: constant([1, 1]), gram, state: {} });
 * assertAlmostEquals(valuesOf(weights)[0]!, 0.5);
 * assertAlmostEquals(valuesOf(weights)[1]!, 1);
 * ```
 */
export function nashMtl(options: NashMtlOptions = {}): Weighting {
  requireOptions("nashMtl", options, { iterations: is.optionalNumber });
  const { iterations = 32 } = options;
  const solve = bargain({ power: 1, largest: 1000, iterations });
  return {
    name: "nash-mtl",
    scale: "free",
    needsGradients: true,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("Nash-MTL", inputs);
      const { cosines, inverse } = unitGram(inputs.gram);
      const units = solve(cosines, ones([tasks]));
      return { weights: typicalWhereAbsent(mul(units, inverse)), state: inputs.state };
    },
  };
}
