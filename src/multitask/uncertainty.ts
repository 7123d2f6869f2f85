import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { sgd } from "../optim/sgd.ts";
import { clip, exp, mul, neg, sub, zeros } from "../tensor/mod.ts";
import { tasksOf, type Weighting, type WeightingState } from "./weighting.ts";

/** Options of {@linkcode uncertaintyWeighting}. */
export interface UncertaintyOptions {
  /** Step size of the logarithms of the variances; 0.025 unless told. */
  readonly rate?: number;
  /** Moves the logarithms of the variances; gradient descent unless told. */
  readonly optimizer?: Optimizer;
}

/** Largest logarithm of a variance: losses from 1e-17 to 1e17. */
const LARGEST = 40;

/**
 * Weights by the tasks' uncertainty: `1 / (2 s^2)`, where the logarithm of the variance `s^2`
 * descends on `loss / (2 s^2) + log s`.
 *
 * At rest the variance of a task is its loss, so a weight is `1 / (2 loss)`. A loss that is not
 * positive has no such rest; the logarithm ends at -40, the weight at 1.2e17.
 *
 * Source: Kendall et al., arXiv 1705.07115, equation 7.
 *
 * @param options Step size and optimizer of the logarithms of the variances.
 * @returns The method; its weights have no common scale (they make the weighted losses 1/2), its
 *   state is `logVariance` and that of the optimizer.
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
export function uncertaintyWeighting(options: UncertaintyOptions = {}): Weighting {
  requireOptions("uncertaintyWeighting", options, { rate: is.optionalNumber, optimizer: true });
  const { rate = 0.025, optimizer = sgd() } = options;
  return {
    name: "uncertainty",
    scale: "free",
    needsGradients: false,
    needsKey: false,
    init: (tasks) => ({
      ...(optimizer.init(zeros([tasks])) as WeightingState),
      logVariance: zeros([tasks]),
    }),
    weigh(inputs) {
      tasksOf("uncertainty", inputs);
      const { logVariance, ...memory } = inputs.state;
      const weights = mul(exp(neg(logVariance!)), 0.5);
      // d/dv [loss e^-v / 2 + v / 2] = 1/2 - weight * loss
      const slope: Tensor = sub(0.5, mul(weights, inputs.losses));
      const moved = optimizer.update(slope, memory, logVariance!, { rate });
      return {
        weights,
        state: {
          ...(moved.state as WeightingState),
          logVariance: clip(moved.params, { low: -LARGEST, high: LARGEST }),
        },
      };
    },
  };
}
