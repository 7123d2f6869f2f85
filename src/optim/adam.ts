import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { add, div, mul, sub, zeros, zerosLike } from "../tensor/mod.ts";
import { checked, descend, mapLeaves, type Optimizer } from "./optimizer.ts";
import { safeSqrt } from "./safe_sqrt.ts";
import { plainStep } from "./sgd.ts";

/** Options of {@linkcode adam}. */
export interface AdamOptions {
  /** How much of the mean gradient stays; 0.9 unless told. */
  readonly decay1?: number;
  /** How much of the mean squared gradient stays; 0.999 unless told. */
  readonly decay2?: number;
  /** Added to the root of the mean squared gradient; 1e-8 unless told. */
  readonly epsilon?: number;
}

/**
 * Adam: steps along the mean gradient, divided by the root of the mean squared gradient.
 *
 * Means are exponential and corrected for their start. The correction `1 - decay^t` is kept as the
 * same exponential mean of ones, which loses no digits in `f32`.
 *
 * Source: Kingma and Ba, arXiv 1412.6980, algorithm 1.
 *
 * @param options The decays and epsilon.
 * @returns The optimizer; its state is `first`, `second`, `weight1`, `weight2`.
 *
 * @example
 * ```ts
 * import { adam, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const [params, grads] = [{ w: constant([1]) }, { w: constant([-20]) }];
 * const { params: next } = adam().update(grads, adam().init(params), params, { rate: 0.1 });
 * assertAlmostEquals(valuesOf(next.w)[0]!, 1.1, 1e-6);
 * ```
 */
export function adam(options: AdamOptions = {}): Optimizer {
  requireOptions("adam", options, {
    decay1: is.optional(is.share),
    decay2: is.optional(is.share),
    epsilon: is.optional(is.number),
  });
  const { decay1 = 0.9, decay2 = 0.999, epsilon = 1e-8 } = options;
  return checked(["first", "second", "weight1", "weight2"], {
    init(params) {
      const none = mapLeaves((param) => [zerosLike(param)], [params])[0];
      return { first: none, second: none, weight1: zeros([]), weight2: zeros([]) };
    },
    update(grads, state, params, { rate }) {
      const weight1 = add(mul(state["weight1"] as Tensor, decay1), 1 - decay1);
      const weight2 = add(mul(state["weight2"] as Tensor, decay2), 1 - decay2);
      const [first, second, direction] = mapLeaves(
        (grad, oldFirst, oldSecond) => {
          const mean = add(mul(oldFirst, decay1), mul(grad, 1 - decay1));
          const square = add(mul(oldSecond, decay2), mul(mul(grad, grad), 1 - decay2));
          const root = safeSqrt(div(square, weight2));
          return [mean, square, div(div(mean, weight1), add(root, epsilon))];
        },
        [grads, state["first"], state["second"]],
      );
      return {
        params: descend(params, direction!, { rate, step: plainStep }),
        state: { first, second, weight1, weight2 },
      };
    },
  });
}

/** Options of {@linkcode adamW}. */
export interface AdamWOptions extends AdamOptions {
  /** Fraction of a parameter that is removed at each step, times the rate; 0.01 unless told. */
  readonly weightDecay?: number;
}

/**
 * Adam with decoupled weight decay: besides Adam's step, `params - rate * weightDecay * params`.
 *
 * Source: Loshchilov and Hutter, arXiv 1711.05101, algorithm 2.
 *
 * @param options Those of {@linkcode adam}, and the weight decay.
 * @returns The optimizer; its state is that of {@linkcode adam}.
 *
 * @example
 * ```ts
 * import { adamW, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const optimizer = adamW({ weightDecay: 0.5 });
 * const [params, grads] = [{ w: constant([1]) }, { w: constant([0]) }];
 * const { params: next } = optimizer.update(grads, optimizer.init(params), params, { rate: 0.1 });
 * assertAlmostEquals(valuesOf(next.w)[0]!, 0.95);
 * ```
 */
export function adamW(options: AdamWOptions = {}): Optimizer {
  requireOptions("adamW", options, {
    decay1: true,
    decay2: true,
    epsilon: true,
    weightDecay: is.optional(is.finite),
  });
  const { weightDecay = 0.01, ...rest } = options;
  const inner = adam(rest);
  return checked([], {
    init: inner.init,
    update(grads, state, params, { rate }) {
      const decayed = descend(params, params, {
        rate,
        step: (param, _, own) => sub(param, mul(mul(param, weightDecay), own)),
      });
      return inner.update(grads, state, decayed, { rate });
    },
  });
}
