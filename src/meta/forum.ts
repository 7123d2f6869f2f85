/**
 * First-order multi-objective bilevel optimization.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { MOST_TASKS, shortestDescent } from "../multitask/active_sets.ts";
import { combineGradients, gramMatrix } from "../multitask/gradients.ts";
import { splitKey } from "../random/key.ts";
import { mul, sub } from "../tensor/arithmetic.ts";
import { stack } from "../tensor/join.ts";
import { slice } from "../tensor/slice.ts";
import { valueAndGrad } from "../transform/vjp.ts";
import { mapTree } from "../tree/tree.ts";
import { lossWithMetrics, type TaskLoss } from "./bilevel_problem.ts";
import type { MultiObjectiveProblem } from "./moml.ts";

/** How {@linkcode forum} approximates the inner optimum. */
export interface ForumOptions {
  /** Steps of gradient descent to the inner optimum, at least 1. */
  readonly innerSteps: number;
  /** Their rate. */
  readonly innerRate: number;
  /** How fast the inner loss has to fall, as part of its squared gradient; 0.1 unless told. */
  readonly strength?: number;
}

/** Inner parameters and what the outer losses are minimised over. */
export interface BilevelPoint<Params, Shared> {
  /** The parameters of the inner problem. */
  readonly params: Params;
  /** The other inputs of the losses: hyperparameters, heads, loss weights. */
  readonly shared: Shared;
}

/** What {@linkcode forum} returns. */
export interface ForumResult<Params, Shared> {
  /** Direction of descent for both groups. */
  readonly grads: BilevelPoint<Params, Shared>;
  /** Outer losses `f32[outers]`, in the order of their sorted names. */
  readonly losses: Tensor;
  /** Their weights `f32[outers]`, adding up to 1. */
  readonly weights: Tensor;
  /** Inner loss above its approximate optimum, `f32[]`: how far the constraint is from fulfilled. */
  readonly gap: Tensor;
}

/**
 * FORUM: one step of several outer losses under the constraint that the inner loss is at its optimum,
 * without second derivatives.
 *
 * The constraint is `q = f(shared, params) - f(shared, params*) <= 0`, where `params*` come from some
 * steps of gradient descent. The direction is the shortest that lets `q` fall by `strength |grad q|^2`
 * and all outer losses by what is left: `sum w_i grad F_i + v grad q`, where `w` and `v >= 0` solve a
 * quadratic program, exactly.
 *
 * Source: Ye, Lin and Zhang, arXiv 2401.09257, equations 4 to 9 (there with a moving mean of `w`; the
 * authors' program also takes the gradients of the outer losses at the length 1).
 *
 * @param problem Inner loss and outer losses; support and query are batches without a task axis.
 * @param options Steps to the inner optimum and strength of the constraint.
 * @returns A pure function of both groups, data and random key `u32[2]`.
 * @throws {RangeError} If there is no outer loss, more than 9, or no step.
 *
 * @example
 * ```ts
 * import { constant, forum, randomKey, square, sub, type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const step = forum({
 *   inner: (x: Tensor, alpha: Tensor) => square(sub(x, alpha)),
 *   outers: { low: (x) => square(x), high: (x) => square(sub(x, constant(1))) },
 * }, { innerSteps: 5, innerRate: 0.4 });
 * const data = { support: {}, query: {}, constants: {} };
 * const { gap, grads } = step({ params: constant(3), shared: constant(2) }, data, randomKey(0));
 * // Both outer losses and the constraint draw x down.
 * assert(valuesOf(gap)[0]! > 0.9 && valuesOf(grads.params)[0]! > 0);
 * ```
 */
export function forum<Params, Shared, Support, Query, Constants>(
  problem: MultiObjectiveProblem<Params, Shared, Support, Query, Constants>,
  options: ForumOptions,
): (
  point: BilevelPoint<Params, Shared>,
  data: { readonly support: Support; readonly query: Query; readonly constants: Constants },
  key: Tensor,
) => ForumResult<Params, Shared> {
  requireArguments("forum", { problem }, { problem: is.objectives });
  const { inner, outers } = problem;
  requireOptions("forum", options, { innerSteps: true, innerRate: true, strength: true });
  const { innerSteps, innerRate, strength = 0.1 } = options;
  const names = Object.keys(outers).sort();
  const few = names.length >= 1 && names.length < MOST_TASKS;
  if (!few || !Number.isInteger(innerSteps) || innerSteps < 1) {
    throw new RangeError(
      `Cannot make a step of FORUM from ${names.length} outer losses and ${innerSteps} inner steps: ` +
        `expected 1 to ${MOST_TASKS - 1} losses and at least one step.`,
    );
  }
  type Point = BilevelPoint<Params, Shared>;
  return (point, { support, query, constants }, key) => {
    const [innerKey, ...outerKeys] = splitKey(key, names.length + 1);
    const evaluate = <Batch>(
      loss: TaskLoss<Params, Shared, Batch, Constants>,
      batch: Batch,
      own: { readonly key: Tensor; readonly name: string },
    ) =>
      valueAndGrad(({ params, shared }: Point) => {
        const result = loss(params, shared, batch, { key: own.key, constants });
        return lossWithMetrics(result, own.name).loss;
      });
    const innerAt = evaluate(inner, support, { key: innerKey!, name: "inner" });
    let best = point;
    for (let step = 0; step < innerSteps; step++) {
      const { params: slopes } = innerAt(best).grad;
      best = { ...best, params: descended(best.params, slopes, innerRate) };
    }
    const [here, there] = [innerAt(point), innerAt(best)];
    const constraint: Point = {
      params: here.grad.params,
      shared: descended(here.grad.shared, there.grad.shared, 1),
    };
    const results = names.map((name, k) =>
      evaluate(outers[name]!, query, { key: outerKeys[k]!, name: "outer" })(point)
    );
    const grads = [...results.map(({ grad }) => grad), constraint];
    const coefficients = shortestDescent(gramMatrix(grads), strength);
    return {
      grads: combineGradients(grads, coefficients),
      losses: stack(results.map(({ value }) => value)),
      weights: slice(coefficients, [[0, names.length]]),
      gap: sub(here.value, there.value),
    };
  };
}

/** `tree - rate * slopes`, of the leaves that are `f32`. */
function descended<T>(tree: T, slopes: T, rate: number): T {
  return mapTree<T>(
    (x: Tensor, slope: Tensor) => x.dtype === "f32" ? sub(x, mul(slope, rate)) : x,
    tree,
    slopes,
  );
}
