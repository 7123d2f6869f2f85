import { formatAval } from "../ir/aval.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import type { Tensor } from "../ir/tensor.ts";

/** What a weighting method remembers between steps, tensors by name; `{}` if nothing. */
export interface WeightingState {
  /** Numbers of the tasks, of their pairs or of all; gradients of all tasks. */
  readonly [name: string]: Tensor;
}

/** What gradients are transformed from. */
export interface TransformInputs {
  /** For each tensor of the shared parameters the gradients of all tasks, `f32[tasks, ...]`. */
  readonly grads: readonly Tensor[];
  /** Losses of the tasks, `f32[tasks]`. */
  readonly losses: Tensor;
  /** State from {@linkcode Weighting.init} or the step before. */
  readonly state: WeightingState;
  /** Random key `u32[2]`; read only by methods that {@linkcode Weighting.needsKey}. */
  readonly key?: Tensor;
}

/** Gradients that stand for those of the tasks. */
export interface Transformed {
  /** For each tensor of the shared parameters those of all tasks, `f32[tasks, ...]`. */
  readonly grads: readonly Tensor[];
  /** The state for {@linkcode Weighting.weigh}. */
  readonly state: WeightingState;
}

/** What weights are computed from. */
export interface WeightingInputs {
  /** Losses of the tasks, `f32[tasks]`. */
  readonly losses: Tensor;
  /** Inner products of the tasks' gradients, `f32[tasks, tasks]`; see {@linkcode gramMatrix}. */
  readonly gram: Tensor;
  /** State from {@linkcode Weighting.init}, {@linkcode Weighting.transform} or the step before. */
  readonly state: WeightingState;
  /**
   * Inner products of the gradients with those of an independent sample, `f32[tasks, tasks]`; read
   * only by methods with {@linkcode Weighting.doubleSampled}. `gram` unless given.
   */
  readonly independent?: Tensor;
  /** Random key `u32[2]`; read only by methods that {@linkcode Weighting.needsKey}. */
  readonly key?: Tensor;
}

/** Weights of a step. */
export interface Weighted {
  /** Weights `f32[tasks]`: the step goes along the sum of weight times gradient. */
  readonly weights: Tensor;
  /**
   * Weights `f32[tasks]` of the parameters that one task has for itself; what
   * {@linkcode Weighting.own} says unless given.
   */
  readonly own?: Tensor;
  /** The state for the next step. */
  readonly state: WeightingState;
}

/**
 * What the weights of a method add up to: 1, the number of tasks, or whatever the method makes of
 * the gradients: then its steps have a length of their own, and comparing methods at one learning
 * rate compares learning rates, unless {@linkcode normalizeWeights} gives all one scale.
 */
export type WeightScale = "one" | "tasks" | "free";

/** A method that decides how much each task's gradient counts: pure functions. */
export interface Weighting {
  /** Name in tables and files. */
  readonly name: string;
  /** What the weights add up to. */
  readonly scale: WeightScale;
  /**
   * What parameters get that one task has for itself, such as heads, where {@linkcode Weighted.own} is
   * not given: their gradient times the task's weight (unless told), as of a weighted loss, or their
   * gradient as it is (`"plain"`), of methods that combine gradients of shared parameters, whose
   * weights may be 0 or negative.
   */
  readonly own?: "weighted" | "plain";
  /** Whether `gram` is read; if not, one gradient of the weighted loss is enough. */
  readonly needsGradients: boolean;
  /** Whether `key` is read. */
  readonly needsKey: boolean;
  /**
   * Whether the inner products are read of two independent samples, without which the method is
   * biased by the noise of one.
   */
  readonly doubleSampled?: boolean;
  /**
   * The state before the first step.
   *
   * @param tasks Number of tasks.
   * @param shared The `f32` tensors of the shared parameters; methods with `transform` need them.
   */
  init(tasks: number, shared?: readonly Tensor[]): WeightingState;
  /** Changes the gradients before they are weighed, of methods to which more matters than angles. */
  transform?(inputs: TransformInputs): Transformed;
  /** The weights of a step. */
  weigh(inputs: WeightingInputs): Weighted;
  /**
   * Takes the losses `f32[tasks]` of the same batch after the step, of methods that judge a step by
   * what it changed. A caller that cannot afford the second evaluation leaves it out; such a method
   * then takes the losses of the next step, of another batch.
   */
  observe?(state: WeightingState, losses: Tensor): WeightingState;
}

/**
 * Number of tasks.
 *
 * @param name Name of the method, for the error.
 * @param inputs What weights are computed from.
 * @returns The number.
 * @throws {TypeError} If losses and inner products do not fit.
 */
export function tasksOf(name: string, inputs: WeightingInputs): number {
  const { losses, gram } = inputs ?? {};
  for (const found of [losses, gram]) requireTensor(`weigh tasks by ${name}`, found);
  const tasks = losses.shape[0];
  if (losses.rank !== 1 || gram.rank !== 2 || gram.shape.some((extent) => extent !== tasks)) {
    throw new TypeError(
      `Cannot weigh tasks by ${name}: found losses ${formatAval(losses)} and inner products ` +
        `${formatAval(gram)}, expected f32[tasks] and f32[tasks, tasks].`,
    );
  }
  return tasks!;
}

/**
 * Random key of a step.
 *
 * @param name Name of the method, for the error.
 * @param inputs What the method was given.
 * @returns The key.
 * @throws {TypeError} If there is none.
 */
export function keyOf(name: string, { key }: { readonly key?: Tensor }): Tensor {
  if (!key) {
    throw new TypeError(
      `Cannot weigh tasks by ${name} without a random key: expected { key }. Derive one by ` +
        `foldIn() for every step.`,
    );
  }
  return key;
}
