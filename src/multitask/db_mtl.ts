import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { add, div, greater, max, mul, pow, reshape, sub, where, zeros } from "../tensor/mod.ts";
import { typicalWhereAbsent, unitGram } from "./linear_algebra.ts";
import { positive } from "./positive_losses.ts";
import { gradientState, remember, rememberedOf } from "./remembered_gradients.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode dbMtl}. */
export interface DbMtlOptions {
  /** Part of the old gradients in the moving mean, at the first step; 0.9 unless told. */
  readonly decay?: number;
  /** How fast `decay` falls: by `step^-fall`; 0.5 unless told. */
  readonly fall?: number;
}

/**
 * DB-MTL: both balances: losses are made alike by their logarithms, gradients by their lengths: the
 * moving means of the gradients of the logarithms are all made as long as the longest.
 *
 * Losses that are not positive count as 1e-30. The first moving means are the first gradients.
 *
 * Source: Lin et al., "Dual-balancing for multi-task learning", arXiv 2308.12029, algorithm 1.
 *
 * @param options Moving mean.
 * @returns The method, for positive losses; its weights are those of the mean gradients of the
 *   logarithms, at least 1; heads get the gradient of the logarithm of their loss. Its state is
 *   `count` and the mean gradients.
 *
 * @example
 * ```ts
 * import { constant, dbMtl, valuesOf, weighGradients } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const method = dbMtl();
 * const grads = [constant([4, 0]), constant([0, 1])];
 * const state = method.init(2, [constant([0, 0])]);
 * const { grad } = weighGradients(method, { losses: constant([2, 1]), grads, state });
 * // Gradients of the logarithms are (2, 0) and (0, 1).
 * assertAlmostEquals(valuesOf(grad)[0]!, 2);
 * assertAlmostEquals(valuesOf(grad)[1]!, 2);
 * ```
 */
export function dbMtl(options: DbMtlOptions = {}): Weighting {
  requireOptions("dbMtl", options, { decay: is.optionalNumber, fall: true });
  const { decay = 0.9, fall = 0.5 } = options;
  return {
    name: "db-mtl",
    scale: "free",
    needsGradients: true,
    needsKey: false,
    init: (tasks, shared) => ({ ...gradientState("DB-MTL", tasks, shared), count: zeros([]) }),
    transform({ grads, losses, state }) {
      const count = state["count"]!;
      const kept = mul(pow(add(count, 1), -fall), decay);
      const old = rememberedOf(state, grads.length);
      const means = grads.map((grad, k) => {
        const shape = [losses.shape[0]!, ...grad.shape.slice(1).map(() => 1)];
        const fresh = div(grad, reshape(positive(losses), shape));
        return where(greater(count, 0), add(fresh, mul(sub(old[k]!, fresh), kept)), fresh);
      });
      return { grads: means, state: { ...remember(state, means), count: add(count, 1) } };
    },
    weigh(inputs) {
      tasksOf("DB-MTL", inputs);
      const { lengths, inverse } = unitGram(inputs.gram);
      return {
        weights: typicalWhereAbsent(mul(inverse, max(lengths))),
        own: div(1, positive(inputs.losses)),
        state: inputs.state,
      };
    },
  };
}
