/**
 * The meta-gradient: the gradient of the outer losses after an inner loop with respect to
 * everything that the inner loop started from.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { sum } from "../ops/sum.ts";
import { inverseLengths } from "../multitask/linear_algebra.ts";
import { add, mul } from "../tensor/arithmetic.ts";
import { stack } from "../tensor/join.ts";
import { mapTree } from "../tree/tree.ts";
import type { BilevelProblem } from "./bilevel_problem.ts";
import { type ByPath, repeat } from "./fast_weights.ts";
import {
  innerLoop,
  type InnerLoopOptions,
  type MetaParameters,
  type TaskData,
} from "./inner_loop.ts";
import { META_OPTIONS } from "./meta_options.ts";
import { outerStep } from "./outer_step.ts";
import {
  type Cotangents,
  firstOrderReverseStep,
  pullFirstStateBack,
  reverseStep,
} from "./reverse_step.ts";
import { addTrees, scaleTree, stackTrees, zerosLikeTree } from "./trees.ts";

/**
 * `"exact"`: second order, of all that inner losses do not stop (`stopGradient`); `"first"`: the inner
 * gradients are taken for constants.
 */
export type MetaOrder = "exact" | "first";

/** How a meta-gradient is computed. */
export interface MetaGradientOptions extends InnerLoopOptions {
  /** Exact (default) or first order. */
  readonly order?: MetaOrder;
  /** Name of the algorithm, for reports; default `maml` or `fomaml`. */
  readonly algorithm?: string;
  /**
   * Weights of the outer losses after each step, whose sum is the outer loss; default: only that
   * after the last step counts. Source: MAML++, arXiv 1810.09502, section 4.
   */
  readonly outerWeights?: readonly number[];
  /** Whether the gradients of the inner losses with respect to `shared` are returned as well. */
  readonly ownGradients?: boolean;
  /** Whether the alignment of inner and outer gradients is returned; it keeps every gradient. */
  readonly alignment?: boolean;
}

/** What a meta-gradient function returns. */
export interface MetaGradientResult<Params, Shared, Rates, Metrics = unknown> {
  /** Outer loss, mean over tasks, `f32[]`. */
  readonly loss: Tensor;
  /** Its gradient with respect to each group of meta-parameters. */
  readonly grads: MetaParameters<Params, Shared, Rates>;
  /** The adapted parameters, each `[task, ...]`. */
  readonly adapted: Params;
  /** Inner losses before each step, `f32[step, task]`. */
  readonly innerLosses: Tensor;
  /** Outer losses, `f32[task]` (weighted sums with `outerWeights`). */
  readonly outerLosses: Tensor;
  /** Metrics of the inner loss before each step: a list of trees of tensors `[task, ...]`. */
  readonly innerMetrics: readonly unknown[];
  /** Metrics of the outer loss after the last step: a tree of tensors `[task, ...]`. */
  readonly outerMetrics: Metrics;
  /**
   * Gradient of the inner losses, mean over tasks and steps, with respect to `shared`: the heads'
   * own training signal. `{}` unless `ownGradients`.
   */
  readonly own: Shared | Record<string, never>;
  /**
   * Cosine of each inner gradient and the gradient of the outer loss at the adapted parameters,
   * `f32[step, task]`: where it is positive, the step served the outer loss. `{}` unless
   * `alignment`.
   */
  readonly alignment: Tensor | Record<string, never>;
}

/** A meta-gradient: a pure function to be traced, and what it is. */
export interface MetaGradient<
  Params,
  Shared,
  Rates,
  Support,
  Query,
  Constants,
  Metrics = unknown,
> {
  /**
   * Evaluates outer loss and meta-gradient.
   *
   * @param meta The meta-parameters, without a task axis.
   * @param data Tasks in front of every support and query tensor.
   * @param key Random key, `u32[2]`.
   * @returns Loss and gradients; those of the rates have the type of the rates that were given.
   */
  <Given extends Rates>(
    meta: MetaParameters<Params, Shared, Given>,
    data: TaskData<Support, Query, Constants>,
    key: Tensor,
  ): MetaGradientResult<Params, Shared, Given, Metrics>;
  /** Name of the algorithm. */
  readonly algorithm: string;
  /** Exact or first order. */
  readonly order: MetaOrder;
  /** Number of inner steps. */
  readonly innerSteps: number;
}

