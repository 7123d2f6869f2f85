import { formatAval } from "../ir/aval.ts";
import type { Tensor } from "../ir/tensor.ts";
import { add, matmul, mul, reshape, slice, stack, transpose } from "../tensor/mod.ts";
import { assertSameStructure, flatten, unflatten } from "../tree/tree.ts";

/** What a weighting method remembers between steps, tensors by name; `{}` if nothing. */
export interface WeightingState {
  /** A vector with one number for each task, or a scalar. */
  readonly [name: string]: Tensor;
}

/** What weights are computed from. */
export interface WeightingInputs {
  /** Losses of the tasks, `f32[tasks]`. */
  readonly losses: Tensor;
  /** Inner products of the tasks' gradients, `f32[tasks, tasks]`; see {@linkcode gramMatrix}. */
  readonly gram: Tensor;
  /** State from {@linkcode Weighting.init} or the step before. */
  readonly state: WeightingState;
  /** Random key `u32[2]`; read only by methods that {@linkcode Weighting.needsKey}. */
  readonly key?: Tensor;
}

/** Weights of a step. */
export interface Weighted {
  /** Weights `f32[tasks]`: the step goes along the sum of weight times gradient. */
  readonly weights: Tensor;
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
  /** Whether `gram` is read; if not, one gradient of the weighted loss is enough. */
  readonly needsGradients: boolean;
  /** Whether `key` is read. */
  readonly needsKey: boolean;
  /** The state before the first step. */
  init(tasks: number): WeightingState;
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
 * Inner products of gradients with each other.
 *
 * On a device squares below 1e-38 or above 1e38 are no numbers: elements below 1e-19 count as 0, and
 * a gradient longer than 1e19 is infinite. Between, methods do not depend on the scale.
 *
 * @param grads One tree of gradients for each task, all of one structure; leaves that are not `f32`
 *   count nothing.
 * @returns The symmetric matrix `f32[tasks, tasks]` of sums over all parameters.
 * @throws {TypeError} If there is no tree, no `f32` leaf, or the structures differ.
 *
 * @example
 * ```ts
 * import { constant, gramMatrix, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const grads = [{ w: constant([1, 0]) }, { w: constant([2, 3]) }];
 * assertEquals(valuesOf(gramMatrix(grads)), [1, 2, 2, 13]);
 * ```
 */
export function gramMatrix(grads: readonly unknown[]): Tensor {
  const lists = leavesOf(grads);
  const real = lists[0]!.map((_, k) => k).filter((k) => lists[0]![k]!.dtype === "f32");
  return real
    .map((k) => {
      const rows = stack(lists.map((leaves) => reshape(leaves[k]!, [leaves[k]!.size])));
      return matmul(rows, transpose(rows));
    })
    .reduce((total, part) => add(total, part));
}

/**
 * Sum of gradients, each times its weight.
 *
 * @param grads One tree of gradients for each task, all of one structure.
 * @param weights The weights `f32[tasks]`.
 * @returns A tree of that structure; leaves that are not `f32` are those of the first tree.
 * @throws {TypeError} If there is no tree, no `f32` leaf, the structures differ, or the weights do
 *   not fit.
 *
 * @example
 * ```ts
 * import { combineGradients, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const grads = [{ w: constant([1, 0]) }, { w: constant([2, 3]) }];
 * assertEquals(valuesOf(combineGradients(grads, constant([1, 2])).w), [5, 6]);
 * ```
 */
export function combineGradients<P>(grads: readonly P[], weights: Tensor): P {
  const lists = leavesOf(grads);
  if (weights.rank !== 1 || weights.shape[0] !== grads.length) {
    throw new TypeError(
      `Cannot combine ${grads.length} gradients by the weights ${formatAval(weights)}: expected ` +
        `f32[${grads.length}].`,
    );
  }
  const each = grads.map((_, task) => slice(weights, [task]));
  const combined = lists[0]!.map((first, k) =>
    first.dtype !== "f32"
      ? first
      : lists.map((leaves, task) => mul(leaves[k]!, each[task]!)).reduce((a, b) => add(a, b))
  );
  return unflatten<P>(flatten(grads[0]).structure, combined);
}

function leavesOf(grads: readonly unknown[]): Tensor[][] {
  const flat = grads.map((tree) => flatten<Tensor>(tree));
  if (!flat[0]?.leaves.some(({ dtype }) => dtype === "f32")) {
    throw new TypeError(
      "Cannot combine gradients: found none, expected one tree of f32 tensors for each task.",
    );
  }
  for (const { structure } of flat) {
    assertSameStructure(flat[0]!.structure, structure, "combine gradients");
  }
  return flat.map(({ leaves }) => leaves);
}

/**
 * Number of tasks.
 *
 * @param name Name of the method, for the error.
 * @param inputs What weights are computed from.
 * @returns The number.
 * @throws {TypeError} If losses and inner products do not fit.
 */
export function tasksOf(name: string, { losses, gram }: WeightingInputs): number {
  const tasks = losses.shape[0];
  if (losses.rank !== 1 || gram.rank !== 2 || gram.shape.some((extent) => extent !== tasks)) {
    throw new TypeError(
      `Cannot weigh tasks by ${name}: found losses ${formatAval(losses)} and inner products ` +
        `${formatAval(gram)}, expected f32[tasks] and f32[tasks, tasks].`,
    );
  }
  return tasks!;
}
