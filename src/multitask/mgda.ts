import type { Tensor } from "../ir/tensor.ts";
import {
  abs,
  add,
  argMax,
  convert,
  div,
  expandDims,
  eye,
  greater,
  matmul,
  max,
  maximum,
  min,
  minimum,
  mul,
  reshape,
  sub,
  sum,
  takeRows,
  where,
} from "../tensor/mod.ts";
import { MOST_ENUMERATED, solvePositive, subsets, unitGram } from "./linear_algebra.ts";
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
 * Source: Sener and Koltun, arXiv 1810.04650, equation 3; the conditions and the trick of adding
 * ones to a singular matrix: Wolfe, "Finding the nearest point in a polytope", 1976.
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
  return {
    name: "mgda",
    scale: "one",
    needsGradients: true,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("MGDA", inputs);
      if (tasks > MOST_ENUMERATED) {
        throw new RangeError(
          `Cannot weigh ${tasks} tasks by MGDA: all of their subsets are tried, expected at most ` +
            `${MOST_ENUMERATED} tasks. Join some, or use a method such as nashMtl().`,
        );
      }
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

/**
 * Weights of the shortest convex combination of vectors `u_i / z_i`.
 *
 * With `v_i` the coefficient of the unit vector `u_i`: minimize `v' C v`, where `z' v = 1`, `v >= 0`.
 *
 * @param cosines `C`, inner products of the unit vectors `u`.
 * @param z One over the lengths, the largest of them 1.
 */
function shortestPoint(cosines: Tensor, z: Tensor): Tensor {
  const tasks = z.shape[0]!;
  const faces = subsets(tasks);
  // On a face C v = lambda z. So does (C + z z') v, which is regular even where the combination
  // is 0; the shortest vector of the face counts as 1, or the lengths would drown the angles.
  const onFace = mul(faces, z);
  const right = div(onFace, max(onFace, { axes: 1, keepAxes: true }));
  const column = expandDims(faces, 2);
  const within = mul(column, expandDims(faces, 1));
  const shifted = add(cosines, mul(expandDims(right, 2), expandDims(right, 1)));
  const apart = mul(sub(1, column), eye(tasks));
  const solved = solvePositive(add(mul(within, shifted), apart), right);
  const total = sum(abs(solved), { axes: 1, keepAxes: true });
  const v = div(solved, maximum(total, 1e-30));
  // How far the worst condition is from being fulfilled: v >= 0 and C v >= lambda z. Equality on
  // the face follows, as v' (C v - lambda z) = 0.
  const slopes = matmul(v, cosines);
  const along = maximum(sum(mul(v, z), { axes: 1, keepAxes: true }), 1e-30);
  const lambda = div(sum(mul(v, slopes), { axes: 1, keepAxes: true }), along);
  const best = argMax(min(minimum(v, sub(slopes, mul(lambda, z))), { axes: 1 }));
  const weights = mul(maximum(reshape(takeRows(v, best), [tasks]), 0), z);
  return div(weights, sum(weights));
}
