import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { add, eye, full, matmul, mul, sub } from "../tensor/mod.ts";
import { projectToSimplex, relativeGram } from "./linear_algebra.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode moDo}. */
export interface MoDoOptions {
  /** Step size of the weights; 0.1 unless told. */
  readonly rate?: number;
  /** Pull of the weights to 0 before they are projected; 0.1 unless told. */
  readonly decay?: number;
  /** Whether products are taken in units of the mean squared length (unless told) or as they are. */
  readonly relative?: boolean;
}

/**
 * MoDo: multi-gradient descent with double sampling: the weights take a projected gradient step to
 * the shortest combination, whose products of gradients are those of two independent samples, so
 * that their noise does not count.
 *
 * As published the step size has to fit the squared lengths of the gradients; `relative: false` does
 * that. The paper takes a third sample for the step itself, here both are used once more.
 *
 * Source: Chen et al., arXiv 2305.20057, algorithm 1.
 *
 * @param options Step sizes.
 * @returns The method, which wants two samples; its weights add up to 1, its state is `lambda`.
 *
 * @example
 * ```ts
 * import { constant, moDo, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const method = moDo({ rate: 0.1, decay: 0 });
 * const gram = constant([[1, 0], [0, 3]]);
 * const { weights } = method.weigh({ losses: constant([1, 1]), gram, state: method.init(2) });
 * // (1, 3) / 2 by the mean of 2, times 1/2 and 0.1 is (0.025, 0.075): half of the difference each.
 * assertAlmostEquals(valuesOf(weights)[0]!, 0.525);
 * ```
 */
export function moDo(options: MoDoOptions = {}): Weighting {
  requireOptions("moDo", options, {
    rate: is.optionalNumber,
    decay: is.optionalNumber,
    relative: true,
  });
  const { rate = 0.1, decay = 0.1, relative = true } = options;
  return {
    name: "modo",
    scale: "one",
    own: "plain",
    needsGradients: true,
    needsKey: false,
    doubleSampled: true,
    init: (tasks) => ({ lambda: full([tasks], { value: 1 / tasks }) }),
    weigh(inputs) {
      const tasks = tasksOf("MoDo", inputs);
      const { gram, independent = gram, state } = inputs;
      const products = relative ? relativeGram(independent, gram) : independent;
      const slope = matmul(add(products, mul(eye(tasks), decay)), state["lambda"]!);
      const lambda = projectToSimplex(sub(state["lambda"]!, mul(slope, rate)));
      return { weights: lambda, state: { lambda } };
    },
  };
}
