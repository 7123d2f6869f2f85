import { requireCall } from "../ir/options.ts";
import { div, exp, log, mean, mul } from "../tensor/mod.ts";
import { positive } from "./positive_losses.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/**
 * GLS: descent on the geometric mean of the losses, `prod(loss)^(1/K)`, of which the weights are
 * the derivatives: the mean over `K` times the loss.
 *
 * Losses that are not positive count as 1e-30.
 *
 * Source: Chennupati et al., arXiv 1904.08492, equation 4.
 *
 * @returns The method, for positive losses; its weights have the scale of a loss over a loss: they
 *   are `1/K` where the losses are alike.
 *
 * @example
 * ```ts
 * import { constant, eye, geometricLoss, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const inputs = { losses: constant([1, 4]), gram: eye(2), state: {} };
 * const [a, b] = valuesOf(geometricLoss().weigh(inputs).weights);
 * assertAlmostEquals(a!, 1);
 * assertAlmostEquals(b!, 1 / 4);
 * ```
 */
export function geometricLoss(): Weighting {
  requireCall("geometricLoss", arguments);
  return {
    name: "gls",
    scale: "free",
    needsGradients: false,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("GLS", inputs);
      const losses = positive(inputs.losses);
      const geometric = exp(mean(log(losses)));
      return { weights: div(geometric, mul(losses, tasks)), state: inputs.state };
    },
  };
}
