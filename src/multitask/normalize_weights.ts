import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { abs, div, dot, greater, matmul, maximum, mul, sum, where } from "../tensor/mod.ts";
import { rootOf, unitGram } from "./linear_algebra.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode normalizeWeights}. */
export interface NormalizeWeightsOptions {
  /**
   * `"one"`: the weights' magnitudes add up to 1; `"tasks"`: to the number of tasks; `"length"`: the
   * combined gradient is as long as the mean of all gradients.
   */
  readonly to: "one" | "tasks" | "length";
}

/** A combination shorter than this part of what it is made of counts as if it were so long. */
const SHORTEST = 1e-3;

/**
 * A method with its weights on a common scale, so that methods can be compared at one learning rate.
 *
 * With `"one"` and `"tasks"` methods still differ in how long a step is where gradients conflict;
 * with `"length"` only the direction is the method's, except where the gradients cancel: a combined
 * gradient below 1/1000 of its parts is noise and is not blown up further. Heads that learn from their
 * own losses ({@linkcode Weighting.own}) go on doing so.
 *
 * @param method Any method.
 * @param options The common scale.
 * @returns The same method with scaled weights; with `"length"` it needs gradients.
 *
 * @example
 * ```ts
 * import { constant, nashMtl, normalizeWeights, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const method = normalizeWeights(nashMtl(), { to: "one" });
 * const gram = constant([[4, 0], [0, 1]]);
 * const { weights } = method.weigh({ losses: constant([1, 1]), gram, state: {} });
 * assertAlmostEquals(valuesOf(weights)[0]!, 1 / 3);
 * ```
 */
export function normalizeWeights(
  method: Weighting,
  options: NormalizeWeightsOptions,
): Weighting {
  requireArguments("normalizeWeights", { method }, { method: is.weighting });
  requireOptions("normalizeWeights", options, { to: true });
  const { to } = options;
  return {
    ...method,
    scale: to === "length" ? "free" : to,
    needsGradients: method.needsGradients || to === "length",
    weigh(inputs) {
      const tasks = tasksOf(method.name, inputs);
      const { weights, own, state } = method.weigh(inputs);
      const one = div(1, positive(sum(abs(weights))));
      const factor = to === "one"
        ? one
        : to === "tasks"
        ? mul(one, tasks)
        : mul(one, lengthOf(inputs.gram, mul(weights, one)));
      return { weights: mul(weights, factor), ...(own && { own: mul(own, factor) }), state };
    },
  };
}

/** What makes a combined gradient as long as the mean of all. */
function lengthOf(gram: Tensor, shares: Tensor): Tensor {
  const { cosines, lengths } = unitGram(gram);
  // In units of the sum of all lengths.
  const even = div(lengths, positive(sum(lengths)));
  const parts = mul(shares, even);
  const combined = rootOf(dot(parts, matmul(cosines, parts)));
  const wanted = div(rootOf(dot(even, matmul(cosines, even))), shares.shape[0]!);
  return div(wanted, positive(maximum(combined, mul(sum(abs(parts)), SHORTEST))));
}

/** `x`, or 1 where it is 0. */
function positive(x: Tensor): Tensor {
  return where(greater(x, 0), x, 1);
}
