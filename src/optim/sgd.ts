import * as is from "../ir/kinds.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { add, mul, sub, zerosLike } from "../tensor/mod.ts";
import { checked, descend, mapLeaves, type Optimizer } from "./optimizer.ts";

/** `param - rate * direction`. */
export function plainStep(param: Tensor, direction: Tensor, rate: Tensor | number): Tensor {
  return sub(param, mul(direction, rate));
}

/**
 * Gradient descent: `params - rate * grads`.
 *
 * @returns The optimizer; it remembers nothing.
 *
 * @example
 * ```ts
 * import { constant, sgd, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const [params, grads] = [{ w: constant([1]) }, { w: constant([2]) }];
 * const updated = sgd().update(grads, sgd().init(params), params, { rate: 0.25 });
 * assertEquals(valuesOf(updated.params.w), [0.5]);
 * ```
 */
export function sgd(): Optimizer {
  // Its rate is an option of update(); momentum() is an optimizer of its own.
  requireCall("sgd", arguments);
  return {
    init: () => ({}),
    update: (grads, state, params, options) => ({
      params: descend(params, grads, { rate: options?.rate, step: plainStep }),
      state,
    }),
  };
}

/** Options of {@linkcode momentum}. */
export interface MomentumOptions {
  /** How much of the velocity stays; 0.9 unless told. */
  readonly decay?: number;
  /** Whether the gradient is added once more after the velocity (Nesterov). */
  readonly nesterov?: boolean;
}

/**
 * Gradient descent with momentum: `v = decay * v + grads`, `params - rate * v`.
 *
 * Source: Sutskever et al., ICML 2013, equations 1 to 4, with PyTorch's placing of the rate.
 *
 * @param options The decay, and whether it is Nesterov's variant.
 * @returns The optimizer; its state is `velocity`.
 *
 * @example
 * ```ts
 * import { constant, momentum, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const optimizer = momentum({ decay: 0.5 });
 * const [params, grads] = [{ w: constant([1]) }, { w: constant([2]) }];
 * const first = optimizer.update(grads, optimizer.init(params), params, { rate: 0.25 });
 * const second = optimizer.update(grads, first.state, first.params, { rate: 0.25 });
 * assertEquals(valuesOf(second.params.w), [0.5 - 0.25 * 3]);
 * ```
 */
export function momentum(options: MomentumOptions = {}): Optimizer {
  requireOptions("momentum", options, {
    decay: is.optional(is.share),
    nesterov: is.optional(is.flag),
  });
  const { decay = 0.9, nesterov = false } = options;
  return checked(["velocity"], {
    init: (params) => ({ velocity: mapLeaves((param) => [zerosLike(param)], [params])[0] }),
    update(grads, state, params, { rate }) {
      const [velocity, direction] = mapLeaves(
        (grad, old) => {
          const fresh = add(mul(old, decay), grad);
          return [fresh, nesterov ? add(mul(fresh, decay), grad) : fresh];
        },
        [grads, state["velocity"]],
      );
      return {
        params: descend(params, direction!, { rate, step: plainStep }),
        state: { velocity },
      };
    },
  });
}
