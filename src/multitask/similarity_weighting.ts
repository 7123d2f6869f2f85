import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { maximum, slice } from "../tensor/mod.ts";
import { unitGram } from "./linear_algebra.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode similarityWeighting}. */
export interface SimilarityOptions {
  /** Place of the wanted task among the sorted names; 0 unless told. */
  readonly wanted?: number;
}

/**
 * Weights by the cosine of each task's gradient with that of the wanted task, 0 where it is
 * negative: auxiliary tasks count while they serve the wanted one, and the step does not raise its
 * loss.
 *
 * Source: Du et al., arXiv 1812.02224, equation 4 ("weighted").
 *
 * @param options Which task is wanted; its own weight is 1.
 * @returns The method; its weights are from 0 to 1.
 *
 * @example
 * ```ts
 * import { constant, similarityWeighting, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const gram = constant([[1, 1, -1], [1, 4, 0], [-1, 0, 1]]);
 * const { weights } = similarityWeighting().weigh({ losses: constant([1, 1, 1]), gram, state: {} });
 * assertEquals(valuesOf(weights), [1, 0.5, 0]);
 * ```
 */
export function similarityWeighting(options: SimilarityOptions = {}): Weighting {
  requireOptions("similarityWeighting", options, { wanted: is.optionalNumber });
  const { wanted = 0 } = options;
  return {
    name: "similarity",
    scale: "free",
    own: "plain",
    needsGradients: true,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("similarity", inputs);
      if (!Number.isInteger(wanted) || wanted < 0 || wanted >= tasks) {
        throw new RangeError(
          `Cannot weigh ${tasks} tasks by their similarity to task ${wanted}: expected a whole ` +
            `number from 0 below ${tasks}.`,
        );
      }
      const { cosines } = unitGram(inputs.gram);
      return { weights: maximum(slice(cosines, [wanted]), 0), state: inputs.state };
    },
  };
}
