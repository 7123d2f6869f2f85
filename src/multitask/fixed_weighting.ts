import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { constant } from "../tensor/mod.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/**
 * Fixed weights, such as those that a search found.
 *
 * Tuned fixed weights are hard to beat: Xin et al., arXiv 2209.11379; Kurin et al., arXiv 2201.04122.
 *
 * @param weights One number for each task, in the order of the sorted names.
 * @returns The method; its weights add up to what was given.
 * @throws {TypeError} If it is no array.
 * @throws {RangeError} If there is no weight, one is not finite or negative, or all are 0.
 *
 * @example
 * ```ts
 * import { constant, eye, fixedWeighting, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const inputs = { losses: constant([1, 9]), gram: eye(2), state: {} };
 * assertEquals(valuesOf(fixedWeighting([1, 0.25]).weigh(inputs).weights), [1, 0.25]);
 * ```
 */
export function fixedWeighting(weights: readonly number[]): Weighting {
  requireArguments("fixedWeighting", { weights }, { weights: is.list });
  const fine = weights.every((weight) => Number.isFinite(weight) && weight >= 0);
  if (!fine || !weights.some((weight) => weight > 0)) {
    throw new RangeError(
      `Cannot weigh tasks by the fixed weights [${weights.join(", ")}]: expected finite numbers ` +
        `from 0, at least one of them above 0.`,
    );
  }
  return {
    name: "fixed",
    scale: "free",
    needsGradients: false,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("fixed weights", inputs);
      if (tasks !== weights.length) {
        throw new TypeError(
          `Cannot weigh ${tasks} tasks by ${weights.length} fixed weights: expected one for each.`,
        );
      }
      return { weights: constant(weights), state: inputs.state };
    },
  };
}
