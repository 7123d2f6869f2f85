/**
 * The update of the inner loop.
 *
 * @module
 */
import { Tensor } from "../ir/tensor.ts";
import type { Optimizer, OptimizerState, Rate, Updated } from "../optim/mod.ts";
import { vmap } from "../transform/vmap.ts";
import { flatten } from "../tree/tree.ts";
import type { ByPath } from "./fast_weights.ts";

/** How fast weights are updated. */
export interface InnerUpdate {
  /** The optimizer, such as `sgd()`. */
  readonly optimizer: Optimizer;
  /** Its rate where no rates are learned. */
  readonly innerRate?: number;
}

/** What an inner update works on. */
export interface UpdateInput {
  /** Fast weights before the step, each `[task, ...]`. */
  readonly params: ByPath;
  /** Their gradients. */
  readonly grads: ByPath;
  /** State of the optimizer, each tensor `[task, ...]`. */
  readonly state: OptimizerState;
  /**
   * Learned rates without a task axis: `{}` (none), `{ all }` (one scalar), or for each adapted
   * parameter by its path a scalar or a tensor of the parameter's shape.
   */
  readonly rates: unknown;
}

/**
 * The update of every task.
 *
 * @param update The optimizer and its fixed rate.
 * @param input Parameters, gradients and state of all tasks, and the rates that they share.
 * @returns Parameters and state after the step.
 * @throws {TypeError} If there is neither a fixed nor a learned rate, or both, or if the learned
 *   rates do not fit the parameters.
 */
export function updateTasks(
  { optimizer, innerRate }: InnerUpdate,
  { params, grads, state, rates }: UpdateInput,
): Updated<ByPath> {
  const rate = chooseRate(innerRate, rates, params);
  return vmap((ownParams: ByPath, ownGrads: ByPath, ownState: OptimizerState) =>
    optimizer.update(ownGrads, ownState, ownParams, { rate })
  )(params, grads, state);
}

function chooseRate(innerRate: number | undefined, rates: unknown, params: ByPath): Rate {
  const { leaves, paths } = flatten<unknown>(rates);
  if (leaves.length > 0 && innerRate !== undefined) {
    throw new TypeError(
      `Cannot update fast weights: found the fixed rate ${innerRate} and learned rates for ` +
        `[${paths.join(", ")}], expected one of both. Leave out 'innerRate' or pass rates {}.`,
    );
  }
  if (leaves.length === 0) {
    if (innerRate !== undefined) return innerRate;
    throw new TypeError(
      "Cannot update fast weights: found no rate, expected a fixed or a learned one. " +
        "Set 'innerRate' or pass rates made by initialRates().",
    );
  }
  const [first] = leaves;
  if (paths.join() === "all" && first instanceof Tensor) return first;
  const names = Object.keys(params).sort();
  const given = Object.keys(rates as ByPath).sort();
  if (names.join() !== given.join()) {
    throw new TypeError(
      `Cannot update fast weights: found learned rates for [${given.join(", ")}], expected ` +
        `them for [${names.join(", ")}]. Make them by initialRates() with the same 'adapt'.`,
    );
  }
  return rates as ByPath;
}
