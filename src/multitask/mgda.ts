import { requireCall } from "../ir/options.ts";
import { convert, div, greater, max, maximum, sub, sum, where } from "../tensor/mod.ts";
import { demandFew, shortestPoint } from "./active_sets.ts";
import { unitGram } from "./linear_algebra.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/**
 * MGDA: the weights, adding up to 1, whose combined gradient is the shortest; it descends on all
 * tasks alike, or is 0 where none can be improved without harm to another.
 *
 * Solved exactly: the shortest point of every face of the gradients' convex hull is computed, and
 * the one that fulfils the conditions of the optimum best is taken: weights that are not negative,
 * and `<g_i, d> >= |d|^2` for every task, with equality where the weight is positive. Where a
 * gradient is 0, so is the shortest combination: the tasks without a gradient share the weights.
 *
 * Scaling all losses changes no weight; scaling one up turns the step towards the others, whose
 * gradients are shorter.
 *
 * Source: Sener and Koltun, arXiv 1810.04650, equation 3; heads learn from their own losses, as in
 * algorithm 2.
 *
 * @returns The method, for 1 to 10 tasks; its weights add up to 1.
 *
 * @example
 * ```ts
 * import { constant, mgda, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const gram = constant([[1, 0], [0, 3]]);
 * const { weights } = mgda().weigh({ losses: constant([1, 1]), gram, state: {} });
 * assertAlmostEquals(valuesOf(weights)[0]!, 0.75);
 * ```
 */
export function mgda(): Weighting {
  requireCall("mgda", arguments);
  return {
    name: "mgda",
    scale: "one",
    own: "plain",
    needsGradients: true,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("MGDA", inputs);
      demandFew("MGDA", tasks);
      const { cosines, lengths, inverse } = unitGram(inputs.gram);
      const present = greater(lengths, 0);
      const safe = where(present, inverse, 1);
      const shortest = shortestPoint(cosines, div(safe, max(safe)));
      const absent = sub(1, convert(present, "f32"));
      const none = sum(absent);
      return {
        weights: where(greater(none, 0), div(absent, maximum(none, 1)), shortest),
        state: inputs.state,
      };
    },
  };
}
