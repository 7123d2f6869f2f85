import { requireCall } from "../ir/options.ts";
import { normal } from "../random/mod.ts";
import { softmax } from "../tensor/mod.ts";
import { keyOf, tasksOf, type Weighting } from "./weighting.ts";

/**
 * RLW: other random weights in every step, the softmax of normal numbers. A litmus test: methods
 * that are no better than it weigh by chance.
 *
 * Source: Lin et al., arXiv 2111.10603, section 3.2.
 *
 * @returns The method; it needs a random key, its weights add up to 1.
 *
 * @example
 * ```ts
 * import { constant, eye, randomKey, randomWeighting, sum, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const inputs = { losses: constant([1, 9]), gram: eye(2), state: {}, key: randomKey(0) };
 * assertAlmostEquals(valuesOf(sum(randomWeighting().weigh(inputs).weights))[0]!, 1);
 * ```
 */
export function randomWeighting(): Weighting {
  requireCall("randomWeighting", arguments);
  return {
    name: "random",
    scale: "one",
    needsGradients: false,
    needsKey: true,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("random weights", inputs);
      const weights = softmax(normal(keyOf("random weights", inputs), [tasks]));
      return { weights, state: inputs.state };
    },
  };
}
