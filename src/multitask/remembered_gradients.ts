/**
 * Gradients of all tasks in the state of a method.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import { zeros } from "../tensor/mod.ts";
import type { WeightingState } from "./weighting.ts";

const STATE = "gradients";

/**
 * State of zeros like the gradients of all tasks.
 *
 * @param name Name of the method, for the error.
 * @param tasks Number of tasks.
 * @param shared The tensors of the shared parameters.
 * @returns One tensor `f32[tasks, ...]` for each, named by its place.
 * @throws {TypeError} If `shared` is missing.
 */
export function gradientState(
  name: string,
  tasks: number,
  shared: readonly Tensor[] | undefined,
): WeightingState {
  if (!shared) {
    throw new TypeError(
      `Cannot start ${name} without the shared parameters, of which it remembers gradients: ` +
        `expected init(tasks, tensors). multiTaskInit() hands them over.`,
    );
  }
  return Object.fromEntries(
    shared.map(({ shape }, k) => [`${STATE}${k}`, zeros([tasks, ...shape])]),
  );
}

/** Takes what {@linkcode gradientState} made out of a state. */
export function rememberedOf(state: WeightingState, count: number): Tensor[] {
  return Array.from({ length: count }, (_, k) => state[`${STATE}${k}`]!);
}

/** The same state with other gradients. */
export function remember(state: WeightingState, tensors: readonly Tensor[]): WeightingState {
  return {
    ...state,
    ...Object.fromEntries(tensors.map((tensor, k) => [`${STATE}${k}`, tensor])),
  };
}