/**
 * Makes the meta-gradient of a bilevel problem by mixed-mode differentiation.
 *
 * Forward, the inner loop keeps the fast weights and the update's state of every step, nothing
 * else. Backwards, every step costs one Hessian-vector product, forward over reverse. For any
 * number of steps there are three programs: inner step, outer evaluation, reverse step.
 *
 * Source: Finn et al., arXiv 1703.03400, equation 1; MixFlow-MG, arXiv 2505.00793.
 *
 * @param problem Inner and outer loss of one task.
 * @param options Inner steps, inner optimizer, order, what is adapted.
 * @returns A pure function of meta-parameters, data and key.
 * @throws {RangeError} If the steps or the weights do not fit.
 * @throws {TypeError} If an option is not known.
 *
 * @example
 * ```ts
 * import { constant, metaGradient, momentum, randomKey, square, sub } from "@mutasesumele/toolkit";
 * import { add, mul, type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * // The inner loss has a learned target, in `shared`; the outer loss has the wanted one.
 * const half = (error: Tensor) => mul(square(error), 0.5);
 * const meta = metaGradient({
 *   inner: (x: Tensor, target: Tensor, offset: Tensor) => half(sub(x, add(target, offset))),
 *   outer: (x, _, wanted: Tensor) => half(sub(x, wanted)),
 * }, { innerSteps: 1, optimizer: momentum(), innerRate: 0.25 });
 *
 * const { loss, grads } = meta(
 *   { params: constant(3), shared: constant(1), rates: {} },
 *   { support: constant([0, 0]), query: constant([0.5, 1.5]), constants: {} },
 *   randomKey(0),
 * );
 * // Adapted to 2.5, in both tasks: x' = 0.75 x + 0.25 target.
 * assertAlmostEquals(valuesOf(loss)[0]!, (2 ** 2 / 2 + 1 / 2) / 2);
 * assertAlmostEquals(valuesOf(grads.params)[0]!, 0.75 * 1.5);
 * assertAlmostEquals(valuesOf(grads.shared)[0]!, 0.25 * 1.5);
 * ```
 */
export function metaGradient<Params, Shared, Rates, Support, Query, Constants, Metrics = unknown>(
  problem: BilevelProblem<Params, Shared, Support, Query, Constants, Metrics>,
  options: MetaGradientOptions,
): MetaGradient<Params, Shared, Rates, Support, Query, Constants, Metrics> {
  requireCall("metaGradient", arguments, 2);
  return metaGradientThrough(reverseStep, problem, options);
}

/**
 * {@linkcode metaGradient} with a given way back through an inner step. Not exported from the
 * package: it lets tests prove that the start-up guard sees a way back that is wrong.
 */
export function metaGradientThrough<
  Params,
  Shared,
  Rates,
  Support,
  Query,
  Constants,
  Metrics = unknown,
