import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import {
  add,
  full,
  isFinite,
  maximum,
  minimum,
  mul,
  rsqrt,
  sqrt,
  sum,
  where,
} from "../tensor/mod.ts";
import { flatten } from "../tree/tree.ts";
import { mapLeaves, type Optimizer } from "./optimizer.ts";

function squaredNorm(tree: unknown): Tensor {
  const { leaves } = flatten<Tensor>(tree);
  if (leaves.length === 0) {
    throw new TypeError("Cannot take the norm of a tree: found no tensor, expected at least one.");
  }
  return leaves.map((leaf) => sum(mul(leaf, leaf))).reduce((total, part) => add(total, part));
}

/**
 * Euclidean norm over all tensors of a tree.
 *
 * @param tree A tree of `f32` tensors, such as gradients.
 * @returns A scalar; its derivative is not finite where all elements are 0.
 * @throws {TypeError} If there is no tensor.
 *
 * @example
 * ```ts
 * import { constant, globalNorm, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(globalNorm({ a: constant([3]), b: constant([4]) })), [5]);
 * ```
 */
export function globalNorm(tree: unknown): Tensor {
  return sqrt(squaredNorm(tree));
}

/**
 * Scales all tensors of a tree so that their common norm is at most a bound.
 *
 * Where the norm is not finite (an element is not, or their squares exceed `f32`) no scale is right,
 * and all elements become NaN: a diverged run shows at once.
 *
 * @param grads A tree of `f32` tensors.
 * @param options The largest Euclidean norm over all tensors.
 * @returns A tree of the same structure.
 * @throws {RangeError} If the bound is not positive.
 *
 * @example
 * ```ts
 * import { clipByGlobalNorm, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const clipped = clipByGlobalNorm({ a: constant([3]), b: constant([4]) }, { maxNorm: 1 });
 * assertAlmostEquals(valuesOf(clipped.b)[0]!, 0.8);
 * ```
 */
export function clipByGlobalNorm<P>(grads: P, options: { readonly maxNorm: number }): P {
  requireOptions("clipByGlobalNorm", options, { maxNorm: true });
  const { maxNorm } = options;
  if (!(maxNorm > 0)) {
    throw new RangeError(`Cannot clip gradients to the norm ${maxNorm}: expected it above 0.`);
  }
  const squares = squaredNorm(grads);
  const bounded = minimum(1, mul(rsqrt(maximum(squares, 1e-24)), maxNorm));
  const scale = where(isFinite(squares), bounded, full([], { value: NaN }));
  return mapLeaves((grad) => [mul(grad, scale)], [grads])[0]!;
}

/**
 * An optimizer behind gradient clipping.
 *
 * @param optimizer The optimizer that gets the clipped gradients.
 * @param options The largest Euclidean norm over all gradients.
 * @returns The optimizer; its state is that of the inner one.
 *
 * @example
 * ```ts
 * import { constant, sgd, valuesOf, withClipping } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const optimizer = withClipping(sgd(), { maxNorm: 1 });
 * const [params, grads] = [{ w: constant([1]) }, { w: constant([8]) }];
 * const updated = optimizer.update(grads, optimizer.init(params), params, { rate: 0.25 });
 * assertAlmostEquals(valuesOf(updated.params.w)[0]!, 0.75);
 * ```
 */
export function withClipping(
  optimizer: Optimizer,
  options: { readonly maxNorm: number },
): Optimizer {
  requireArguments("withClipping", { optimizer }, { optimizer: is.optimizer });
  requireOptions("withClipping", options, { maxNorm: true });
  return {
    init: optimizer.init,
    update: (grads, state, params, step) =>
      optimizer.update(clipByGlobalNorm(grads, options), state, params, step),
  };
}

/**
 * An optimizer behind weight decay as a gradient: it gets `grads + decay * params`.
 *
 * @param optimizer The optimizer that gets the changed gradients.
 * @param options The decay.
 * @returns The optimizer; its state is that of the inner one.
 *
 * @example
 * ```ts
 * import { constant, sgd, valuesOf, withWeightDecay } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const optimizer = withWeightDecay(sgd(), { decay: 0.5 });
 * const [params, grads] = [{ w: constant([1]) }, { w: constant([0]) }];
 * const updated = optimizer.update(grads, optimizer.init(params), params, { rate: 0.5 });
 * assertEquals(valuesOf(updated.params.w), [0.75]);
 * ```
 */
export function withWeightDecay(
  optimizer: Optimizer,
  options: { readonly decay: number },
): Optimizer {
  requireArguments("withWeightDecay", { optimizer }, { optimizer: is.optimizer });
  requireOptions("withWeightDecay", options, { decay: true });
  const { decay } = options;
  return {
    init: optimizer.init,
    update(grads, state, params, step) {
      const decayed = mapLeaves((grad, param) => [add(grad, mul(param, decay))], [grads, params]);
      return optimizer.update(decayed[0]!, state, params, step);
    },
  };
}
