import type { Tensor } from "../ir/tensor.ts";
import { add, exp, mul, neg, sub, zeros } from "../tensor/mod.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/**
 * Weights by the tasks' uncertainty: `1 / (2 s^2)`, where the logarithm of the variance `s^2`
 * descends on `loss / (2 s^2) + log s`.
 *
 * At rest the variance of a task is its loss, so a weight is `1 / (2 loss)`.
 *
 * Source: Kendall et al., arXiv 1705.07115, equation 7.
 *
 * @param options Step size of the logarithms of the variances; 0.025 unless told.
 * @returns The method; its state is `logVariance`.
 *
 * @example
 * ```ts
 * import { constant, eye, uncertaintyWeighting, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const method = uncertaintyWeighting();
 * const inputs = { losses: constant([1, 9]), gram: eye(2), state: method.init(2) };
 * assertEquals(valuesOf(method.weigh(inputs).weights), [0.5, 0.5]);
 * ```
 */
export function uncertaintyWeighting({ rate = 0.025 }: { readonly rate?: number } = {}): Weighting {
  return {
    name: "uncertainty",
    needsGradients: false,
    needsKey: false,
    init: (tasks) => ({ logVariance: zeros([tasks]) }),
    weigh(inputs) {
      tasksOf("uncertainty", inputs);
      const logVariance: Tensor = inputs.state["logVariance"]!;
      const weights = mul(exp(neg(logVariance)), 0.5);
      // d/dv [loss e^-v / 2 + v / 2] = 1/2 - weight * loss
      const slope = sub(0.5, mul(weights, inputs.losses));
      return { weights, state: { logVariance: add(logVariance, mul(slope, -rate)) } };
    },
  };
}
