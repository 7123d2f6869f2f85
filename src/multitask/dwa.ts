import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { add, div, greaterEqual, mul, softmax, where, zeros } from "../tensor/mod.ts";
import { progress } from "./positive_losses.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode dwa}. */
export interface DwaOptions {
  /** Steps of an epoch, over which losses are averaged; 100 unless told. */
  readonly epoch?: number;
  /** Temperature of the softmax: the larger, the more even; 2 unless told. */
  readonly temperature?: number;
}

/**
 * DWA: weights by how slowly a loss falls, from the mean losses of the last two epochs:
 * `K softmax(r / T)`, `r` the last mean over the one before.
 *
 * In the first two epochs all weights are 1. A mean loss that is not positive has the quotient 1.
 *
 * Source: Liu et al., arXiv 1803.10704, equation 7.
 *
 * @param options Steps of an epoch and temperature.
 * @returns The method; its weights add up to the number of tasks, its state is `total` and `count`
 *   of this epoch, `last` and `before` (mean losses of the last two).
 *
 * @example
 * ```ts
 * import { constant, dwa, eye, valuesOf } from "@mutasesumele/toolkit";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const method = dwa({ epoch: 1 });
 * let state = method.init(2);
 * let weights: number[] = [];
 * for (const losses of [[1, 1], [1, 0.5], [1, 0.4]]) {
 *   const result = method.weigh({ losses: constant(losses), gram: eye(2), state });
 *   if (weights.length === 0) assertEquals(valuesOf(result.weights), [1, 1]);
 *   [weights, state] = [valuesOf(result.weights), result.state];
 * }
 * assert(weights[0]! > weights[1]!);
 * ```
 */
export function dwa(options: DwaOptions = {}): Weighting {
  requireOptions("dwa", options, { epoch: is.optionalNumber, temperature: is.optionalNumber });
  const { epoch = 100, temperature = 2 } = options;
  return {
    name: "dwa",
    scale: "tasks",
    needsGradients: false,
    needsKey: false,
    init: (tasks) => ({
      total: zeros([tasks]),
      count: zeros([]),
      last: zeros([tasks]),
      before: zeros([tasks]),
    }),
    weigh(inputs) {
      const tasks = tasksOf("DWA", inputs);
      const { total, count, last, before } = inputs.state;
      const rates = progress(last!, before!);
      const sums = add(total!, inputs.losses);
      const steps = add(count!, 1);
      const ends = greaterEqual(steps, epoch);
      return {
        weights: mul(softmax(div(rates, temperature)), tasks),
        state: {
          total: where(ends, 0, sums),
          count: where(ends, 0, steps),
          last: where(ends, div(sums, steps), last!),
          before: where(ends, last!, before!),
        },
      };
    },
  };
}
