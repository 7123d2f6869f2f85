import { requireCall } from "../ir/options.ts";
import { div } from "../tensor/mod.ts";
import { positive } from "./positive_losses.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/**
 * Scale-invariant weights: descent on the sum of the logarithms of the losses, weights `1 / loss`.
 *
 * Losses that are not positive count as 1e-30.
 *
 * Source: the baseline "SI" of Navon et al., arXiv 2202.01017, section 5.
 *
 * @returns The method, for positive losses; its weights have no common scale (they make the weighted
 *   losses 1).
 *
 * @example
 * ```ts
 * import { constant, eye, logLosses, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const inputs = { losses: constant([1, 4]), gram: eye(2), state: {} };
 * assertEquals(valuesOf(logLosses().weigh(inputs).weights), [1, 1 / 4]);
 * ```
 */
export function logLosses(): Weighting {
  requireCall("logLosses", arguments);
  return {
    name: "log",
    scale: "free",
    needsGradients: false,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      tasksOf("logarithms", inputs);
      return { weights: div(1, positive(inputs.losses)), state: inputs.state };
    },
  };
}
