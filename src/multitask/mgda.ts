import type { Tensor } from "../ir/tensor.ts";
import {
  add,
  argMax,
  clip,
  div,
  dot,
  full,
  matmul,
  maximum,
  mul,
  neg,
  oneHot,
  sub,
} from "../tensor/mod.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/**
 * MGDA: the weights, adding up to 1, whose combined gradient is the shortest; it descends on all
 * tasks, or is 0 where none can be improved without harm to another.
 *
 * Solved by the method of Frank and Wolfe with exact line search.
 *
 * Source: Sener and Koltun, arXiv 1810.04650, equation 3 and algorithm 2.
 *
 * @param options Iterations of the solver; 20 unless told (two are exact for two tasks).
 * @returns The method.
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
export function mgda({ iterations = 20 }: { readonly iterations?: number } = {}): Weighting {
  return {
    name: "mgda",
    needsGradients: true,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("MGDA", inputs);
      const { gram, state } = inputs;
      let weights: Tensor = full([tasks], { value: 1 / tasks });
      for (let iteration = 0; iteration < iterations; iteration++) {
        const slope = matmul(gram, weights);
        const corner = oneHot(argMax(neg(slope)), tasks);
        // Shortest point between the two: minimize |(1 - t) w + t e|^2 over t in [0, 1].
        const step = sub(corner, weights);
        const curvature = dot(step, matmul(gram, step));
        const best = div(neg(dot(slope, step)), maximum(curvature, 1e-24));
        weights = add(weights, mul(step, clip(best, { low: 0, high: 1 })));
      }
      return { weights, state };
    },
  };
}
