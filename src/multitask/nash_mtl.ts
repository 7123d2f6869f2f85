import type { Tensor } from "../ir/tensor.ts";
import {
  add,
  convert,
  div,
  expandDims,
  eye,
  full,
  greater,
  matmul,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  rsqrt,
  sqrt,
  sub,
  sum,
  where,
} from "../tensor/mod.ts";
import { checkpoint } from "../transform/call.ts";
import { solvePositive, unitGram } from "./linear_algebra.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Where the weight of a unit gradient ends: the residual is below 1e-4 up to a third of it. */
const LARGEST = 1000;
/** How hard the end is. */
const POWER = 8;

/** Options of {@linkcode nashMtl}. */
export interface NashMtlOptions {
  /** Steps of Newton's method; 32 unless told, which is enough for 8 tasks in any conflict. */
  readonly iterations?: number;
}

/**
 * Nash-MTL: the bargaining solution, weights `a > 0` with `gram a = 1 / a`; scaling a task's loss
 * does not change its part of the step.
 *
 * Solved as the minimum of the convex function `a' gram a / 2 - sum(log a)` by damped Newton steps
 * in the logarithms. Opposed gradients have no finite solution: the weight of a gradient of length 1
 * ends about 1000, smoothly. A task whose gradient is 0 gets the mean weight of the others.
 *
 * Source: Navon et al., arXiv 2202.01017, claim 3.1 and equation 2; the damping: Boyd and
 * Vandenberghe, "Convex optimization", section 9.6 (the function is self-concordant).
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
export function nashMtl({ iterations = 32 }: NashMtlOptions = {}): Weighting {
  return {
    name: "nash-mtl",
    scale: "free",
    needsGradients: true,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("Nash-MTL", inputs);
      const { cosines, inverse } = unitGram(inputs.gram);
      // The solution for gradients that are all alike to their mean.
      const start = minimum(
        mul(rsqrt(maximum(sum(cosines), 1e-6)), Math.sqrt(tasks)),
        LARGEST / 2,
      );
      let units: Tensor = mul(full([tasks], { value: 1 }), start);
      for (let iteration = 0; iteration < iterations; iteration++) {
        units = newtonStep(units, cosines);
      }
      const weights = mul(units, inverse);
      const present = greater(inverse, 0);
      const count = sum(convert(present, "f32"));
      const typical = where(greater(count, 0), div(sum(weights), maximum(count, 1)), 1);
      return { weights: where(present, weights, typical), state: inputs.state };
    },
  };
}

/**
 * One step to the minimum of `b' C b / 2 - sum(log b) + sum((b / LARGEST)^POWER) / POWER`.
 *
 * The step is taken in `b (1 + t d)`, where the Hessian is at least the identity.
 */
const newtonStep = checkpoint((b: Tensor, cosines: Tensor): Tensor => {
  const end = pow(mul(b, 1 / LARGEST), POWER);
  const slope = add(sub(mul(b, matmul(cosines, b)), 1), end);
  const curvature = add(
    mul(mul(cosines, b), expandDims(b, 1)),
    mul(eye(b.shape[0]!), add(1, mul(end, POWER - 1))),
  );
  const step = neg(solvePositive(curvature, slope));
  // Newton's decrement: full steps near the solution, 1 / (1 + decrement) far from it.
  const squared = maximum(neg(sum(mul(step, slope))), 0);
  const far = greater(squared, 1 / 16);
  const decrement = sqrt(where(far, squared, 1));
  const size = where(far, div(1, add(1, decrement)), 1);
  return mul(b, add(1, mul(step, size)));
});
