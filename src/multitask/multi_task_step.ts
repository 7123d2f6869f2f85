import { requireTensor } from "../ir/require_tensor.ts";
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { Optimizer, OptimizerState, Rate } from "../optim/optimizer.ts";
import {
  lossesOf,
  multiTaskGradient,
  type MultiTaskGradientOptions,
  type MultiTaskLosses,
} from "./multi_task_gradient.ts";
import { flatten } from "../tree/tree.ts";
import type { WeightingState } from "./weighting.ts";

/** Everything that multi-task training changes. */
export interface MultiTaskTraining<P> {
  /** The parameters, shared ones and heads. */
  readonly params: P;
  /** State of the optimizer. */
  readonly optimizer: OptimizerState;
  /** State of the weighting method. */
  readonly weighting: WeightingState;
}

/** How several tasks are trained. */
export interface MultiTaskStepOptions<Batch = unknown> extends MultiTaskGradientOptions<Batch> {
  /** Moves the parameters. */
  readonly optimizer: Optimizer;
}

/** What a step of multi-task training returns. */
export interface MultiTaskStepped<P, Aux> {
  /** Everything after the step. */
  readonly training: MultiTaskTraining<P>;
  /** Losses before the step `f32[tasks]`, in the order of the sorted names. */
  readonly losses: Tensor;
  /** Weights of the step `f32[tasks]`, in that order. */
  readonly weights: Tensor;
  /** What the losses returned besides, by name. */
  readonly aux: Readonly<Record<string, Aux>>;
}

/** All options, for {@linkcode requireOptions}. */
const KNOWN = {
  weighting: is.weighting,
  shared: true,
  own: true,
  split: true,
  optimizer: is.optimizer,
} as const;

/**
 * Everything before the first step of training on several tasks.
 *
 * @param params The parameters.
 * @param losses The losses by name.
 * @param options Those of {@linkcode multiTaskStep}.
 * @returns The parameters with the first states of optimizer and weighting method.
 *
 * @example
 * ```ts
 * import { constant, equalWeighting, multiTaskInit, sgd, sum, type Tensor } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const losses = { a: (x: Tensor) => ({ loss: sum(x), aux: {} }) };
 * const options = { weighting: equalWeighting(), optimizer: sgd() };
 * assertEquals(multiTaskInit(constant([1]), losses, options).weighting, {});
 * ```
 */
export function multiTaskInit<P, Batch, Aux>(
  params: P,
  losses: MultiTaskLosses<P, Batch, Aux>,
  options: MultiTaskStepOptions<Batch>,
): MultiTaskTraining<P> {
  requireArguments("multiTaskInit", { losses }, { losses: is.losses });
  requireOptions("multiTaskInit", options, KNOWN);
  const { weighting, optimizer, shared = () => true } = options;
  const { leaves, paths } = flatten<Tensor>(params);
  leaves.forEach((leaf) => requireTensor("start training", leaf));
  const tensors = leaves.filter(({ dtype }, k) => dtype === "f32" && shared(paths[k]!));
  return {
    params,
    optimizer: optimizer.init(params),
    weighting: weighting.init(Object.keys(losses).length, tensors),
  };
}

/**
 * Makes a step of training on several tasks: losses, gradients, weights, update, and for methods
 * that want it the losses of the same batch, with the same random numbers, after the update.
 *
 * @param losses The losses by name; each gets the same batch and a random key of its own.
 * @param options Weighting method, optimizer, and which parameters the tasks share.
 * @returns A pure function of everything that changes, batch, random key `u32[2]` and rate.
 * @throws {RangeError} If there is no loss.
 *
 * @example
 * ```ts
 * import { constant, famo, multiTaskInit, multiTaskStep, randomKey, sgd } from "@mutasesumele/toolkit";
 * import { mul, square, type Tensor, sub, sum, valuesOf } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const to = (target: number[], scale: number) => (x: Tensor) => ({
 *   loss: mul(sum(square(sub(x, constant(target)))), scale),
 *   aux: {},
 * });
 * const losses = { a: to([1, 0], 1), b: to([0, 2], 100) };
 * const options = { weighting: famo(), optimizer: sgd() };
 * const start = multiTaskInit(constant([1, 1]), losses, options);
 * const { training } = multiTaskStep(losses, options)(start, {}, randomKey(0), { rate: 0.1 });
 * const [a, b] = valuesOf(training.weighting["logits"]!);
 * assert(a !== b);
 * ```
 */
export function multiTaskStep<P, Batch, Aux>(
  losses: MultiTaskLosses<P, Batch, Aux>,
  options: MultiTaskStepOptions<Batch>,
): (
  training: MultiTaskTraining<P>,
  batch: Batch,
  key: Tensor,
  step: { readonly rate: Rate },
) => MultiTaskStepped<P, Aux> {
  requireArguments("multiTaskStep", { losses }, { losses: is.losses });
  requireOptions("multiTaskStep", options, KNOWN);
  const { optimizer, ...rest } = options;
  const gradient = multiTaskGradient(losses, rest);
  const measure = lossesOf(losses);
  const { weighting } = options;
  return (training, batch, key, { rate }) => {
    const before = gradient(training.params, batch, key, training.weighting);
    const { params, state } = optimizer.update(before.grads, training.optimizer, training.params, {
      rate,
    });
    const observed = weighting.observe?.(before.state, measure(params, batch, key)) ?? before.state;
    return {
      training: { params, optimizer: state, weighting: observed },
      losses: before.losses,
      weights: before.weights,
      aux: before.aux,
    };
  };
}
