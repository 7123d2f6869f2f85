import * as is from "../ir/kinds.ts";
import { requireArguments, requireCall } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { add, eye, mul, ones, slice, stack } from "../tensor/mod.ts";
import { flatten, mapTree, unflatten } from "../tree/tree.ts";
import { combineGradients, gramMatrix, leavesOf } from "./gradients.ts";
import type { Weighting, WeightingState } from "./weighting.ts";

/** What {@linkcode weighGradients} works on. */
export interface TaskGradients<P> {
  /** Losses of the tasks, `f32[tasks]`. */
  readonly losses: Tensor;
  /** One tree of gradients for each task, all of one structure. */
  readonly grads: readonly P[];
  /** The same of an independent sample, for methods with {@linkcode Weighting.doubleSampled}. */
  readonly second?: readonly P[];
  /** State from {@linkcode Weighting.init} or the step before. */
  readonly state: WeightingState;
  /** Random key `u32[2]`; needed by methods that {@linkcode Weighting.needsKey}. */
  readonly key?: Tensor;
}

/** What {@linkcode weighGradients} returns. */
export interface WeighedGradients<P> {
  /** Sum of weight times gradient. */
  readonly grad: P;
  /** Weights `f32[tasks]`. */
  readonly weights: Tensor;
  /** Weights `f32[tasks]` of the parameters that one task has for itself. */
  readonly own: Tensor;
  /** The state for the next step. */
  readonly state: WeightingState;
}

/**
 * Makes one gradient of those of several tasks, by any weighting method.
 *
 * @param weighting The method.
 * @param tasks Losses and gradients, the method's state, and a key if it needs one.
 * @returns The combined gradient, the weights and the next state.
 * @throws {TypeError} If there is no gradient, or the structures differ.
 *
 * @example
 * ```ts
 * import { constant, mgda, valuesOf, weighGradients } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const grads = [{ w: constant([1, 0]) }, { w: constant([0, 3]) }];
 * const { grad } = weighGradients(mgda(), { losses: constant([1, 1]), grads, state: {} });
 * // The shortest point between the two.
 * assertAlmostEquals(valuesOf(grad.w)[0]!, 0.9);
 * assertAlmostEquals(valuesOf(grad.w)[1]!, 0.3);
 * ```
 */
export function weighGradients<P>(
  weighting: Weighting,
  given: TaskGradients<P>,
): WeighedGradients<P> {
  requireCall("weighGradients", arguments, 2);
  requireArguments("weighGradients", { weighting, ...given }, {
    weighting: is.weighting,
    losses: is.tensor,
    grads: is.list,
    state: is.object,
    second: true,
    key: true,
  });
  const { losses, grads, second, state, key } = given;
  const common = { losses, ...(key ? { key } : {}) };
  const changed = transformed(weighting, grads, { ...common, state });
  const trees = changed.grads;
  const weighed = weighting.weigh({
    ...common,
    gram: weighting.needsGradients ? gramMatrix(trees) : eye(trees.length),
    state: changed.state,
    ...(second && weighting.doubleSampled ? { independent: gramMatrix(trees, second) } : {}),
  });
  const combined = combineGradients(trees, weighed.weights);
  return {
    // Both samples count in the step.
    grad: second
      ? mapTree<P>(
        (a: Tensor, b: Tensor) => a.dtype === "f32" ? mul(add(a, b), 0.5) : a,
        combined,
        combineGradients(second, weighed.weights),
      )
      : combined,
    weights: weighed.weights,
    own: weighed.own ?? (weighting.own === "plain" ? ones([trees.length]) : weighed.weights),
    state: weighed.state,
  };
}

/** Applies a method's first phase to trees. */
function transformed<P>(
  weighting: Weighting,
  grads: readonly P[],
  given: { readonly losses: Tensor; readonly state: WeightingState; readonly key?: Tensor },
): { readonly grads: readonly P[]; readonly state: WeightingState } {
  if (!weighting.transform) return { grads, state: given.state };
  const lists = leavesOf(grads);
  const real = lists[0]!.map((_, k) => k).filter((k) => lists[0]![k]!.dtype === "f32");
  const result = weighting.transform({
    ...given,
    grads: real.map((k) => stack(lists.map((leaves) => leaves[k]!))),
  });
  const { structure } = flatten(grads[0]);
  return {
    grads: lists.map((leaves, task) =>
      unflatten<P>(
        structure,
        leaves.map((leaf, k) =>
          real.includes(k) ? slice(result.grads[real.indexOf(k)]!, [task]) : leaf
        ),
      )
    ),
    state: result.state,
  };
}
