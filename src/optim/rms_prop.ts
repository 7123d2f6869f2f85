import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { add, div, mul, sub, zerosLike } from "../tensor/mod.ts";
import { checked, descend, mapLeaves, type Optimizer } from "./optimizer.ts";
import { safeSqrt } from "./safe_sqrt.ts";
import { plainStep } from "./sgd.ts";

/** Options of {@linkcode rmsProp}. */
export interface RmsPropOptions {
  /** How much of the mean squared gradient stays; 0.99 unless told, as in PyTorch (0.9 in the lecture). */
  readonly decay?: number;
  /** Added to the root, not under it, as in PyTorch; 1e-8 unless told. */
  readonly epsilon?: number;
  /** Whether the square of the mean gradient is taken off, which leaves the variance; false unless told. */
  readonly centered?: boolean;
  /** How much of the velocity stays; 0 unless told: no velocity. */
  readonly momentum?: number;
}

/**
 * RMSProp: steps along the gradient, divided by the root of the mean squared gradient:
 * `s = decay * s + (1 - decay) * grads^2`, `params - rate * grads / (sqrt(s) + epsilon)`.
 *
 * Centered, the root is that of the variance `s - m^2` with `m = decay * m + (1 - decay) * grads`; with
 * momentum, `v = momentum * v + grads / (root + epsilon)` is what is stepped along. The means start at 0 and
 * are not corrected for it, so that first steps are long: `rate / sqrt(1 - decay)`.
 *
 * Sources: Hinton, lecture 6e of Neural Networks for Machine Learning (2012); centered: Graves, arXiv
 * 1308.0850, equations 38 to 41, who has epsilon under the root; placed as in PyTorch.
 *
 * @param options The decay, epsilon, whether it is centered, and the momentum.
 * @returns The optimizer; its state is `second`, and where they are used `first` and `velocity`.
 *
 * @example
 * ```ts
 * import { constant, rmsProp, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const optimizer = rmsProp({ decay: 0.75 });
 * const [params, grads] = [{ w: constant([1]) }, { w: constant([-20]) }];
 * const { params: next } = optimizer.update(grads, optimizer.init(params), params, { rate: 0.1 });
 * assertAlmostEquals(valuesOf(next.w)[0]!, 1.2, 1e-6);
 * ```
 */
export function rmsProp(options: RmsPropOptions = {}): Optimizer {
  requireOptions("rmsProp", options, {
    decay: is.optional(is.share),
    epsilon: is.optional(is.number),
    centered: is.optional(is.flag),
    momentum: is.optional(is.share),
  });
  const { decay = 0.99, epsilon = 1e-8, centered = false, momentum = 0 } = options;
  const kept = ["second", ...(centered ? ["first"] : []), ...(momentum === 0 ? [] : ["velocity"])];
  return checked(kept, {
    init(params) {
      const none = mapLeaves((param) => [zerosLike(param)], [params])[0];
      return Object.fromEntries(kept.map((name) => [name, none]));
    },
    update(grads, state, params, { rate }) {
      const trees = mapLeaves((grad, ...olds) => {
        const old = Object.fromEntries(kept.map((name, k) => [name, olds[k]!]));
        const second = add(mul(old["second"]!, decay), mul(mul(grad, grad), 1 - decay));
        const first = centered && add(mul(old["first"]!, decay), mul(grad, 1 - decay));
        const spread = first ? sub(second, mul(first, first)) : second;
        const scaled = div(grad, add(safeSqrt(spread), epsilon));
        const velocity = momentum !== 0 && add(mul(old["velocity"]!, momentum), scaled);
        const next = { second, ...(first && { first }), ...(velocity && { velocity }) };
        return [velocity || scaled, ...Object.values(next)];
      }, [grads, ...kept.map((name) => state[name])]);
      return {
        params: descend(params, trees[0]!, { rate, step: plainStep }),
        state: Object.fromEntries(kept.map((name, k) => [name, trees[k + 1]])),
      };
    },
  });
}
