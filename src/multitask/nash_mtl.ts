import {
  add,
  div,
  dot,
  expandDims,
  eye,
  less,
  maximum,
  mul,
  ones,
  rsqrt,
  slice,
  sqrt,
  sub,
  where,
} from "../tensor/mod.ts";
import { diagonal } from "./linear_algebra.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/**
 * Nash-MTL: the bargaining solution, weights `a > 0` with `gram a = 1 / a`; scaling a task's loss
 * does not change its part of the step.
 *
 * Solved as the minimum of the convex function `a' gram a / 2 - sum(log a)`, one weight after the
 * other, each exactly.
 *
 * Source: Navon et al., arXiv 2202.01017, claim 3.1 and equation 2.
 *
 * @param options Passes of the solver over all weights; 20 unless told.
 * @returns The method.
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
export function nashMtl({ passes = 20 }: { readonly passes?: number } = {}): Weighting {
  return {
    name: "nash-mtl",
    needsGradients: true,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("Nash-MTL", inputs);
      // With gradients of length 1 all numbers are of order 1; lengths are divided out at the end.
      const scale = rsqrt(maximum(diagonal(inputs.gram), 1e-24));
      const cosines = mul(mul(inputs.gram, scale), expandDims(scale, 1));
      const rows = Array.from({ length: tasks }, (_, task) => slice(cosines, [task]));
      const units = Array.from({ length: tasks }, (_, task) => slice(eye(tasks), [task]));
      let weights = ones([tasks]);
      for (let pass = 0; pass < passes; pass++) {
        rows.forEach((row, task) => {
          const own = slice(weights, [task]);
          // a^2 + b a - 1 = 0, where b comes from the other tasks.
          const b = sub(dot(row, weights), own);
          const root = sqrt(add(mul(b, b), 4));
          const best = where(less(b, 0), mul(sub(root, b), 0.5), div(2, add(root, b)));
          weights = add(weights, mul(units[task]!, sub(best, own)));
        });
      }
      return { weights: mul(weights, scale), state: inputs.state };
    },
  };
}
