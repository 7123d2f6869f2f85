import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import {
  add,
  div,
  exp,
  greater,
  max,
  mul,
  ones,
  onesLike,
  reshape,
  sqrt,
  sub,
  sum,
  where,
  zeros,
} from "../tensor/mod.ts";
import { gradientState, remember, rememberedOf } from "./remembered_gradients.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode excessMtl}. */
export interface ExcessMtlOptions {
  /** Step size of the logarithms of the weights; 0.01 unless told. */
  readonly rate?: number;
}

/**
 * ExcessMTL: weights grow with the excess risk of a task, how far its loss is above what the model
 * can reach, so that a noisy task, whose loss stays high, does not rule.
 *
 * The excess risk is estimated by a step of Newton's method with the diagonal of AdaGrad,
 * `g' diag(sum g^2)^(-1/2) g`, relative to that of the first step.
 *
 * Source: He et al., "Robust multi-task learning with excess risks", arXiv 2402.02009, equation 5 and
 * algorithm 1.
 *
 * @param options Step size.
 * @returns The method; its weights add up to the number of tasks, its state is `weights`, `excess`,
 *   `initial`, `started` and the sums of the squared gradients.
 *
 * @example
 * ```ts
 * import { constant, excessMtl, valuesOf, weighGradients } from "@mutasesumele/toolkit";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const method = excessMtl({ rate: 0.5 });
 * const losses = constant([1, 1]);
 * const at = (x: number) => [constant([x]), constant([1])];
 * const first = weighGradients(method, { losses, grads: at(1), state: method.init(2, at(1).slice(1)) });
 * assertEquals(valuesOf(first.weights), [1, 1]);
 * // The first task is nearly done.
 * const { weights } = weighGradients(method, { losses, grads: at(0.1), state: first.state });
 * assert(valuesOf(weights)[0]! < valuesOf(weights)[1]!);
 * ```
 */
export function excessMtl(options: ExcessMtlOptions = {}): Weighting {
  requireOptions("excessMtl", options, { rate: is.optionalNumber });
  const { rate = 0.01 } = options;
  return {
    name: "excessmtl",
    scale: "tasks",
    needsGradients: false,
    needsKey: false,
    init: (tasks, shared) => ({
      ...gradientState("ExcessMTL", tasks, shared),
      weights: ones([tasks]),
      excess: zeros([tasks]),
      initial: zeros([tasks]),
      started: zeros([]),
    }),
    transform({ grads, losses, state }) {
      const sums = rememberedOf(state, grads.length).map((old, k) =>
        add(old, mul(grads[k]!, grads[k]!))
      );
      const excess = grads
        .map((grad, k) => {
          const known = greater(sums[k]!, 0);
          const each = div(mul(grad, grad), sqrt(where(known, sums[k]!, 1)));
          return sum(reshape(each, [losses.shape[0]!, each.size / losses.shape[0]!]), { axes: 1 });
        })
        .reduce((a, b) => add(a, b));
      return { grads, state: { ...remember(state, sums), excess } };
    },
    weigh(inputs) {
      const tasks = tasksOf("ExcessMTL", inputs);
      const { state } = inputs;
      const { weights: old, excess, started } = state;
      const begun = greater(started!, 0);
      const initial = where(begun, state["initial"]!, excess!);
      const known = greater(initial, 0);
      const risk = where(known, div(excess!, where(known, initial, 1)), 0);
      // The largest exponent is 0, so that nothing overflows.
      const grown = mul(old!, exp(mul(sub(risk, max(risk)), rate)));
      const weights = where(begun, mul(div(grown, sum(grown)), tasks), old!);
      return { weights, state: { ...state, weights, initial, started: onesLike(started!) } };
    },
  };
}
