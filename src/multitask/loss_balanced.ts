import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import {
  add,
  div,
  equal,
  greaterEqual,
  maximum,
  mul,
  pow,
  sum,
  where,
  zeros,
} from "../tensor/mod.ts";
import { progress } from "./positive_losses.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode lossBalancedWeighting}. */
export interface LossBalancedOptions {
  /** Steps of an epoch, at whose start losses are measured anew; 100 unless told. */
  readonly epoch?: number;
  /** How strongly tasks are favoured whose loss has not fallen; 0.5 unless told. */
  readonly alpha?: number;
}

/**
 * LBTW: weights `(loss / loss at the start of the epoch)^alpha`, so that tasks that have learned
 * already do not overrun the others.
 *
 * The weights are constants for the gradient and rescaled to add up to the number of tasks; a loss
 * that was not positive at the start of the epoch counts as unchanged.
 *
 * Source: Liu, Liang and Gitter, "Loss-Balanced Task Weighting to Reduce Negative Transfer in
 * Multi-Task Learning", AAAI 2019 (doi 10.1609/aaai.v33i01.33019977), algorithm 1.
 *
 * @param options Steps of an epoch and exponent.
 * @returns The method; its weights add up to the number of tasks, its state is `initial` (losses at
 *   the start of the epoch) and `count`.
 *
 * @example
 * ```ts
 * import { constant, eye, lossBalancedWeighting, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const method = lossBalancedWeighting();
 * const first = method.weigh({ losses: constant([4, 1]), gram: eye(2), state: method.init(2) });
 * assertEquals(valuesOf(first.weights), [1, 1]);
 * const inputs = { losses: constant([1, 1]), gram: eye(2), state: first.state };
 * // 1/2 and 1, rescaled.
 * assertAlmostEquals(valuesOf(method.weigh(inputs).weights)[0]!, 2 / 3);
 * ```
 */
export function lossBalancedWeighting(
  options: LossBalancedOptions = {},
): Weighting {
  requireOptions("lossBalancedWeighting", options, {
    epoch: is.optionalNumber,
    alpha: is.optionalNumber,
  });
  const { epoch = 100, alpha = 0.5 } = options;
  return {
    name: "lbtw",
    scale: "tasks",
    needsGradients: false,
    needsKey: false,
    init: (tasks) => ({ initial: zeros([tasks]), count: zeros([]) }),
    weigh(inputs) {
      const tasks = tasksOf("LBTW", inputs);
      const { losses, state } = inputs;
      const initial = where(equal(state["count"]!, 0), losses, state["initial"]!);
      const raw = pow(maximum(progress(losses, initial), 1e-12), alpha);
      const count = add(state["count"]!, 1);
      return {
        weights: mul(div(raw, sum(raw)), tasks),
        state: { initial, count: where(greaterEqual(count, epoch), 0, count) },
      };
    },
  };
}
