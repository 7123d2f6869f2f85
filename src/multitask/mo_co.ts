import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { add, eye, full, greater, matmul, mul, pow, sub, where, zeros } from "../tensor/mod.ts";
import { projectToSimplex, relativeGram } from "./linear_algebra.ts";
import { gradientState, remember, rememberedOf } from "./remembered_gradients.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode moCo}. */
export interface MoCoOptions {
  /** Part of the newest gradients in the tracked ones, at the first step; 0.5 unless told. */
  readonly part?: number;
  /** Step size of the weights at the first step; 0.1 unless told. */
  readonly rate?: number;
  /** Pull of the weights to 0 before they are projected; 0 unless told. */
  readonly decay?: number;
  /** How fast `part` and `rate` fall: by `step^-fall`; 0.5 unless told. */
  readonly fall?: number;
  /** Whether products are taken in units of the mean squared length (unless told) or as they are. */
  readonly relative?: boolean;
}

/**
 * MoCo: multi-gradient descent without the bias of noise. Gradients are tracked by a moving mean, and
 * the weights follow the shortest combination of the tracked gradients by projected gradient steps.
 *
 * As published the step size of the weights has to fit the squared lengths of the gradients;
 * `relative: false` does that. The first tracked gradients are the first gradients themselves.
 *
 * Source: Fernando et al., arXiv 2210.12624, algorithm 1 and equations 6 and 7.
 *
 * @param options Step sizes.
 * @returns The method; its weights are those of the tracked gradients and add up to 1, its state is
 *   `lambda`, `count` and the tracked gradients.
 *
 * @example
 * ```ts
 * import { constant, moCo, valuesOf, weighGradients } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const method = moCo();
 * const grads = [constant([1, 0]), constant([0, 3])];
 * const state = method.init(2, [constant([0, 0])]);
 * const { weights } = weighGradients(method, { losses: constant([1, 1]), grads, state });
 * assert(valuesOf(weights)[0]! > 0.5);
 * ```
 */
export function moCo(options: MoCoOptions = {}): Weighting {
  requireOptions("moCo", options, {
    part: is.optionalNumber,
    rate: is.optionalNumber,
    decay: is.optionalNumber,
    fall: true,
    relative: true,
  });
  const { part = 0.5, rate = 0.1, decay = 0, fall = 0.5, relative = true } = options;
  return {
    name: "moco",
    scale: "one",
    own: "plain",
    needsGradients: true,
    needsKey: false,
    init: (tasks, shared) => ({
      ...gradientState("MoCo", tasks, shared),
      lambda: full([tasks], { value: 1 / tasks }),
      count: zeros([]),
    }),
    transform({ grads, state }) {
      const started = greater(state["count"]!, 0);
      const newest = mul(pow(add(state["count"]!, 1), -fall), part);
      const old = rememberedOf(state, grads.length);
      const tracked = grads.map((grad, k) =>
        where(started, add(old[k]!, mul(sub(grad, old[k]!), newest)), grad)
      );
      return { grads: tracked, state: remember(state, tracked) };
    },
    weigh(inputs) {
      const tasks = tasksOf("MoCo", inputs);
      const { gram, state } = inputs;
      const count = add(state["count"]!, 1);
      const scaled = relative ? relativeGram(gram) : gram;
      const slope = matmul(add(scaled, mul(eye(tasks), decay)), state["lambda"]!);
      const size = mul(pow(count, -fall), rate);
      const lambda = projectToSimplex(sub(state["lambda"]!, mul(slope, size)));
      return { weights: lambda, state: { ...state, lambda, count } };
    },
  };
}
