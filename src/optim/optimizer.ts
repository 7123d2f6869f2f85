import { describe } from "../ir/describe.ts";
import { requireCall } from "../ir/options.ts";
import { Tensor } from "../ir/tensor.ts";
import { assertSameStructure, flatten, unflatten } from "../tree/tree.ts";

/** A learning rate: a number, a scalar tensor, or a tree like the parameters with one for each. */
export type Rate = number | Tensor | object;

/** What an optimizer remembers between steps: a tree of tensors; `{}` if nothing. */
export interface OptimizerState {
  /** Trees of the structure of the parameters, or scalar tensors. */
  readonly [name: string]: unknown;
}

/** A step's result. */
export interface Updated<P> {
  /** The new parameters. */
  readonly params: P;
  /** The new state. */
  readonly state: OptimizerState;
}

/**
 * An optimizer: a pair of pure, differentiable functions over trees of parameters.
 */
export interface Optimizer {
  /** The state before the first step. */
  init<P>(params: P): OptimizerState;
  /** One step from gradients (a tree like the parameters), at a learning rate. */
  update<P>(
    grads: P,
    state: OptimizerState,
    params: P,
    options: { readonly rate: Rate },
  ): Updated<P>;
}

/**
 * Makes an optimizer whose updates say which of their arguments is missing.
 *
 * @param kept Names of what its state holds.
 * @param optimizer The optimizer.
 * @returns The same, with checks.
 */
export function checked(kept: readonly string[], optimizer: Optimizer): Optimizer {
  return {
    init: optimizer.init,
    update(grads, state, params, options) {
      if (kept.some((name) => state?.[name] === undefined)) {
        throw new TypeError(
          `Cannot update parameters: found ${
            describe(state)
          } as the state, expected ${kept} of init(params).`,
        );
      }
      requireCall("update", arguments, 3, 4);
      return optimizer.update(grads, state, params, options ?? {});
    },
  };
}

/**
 * Applies a function to corresponding leaves of trees like the first one.
 *
 * @param fn From one leaf of each tree to one or several tensors.
 * @param trees Trees of one structure.
 * @returns One tree for each tensor that `fn` returns.
 */
export function mapLeaves<P>(
  fn: (...leaves: Tensor[]) => readonly Tensor[],
  trees: readonly [P, ...unknown[]],
): P[] {
  const [first, ...rest] = trees.map((tree) => flatten<Tensor>(tree));
  for (const { structure } of rest) {
    assertSameStructure(first!.structure, structure, "update parameters");
  }
  const results = first!.leaves.map((leaf, k) => fn(leaf, ...rest.map(({ leaves }) => leaves[k]!)));
  const count = results[0]?.length ?? 1;
  return Array.from(
    { length: count },
    (_, at) => unflatten<P>(first!.structure, results.map((tensors) => tensors[at]!)),
  );
}

/**
 * Learning rates for every leaf.
 *
 * @param rate One for all, or a tree like the parameters.
 * @param params The parameters.
 * @returns One rate for each leaf of `params`, in order.
 * @throws {TypeError} If the tree has another structure.
 */
export function ratesOf(rate: Rate, params: unknown): (Tensor | number)[] {
  const { leaves, structure } = flatten<Tensor>(params);
  if (rate === undefined) {
    throw new TypeError(
      "Cannot update parameters: found no learning rate, expected { rate } after the parameters.",
    );
  }
  if (typeof rate === "number" || rate instanceof Tensor) return leaves.map(() => rate);
  const rates = flatten<Tensor>(rate);
  assertSameStructure(structure, rates.structure, "use a tree of learning rates");
  return rates.leaves;
}

/**
 * Moves parameters against directions: `params - rate * direction`.
 *
 * @param params The parameters.
 * @param directions A tree like `params`.
 * @param rate The learning rate.
 * @param step From a parameter, its direction and its rate to the new parameter.
 * @returns The new parameters.
 */
export function descend<P>(
  params: P,
  directions: P,
  { rate, step }: {
    readonly rate: Rate;
    readonly step: (param: Tensor, direction: Tensor, rate: Tensor | number) => Tensor;
  },
): P {
  const rates = ratesOf(rate, params);
  let next = 0;
  return mapLeaves((param, direction) => [step(param, direction, rates[next++]!)], [
    params,
    directions,
  ])[0]!;
}