>(
  makeReverseStep: typeof reverseStep,
  problem: BilevelProblem<Params, Shared, Support, Query, Constants, Metrics>,
  options: MetaGradientOptions,
): MetaGradient<Params, Shared, Rates, Support, Query, Constants, Metrics> {
  const name = options?.algorithm ?? "metaGradient";
  requireArguments(name, { problem }, { problem: is.problem });
  requireOptions(name, options, {
    order: is.optional(is.oneOf("exact", "first")),
    ...META_OPTIONS,
    algorithm: true,
  });
  const { order = "exact", innerSteps, ratesPerStep = false, alignment = false } = options;
  const runInnerLoop = innerLoop(problem.inner, {
    ...options,
    keepGrads: order === "first" || alignment,
    keepOwn: options.ownGradients ?? false,
  });
  const weights = options.outerWeights ??
    Array.from({ length: innerSteps }, (_, t) => t === innerSteps - 1 ? 1 : 0);
  if (weights.length !== innerSteps) {
    throw new RangeError(
      `Cannot weight the outer losses: found ${weights.length} weights, expected ${innerSteps}, ` +
        `one for each inner step.`,
    );
  }

  function evaluate<Given extends Rates>(
    meta: MetaParameters<Params, Shared, Given>,
    data: TaskData<Support, Query, Constants>,
    key: Tensor,
  ): MetaGradientResult<Params, Shared, Given, Metrics> {
    const path = runInnerLoop(meta, data, key);
    const { steps, results, join, tasks } = path;
    const outer = outerStep(problem.outer, join);
    const { slow } = steps[0]!;
    const back = makeReverseStep(problem.inner, { join, update: options });
    const outerAt = (t: number) => {
      const { losses, metrics, fast, direct } = outer({
        fast: results[t]!.fast,
        slow,
        shared: meta.shared,
        batch: data.query,
        keys: path.outerKeys[t]!,
        constants: data.constants,
      });
      const weight = weights[t]!;
      return {
        metrics,
        gradient: fast,
        losses: scaleTree(losses, weight),
        fast: scaleTree(fast, weight),
        direct: scaleTree(direct, weight),
      };
    };

    const last = outerAt(innerSteps - 1);
    let { losses } = last;
    let cotangents: Cotangents<Shared> = {
      fast: last.fast,
      direct: last.direct,
      state: zerosLikeTree(results[innerSteps - 1]!.state),
      rates: ratesPerStep ? {} : zerosLikeTree(meta.rates),
    };
    const rateCotangents: unknown[] = [];
    for (let t = innerSteps - 1; t >= 0; t--) {
      if (t < innerSteps - 1 && weights[t] !== 0) {
        const here = outerAt(t);
        losses = addTrees(losses, here.losses);
        cotangents = {
          ...cotangents,
          fast: addTrees(cotangents.fast, here.fast),
          direct: addTrees(cotangents.direct, here.direct),
        };
      }
      const step = steps[t]!;
      cotangents = order === "exact"
        ? back({ step, cotangents })
        : firstOrderReverseStep(options, { step, cotangents, grads: results[t]!.grads });
      if (ratesPerStep) {
        rateCotangents.unshift(cotangents.rates);
        cotangents = { ...cotangents, rates: {} };
      }
    }
    const mean = 1 / tasks;
    const fast: ByPath = mapTree(
      (x: Tensor) => sum(x, [0]),
      pullFirstStateBack(steps[0]!, cotangents),
    );
    const rates = (ratesPerStep ? stackTrees(rateCotangents) : cotangents.rates) as Given;
    const finalFast = results[innerSteps - 1]!.fast;
    return {
      loss: scaleTree(sum(losses, [0]), mean),
      grads: {
        params: scaleTree(join(fast, cotangents.direct.slow), mean),
        shared: scaleTree(cotangents.direct.shared, mean),
        rates: scaleTree(rates, mean),
      },
      adapted: join(finalFast, mapTree((x: Tensor) => repeat(x, tasks), slow)),
      innerLosses: stack(results.map((result) => result.losses)),
      outerLosses: losses,
      innerMetrics: results.map((result) => result.metrics),
      outerMetrics: last.metrics,
      own: scaleTree(
        results.map((result) => result.own).reduce(addTrees),
        mean / innerSteps,
      ) as Shared,
      alignment: alignment
        ? stack(results.map((result) => cosineOfTasks(result.grads, last.gradient)))
        : {},
    };
  }

  return Object.assign(evaluate, {
    algorithm: options.algorithm ?? (order === "exact" ? "maml" : "fomaml"),
    order,
    innerSteps,
  });
}

/** Cosines of the fast weights' gradients, each `[task, ...]`, to `f32[task]`; 0 where one is 0. */
function cosineOfTasks(a: ByPath, b: ByPath): Tensor {
  const product = (x: ByPath, y: ByPath): Tensor =>
    Object.keys(x)
      .map((path) => mul(x[path]!, y[path]!))
      .map((tensor) => sum(tensor, tensor.shape.map((_, axis) => axis).slice(1)))
      .reduce((total, part) => add(total, part));
  const [one, other] = [a, b].map((x) => inverseLengths(product(x, x)));
  return mul(mul(product(a, b), one!), other!);
}
