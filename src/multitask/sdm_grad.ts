import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { add, full, matmul, mul, sub } from "../tensor/mod.ts";
import { projectToSimplex, relativeGram } from "./linear_algebra.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode sdmGrad}. */
export interface SdmGradOptions {
  /** How strongly the step is drawn to the mean gradient; 0.3 unless told. */
  readonly pull?: number;
  /** Step size of the weights; 0.3 unless told. */
  readonly rate?: number;
  /** Projected gradient steps of the weights; 20 unless told. */
  readonly iterations?: number;
}

/**
 * SDMGrad: the shortest combination of the gradients and `pull` times their mean: between
 * multi-gradient descent (`pull` 0) and the mean gradient (`pull` large). The products of gradients
 * are those of two independent samples.
 *
 * The weights minimize `|g_w + pull g|^2 / 2` over the simplex, by projected gradient steps from those
 * of the step before, in units of the mean squared length.
 *
 * Source: Xiao, Ban and Ji, arXiv 2305.18409, equation 6 and algorithm 1, divided by `1 + pull` as in
 * the experiments.
 *
 * @param options Pull, step size, number of steps.
 * @returns The method, which wants two samples; its weights add up to 1, its state is `lambda`.
 *
 * @example
 * ```ts
 * import { constant, sdmGrad, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const method = sdmGrad({ pull: 1, iterations: 100 });
 * const gram = constant([[1, 0], [0, 3]]);
 * const { weights } = method.weigh({ losses: constant([1, 1]), gram, state: method.init(2) });
 * // Weights (w, 1 - w) + (1/2, 1/2), minimal at w + 1/2 = 3/2, cut off at w = 1.
 * assertAlmostEquals(valuesOf(weights)[0]!, (1 + 0.5) / 2);
 * ```
 */
export function sdmGrad(options: SdmGradOptions = {}): Weighting {
  requireOptions("sdmGrad", options, {
    pull: is.optionalNumber,
    rate: is.optionalNumber,
    iterations: is.optionalNumber,
  });
  const { pull = 0.3, rate = 0.3, iterations = 20 } = options;
  return {
    name: "sdmgrad",
    scale: "one",
    own: "plain",
    needsGradients: true,
    needsKey: false,
    doubleSampled: true,
    init: (tasks) => ({ lambda: full([tasks], { value: 1 / tasks }) }),
    weigh(inputs) {
      const tasks = tasksOf("SDMGrad", inputs);
      const { gram, independent = gram, state } = inputs;
      const products = relativeGram(independent, gram);
      let lambda = state["lambda"]!;
      for (let iteration = 0; iteration < iterations; iteration++) {
        const slope = matmul(products, add(lambda, pull / tasks));
        lambda = projectToSimplex(sub(lambda, mul(slope, rate)));
      }
      return {
        weights: mul(add(lambda, pull / tasks), 1 / (1 + pull)),
        state: { lambda },
      };
    },
  };
}
