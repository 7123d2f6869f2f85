/**
 * Calling weighting methods on the reference interpreter.
 *
 * @module
 */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  type WeighedGradients,
  weighGradients,
  type Weighting,
  type WeightingState,
} from "../../src/multitask/mod.ts";
import { randomKey } from "../../src/random/mod.ts";
import { constant, matmul, slice, transpose, valuesOf } from "../../src/tensor/mod.ts";

/** Weights and state of a step; losses 1 and the first state unless told. */
export function weigh(
  method: Weighting,
  gram: Tensor,
  given: { losses?: Tensor; state?: WeightingState; seed?: number } = {},
) {
  const tasks = gram.shape[0]!;
  return method.weigh({
    losses: given.losses ?? constant(new Array(tasks).fill(1)),
    gram,
    state: given.state ?? method.init(tasks),
    ...(method.needsKey ? { key: randomKey(given.seed ?? 0) } : {}),
  });
}

/** Direction, weights and state of a step whose gradients are rows. */
export function direct(
  method: Weighting,
  rows: Tensor,
  given: { losses?: Tensor; state?: WeightingState; seed?: number; second?: Tensor } = {},
): WeighedGradients<Tensor> {
  const tasks = rows.shape[0]!;
  const each = (of: Tensor): Tensor[] =>
    Array.from({ length: tasks }, (_, task) => slice(of, [task]));
  return weighGradients(method, {
    losses: given.losses ?? constant(new Array(tasks).fill(1)),
    grads: each(rows),
    ...(given.second ? { second: each(given.second) } : {}),
    state: given.state ?? method.init(tasks, [slice(rows, [0])]),
    ...(method.needsKey ? { key: randomKey(given.seed ?? 0) } : {}),
  });
}

/** Inner products of rows. */
export function gramOf(rows: Tensor): Tensor {
  return matmul(rows, transpose(rows));
}

/** Throws unless all numbers agree. */
export function assertNear(
  actual: readonly number[],
  expected: readonly number[],
  tolerance = 1e-9,
): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((value, k) => assertAlmostEquals(value, expected[k]!, tolerance));
}

/** A state of constants, so that a long run is no deep program. */
export function frozen(state: WeightingState): WeightingState {
  return Object.fromEntries(
    Object.entries(state).map(([name, tensor]) => [
      name,
      constant(valuesOf(tensor), { shape: tensor.shape }),
    ]),
  );
}

/** Weights after many calls with the same or changing losses. */
export function after(
  method: Weighting,
  steps: number,
  at: (step: number) => { losses: Tensor; gram: Tensor },
): number[] {
  let state = method.init(at(0).losses.shape[0]!);
  let weights: Tensor | undefined;
  for (let step = 0; step < steps; step++) {
    const { losses, gram } = at(step);
    const result = weigh(method, gram, { losses, state });
    weights = result.weights;
    state = frozen(result.state);
  }
  return valuesOf(weights!);
}
