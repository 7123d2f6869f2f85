import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { adam } from "../optim/adam.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import {
  div,
  greater,
  maximum,
  mean,
  mul,
  ones,
  onesLike,
  pow,
  sign,
  sub,
  where,
  zeros,
} from "../tensor/mod.ts";
import { unitGram } from "./linear_algebra.ts";
import { tasksOf, type Weighting, type WeightingState } from "./weighting.ts";

/** Options of {@linkcode gradNorm}. */
export interface GradNormOptions {
  /** How strongly slow tasks are favoured; 1.5 unless told. */
  readonly alpha?: number;
  /** Step size of the weights; 0.025 unless told. */
  readonly rate?: number;
  /** Moves the weights; Adam unless told. */
  readonly optimizer?: Optimizer;
}

/** Lowest weight before they are made to add up to the number of tasks. */
const LOWEST = 1e-3;

/**
 * GradNorm: weights move so that all weighted gradients get similar norms, larger ones for tasks
 * whose loss has fallen less.
 *
 * Weights start at 1 and add up to the number of tasks; a step uses the weights that the step
 * before left, and only then they move, against `sign(w |g| - target) |g|`. Adam makes that
 * independent of the scale of the gradients (from 1e-17 to 1e17); with `optimizer: sgd()` a weight
 * moves by `rate * |g|`, so that the rate has to fit the gradients.
 *
 * Bounds that the paper does not need: a weight does not fall below 0.001 of the mean; the progress
 * `loss / initial` of a task whose initial loss is not positive is 1; losses below 0 count as 0.
 *
 * The lengths are those of the gradients of all shared parameters; to save time the paper takes the last
 * shared layer alone.
 *
 * Source: Chen et al., arXiv 1711.02257, equation 2 and algorithm 1; Adam for the weights at the
 * rate 0.025: section 5.
 *
 * @param options Strength, step size and optimizer of the weights.
 * @returns The method, for positive losses; its weights add up to the number of tasks, its state is
 *   `weights`, `initial` (the first losses), `started` and that of the optimizer.
 *
 * @example
 * ```ts
 * import { constant, gradNorm, valuesOf } from "@mutasesumele/toolkit";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const method = gradNorm();
 * const inputs = { losses: constant([1, 1]), gram: constant([[100, 0], [0, 1]]) };
 * const first = method.weigh({ ...inputs, state: method.init(2) });
 * assertEquals(valuesOf(first.weights), [1, 1]);
 * const [large, small] = valuesOf(method.weigh({ ...inputs, state: first.state }).weights);
 * assert(large! < small!);
 * ```
 */
export function gradNorm(options: GradNormOptions = {}): Weighting {
  requireOptions("gradNorm", options, {
    alpha: is.optionalNumber,
    rate: is.optionalNumber,
    optimizer: true,
  });
  const { alpha = 1.5, rate = 0.025 } = options;
  const optimizer = options.optimizer ?? adam({ epsilon: 1e-30 });
  return {
    name: "gradnorm",
    scale: "tasks",
    needsGradients: true,
    needsKey: false,
    init: (tasks) => ({
      ...(optimizer.init(ones([tasks])) as WeightingState),
      weights: ones([tasks]),
      initial: zeros([tasks]),
      started: zeros([]),
    }),
    weigh(inputs) {
      tasksOf("GradNorm", inputs);
      const { losses, gram } = inputs;
      const { weights, initial, started, ...memory } = inputs.state;
      const first = where(greater(started!, 0), initial!, losses);
      const positive = greater(first, 0);
      const progress = where(positive, div(maximum(losses, 0), where(positive, first, 1)), 1);
      const slowness = div(progress, maximum(mean(progress), 1e-30));
      const norms = unitGram(gram).lengths;
      const weighted = mul(weights!, norms);
      const target = mul(mean(weighted), pow(maximum(slowness, 1e-12), alpha));
      // d/dw |w |g| - target|, the target taken for a constant.
      const slope = mul(sign(sub(weighted, target)), norms);
      const moved = optimizer.update(slope, memory, weights!, { rate });
      const bounded = maximum(moved.params, LOWEST);
      return {
        weights: weights!,
        state: {
          ...(moved.state as WeightingState),
          weights: div(bounded, mean(bounded)),
          initial: first,
          started: onesLike(started!),
        },
      };
    },
  };
}
