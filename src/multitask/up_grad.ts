import { requireCall } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import {
  abs,
  add,
  argMax,
  broadcastTo,
  div,
  expandDims,
  isNan,
  matmul,
  maximum,
  min,
  minimum,
  mul,
  neg,
  reshape,
  sub,
  sum,
  takeAlong,
  transpose,
  where,
} from "../tensor/mod.ts";
import { demandFew, solveOnFaces, subsets } from "./active_sets.ts";
import { unitGram } from "./linear_algebra.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/**
 * UPGrad: every gradient is projected onto the directions that oppose no task (the dual cone of all
 * gradients), and the projections are averaged. The step opposes no task, is linear in the scale of
 * each gradient, and is the mean gradient where none conflict.
 *
 * The projection of `g_i` is the combination with coefficients `v >= e_i` of least length, solved
 * exactly: every set of coefficients that may be larger is tried, and the one that fulfils the
 * conditions of the optimum best is taken.
 *
 * Source: Quinton and Rey, "Jacobian descent for multi-objective optimization", arXiv 2406.16232,
 * equation 4 and proposition 1.
 *
 * @returns The method, for 1 to 10 tasks. Without conflict its weights are `1/K`, with conflict they
 *   are larger.
 *
 * @example
 * ```ts
 * import { constant, upGrad, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const gram = constant([[1, -1], [-1, 4]]);
 * const [a, b] = valuesOf(upGrad().weigh({ losses: constant([1, 1]), gram, state: {} }).weights);
 * // Of two tasks, PCGrad's weights.
 * assertAlmostEquals(a!, 2 / 2);
 * assertAlmostEquals(b!, 1.25 / 2);
 * ```
 */
export function upGrad(): Weighting {
  requireCall("upGrad", arguments);
  return {
    name: "upgrad",
    scale: "free",
    own: "plain",
    needsGradients: true,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("UPGrad", inputs);
      demandFew("UPGrad", tasks);
      const { cosines, lengths, inverse } = unitGram(inputs.gram);
      // Row i: what is added to the unit gradient i, in terms of all unit gradients.
      const added = matmul(lengths, additions(cosines));
      return { weights: mul(add(1, mul(added, inverse)), 1 / tasks), state: inputs.state };
    },
  };
}

/** For each unit gradient (row) the `t >= 0` with `C (e + t) >= 0` and `t' C (e + t) = 0`. */
function additions(cosines: Tensor): Tensor {
  const tasks = cosines.shape[0]!;
  const faces = subsets(tasks, { empty: true });
  // Where t may be positive, C (e + t) = 0.
  const t = solveOnFaces(faces, cosines, neg(cosines));
  const products = add(matmul(expandDims(cosines, 0), t), cosines);
  // Products of unit vectors with a vector no longer than 1: their errors count as they are, whatever t is. On faces
  // of gradients that depend on each other rounding makes numbers of any size, of which nothing is 0.
  const size = add(sum(abs(t), { axes: 1, keepAxes: true }), 1);
  const open = mul(products, sub(1, expandDims(faces, 2)));
  const closed = mul(products, expandDims(faces, 2));
  const conditions = minimum(minimum(div(t, size), open), neg(abs(closed)));
  const worst = min(conditions, { axes: 1 });
  const best = reshape(argMax(where(isNan(worst), -Infinity, worst), { axes: 0 }), [1, 1, tasks]);
  const found = takeAlong(t, broadcastTo(best, [1, tasks, tasks]));
  return maximum(transpose(reshape(found, [tasks, tasks])), 0);
}
