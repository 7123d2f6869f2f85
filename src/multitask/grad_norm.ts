import type { Tensor } from "../ir/tensor.ts";
import { diagonal } from "./linear_algebra.ts";
import {
  div,
  greater,
  maximum,
  mean,
  mul,
  ones,
  pow,
  sign,
  sqrt,
  sub,
  where,
  zeros,
} from "../tensor/mod.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode gradNorm}. */
export interface GradNormOptions {
  /** How strongly slow tasks are favoured; 1.5 unless told. */
  readonly alpha?: number;
  /** Step size of the weights; 0.025 unless told. */
  readonly rate?: number;
}

/**
 * GradNorm: weights move so that all weighted gradients get similar norms, larger ones for tasks
 * whose loss has fallen less.
 *
 * Weights start at 1 and add up to the number of tasks.
 *
 * Source: Chen et al., arXiv 1711.02257, equation 2 and algorithm 1.
 *
 * @param options Strength and step size.
 * @returns The method; its state is `weights`, `initial` (the first losses).
 *
 * @example
 * ```ts
 * import { constant, gradNorm, valuesOf } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const method = gradNorm();
 * const gram = constant([[100, 0], [0, 1]]);
 * const inputs = { losses: constant([1, 1]), gram, state: method.init(2) };
 * const [large, small] = valuesOf(method.weigh(inputs).weights);
 * assert(large! < small!);
 * ```
 */
export function gradNorm({ alpha = 1.5, rate = 0.025 }: GradNormOptions = {}): Weighting {
  return {
    name: "gradnorm",
    needsGradients: true,
    needsKey: false,
    init: (tasks) => ({ weights: ones([tasks]), initial: zeros([tasks]) }),
    weigh(inputs) {
      tasksOf("GradNorm", inputs);
      const { losses, gram, state } = inputs;
      const old: Tensor = state["weights"]!;
      const initial = where(greater(state["initial"]!, 0), state["initial"]!, losses);
      const norms = sqrt(diagonal(gram));
      const weighted = mul(old, norms);
      const progress = div(losses, maximum(initial, 1e-12));
      const slowness = div(progress, maximum(mean(progress), 1e-12));
      const target = mul(mean(weighted), pow(maximum(slowness, 1e-12), alpha));
      // d/dw |w |g| - target| = sign(w |g| - target) |g|, in units of the mean norm.
      const unit = div(norms, maximum(mean(norms), 1e-12));
      const moved = sub(old, mul(mul(sign(sub(weighted, target)), unit), rate));
      const bounded = maximum(moved, 1e-3);
      const weights = div(bounded, mean(bounded));
      return { weights, state: { weights, initial } };
    },
  };
}
