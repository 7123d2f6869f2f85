/**
 * Multi-objective meta-learning: several outer losses, no sum of them.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireCall } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { mgda } from "../multitask/mgda.ts";
import { weighGradients } from "../multitask/weigh_gradients.ts";
import type { Weighting, WeightingState } from "../multitask/weighting.ts";
import { foldIn } from "../random/key.ts";
import { stack } from "../tensor/join.ts";
import type { TaskLoss } from "./bilevel_problem.ts";
import type { MetaParameters, TaskData } from "./inner_loop.ts";
import { metaGradient, type MetaGradientOptions } from "./meta_gradient.ts";

/** One inner loss and several outer losses. */
export interface MultiObjectiveProblem<Params, Shared, Support, Query, Constants = unknown> {
  /** Minimised by the inner loop on the support batch. */
  readonly inner: TaskLoss<Params, Shared, Support, Constants>;
  /** Evaluated at the adapted parameters on the query batch, by name. */
  readonly outers: Readonly<Record<string, TaskLoss<Params, Shared, Query, Constants>>>;
}

/** How several meta-gradients become one. */
export interface MomlOptions extends MetaGradientOptions {
  /** The weighting method; MGDA unless told. */
  readonly weighting?: Weighting;
}

/** What {@linkcode moml} returns. */
export interface MomlResult<Params, Shared, Rates> {
  /** Outer losses `f32[outers]`, in the order of their sorted names. */
  readonly losses: Tensor;
  /** Their weights `f32[outers]`. */
  readonly weights: Tensor;
  /** The combined meta-gradient with respect to each group of meta-parameters. */
  readonly grads: MetaParameters<Params, Shared, Rates>;
  /** State of the weighting method for the next step. */
  readonly state: WeightingState;
}

/**
 * MOML: meta-gradients of several outer losses, combined to one that descends on all of them.
 *
 * All see one inner loop with the same random numbers. Parts that differ in their inner losses belong
 * into {@linkcode combineMetaGradients}.
 *
 * Source: Ye et al., "Multi-objective meta learning", NeurIPS 2021 (arXiv 2102.07121), algorithm 1.
 *
 * @param problem Inner loss and outer losses.
 * @param options Those of {@linkcode metaGradient}, and the weighting method.
 * @returns A pure function of meta-parameters, data, random key `u32[2]` and the method's state (`{}`
 *   for MGDA).
 * @throws {RangeError} If there is no outer loss.
 *
 * @example
 * ```ts
 * import { constant, moml, randomKey, sgd, square, sub, sum, type Tensor } from "@mutasesumele/toolkit";
 * import { valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const to = (target: number[]) => (x: Tensor) => sum(square(sub(x, constant(target))));
 * const meta = moml({ inner: to([0, 0]), outers: { a: to([1, 0]), b: to([-1, 0]) } }, {
 *   innerSteps: 1,
 *   innerRate: 0.25,
 *   optimizer: sgd(),
 * });
 * const task = { support: constant([0]), query: constant([0]), constants: {} };
 * const { grads } = meta({ params: constant([0, 4]), shared: {}, rates: {} }, task, randomKey(0), {});
 * // Along the first axis the two oppose each other.
 * assertAlmostEquals(valuesOf(grads.params)[0]!, 0);
 * assertAlmostEquals(valuesOf(grads.params)[1]!, 2);
 * ```
 */
export function moml<Params, Shared, Rates, Support, Query, Constants>(
  problem: MultiObjectiveProblem<Params, Shared, Support, Query, Constants>,
  options: MomlOptions,
): <Given extends Rates>(
  meta: MetaParameters<Params, Shared, Given>,
  data: TaskData<Support, Query, Constants>,
  key: Tensor,
  state: WeightingState,
) => MomlResult<Params, Shared, Given> {
  requireCall("moml", arguments, 2);
  requireArguments("moml", { problem }, { problem: is.objectives });
  const { inner, outers } = problem;
  const { weighting = mgda(), ...rest } = options;
  const names = Object.keys(outers).sort();
  if (names.length === 0) {
    throw new RangeError("Cannot combine meta-gradients: found no outer loss, expected some.");
  }
  const parts = names.map((name) =>
    metaGradient<Params, Shared, Rates, Support, Query, Constants>(
      { inner, outer: outers[name]! },
      { ...rest, algorithm: "moml" },
    )
  );
  return (meta, data, key, state) => {
    const results = parts.map((part) => part(meta, data, key));
    const losses = stack(results.map(({ loss }) => loss));
    const { grad, weights, state: next } = weighGradients(weighting, {
      losses,
      grads: results.map(({ grads }) => grads),
      state,
      ...(weighting.needsKey ? { key: foldIn(key, names.length) } : {}),
    });
    return { losses, weights, grads: grad, state: next };
  };
}
