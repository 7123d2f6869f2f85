import { requireCall } from "../ir/options.ts";
import { full } from "../tensor/mod.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/**
 * Equal weights `1 / tasks`.
 *
 * @returns The method; its weights add up to 1.
 *
 * @example
 * ```ts
 * import { constant, equalWeighting, eye, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const method = equalWeighting();
 * const inputs = { losses: constant([1, 9]), gram: eye(2), state: method.init(2) };
 * assertEquals(valuesOf(method.weigh(inputs).weights), [0.5, 0.5]);
 * ```
 */
export function equalWeighting(): Weighting {
  requireCall("equalWeighting", arguments);
  return {
    name: "equal",
    scale: "one",
    needsGradients: false,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("equal weights", inputs);
      return { weights: full([tasks], { value: 1 / tasks }), state: inputs.state };
    },
  };
}
