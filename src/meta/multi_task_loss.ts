/**
 * Several named losses as one: each with an own head, own data, an own key and a weight.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { add } from "../ops/add.ts";
import { splitKey } from "../random/key.ts";
import { mul } from "../tensor/arithmetic.ts";
import { lossWithMetrics, type TaskLoss } from "./bilevel_problem.ts";

/** The differentiated inputs of a {@linkcode multiTaskLoss} besides the parameters. */
export interface MultiTaskShared<Heads> {
  /** For each loss the parameters of its head; `{}` if it has none. */
  readonly heads: Heads;
  /** Learned weights, `f32[]` by name of the loss; losses left out have their fixed weight. */
  readonly weights?: Readonly<Record<string, Tensor>>;
}

/** Metrics of a {@linkcode multiTaskLoss}. */
export interface MultiTaskMetrics {
  /** Losses without their weights, `f32[]` by name. */
  readonly losses: Readonly<Record<string, Tensor>>;
  /** Metrics of each loss, by name. */
  readonly metrics: Readonly<Record<string, unknown>>;
}

/**
 * Adds named losses up to one loss `sum_k w_k L_k(params, head_k, batch_k)`.
 *
 * @param losses The losses by name; each gets its own head, its own batch and its own random key.
 * @param options Fixed weights by name, default 1; a learned weight in `shared.weights` replaces
 *   the fixed one.
 * @returns A loss of parameters, `{ heads, weights }`, batches by name and context. Its metrics are
 *   {@linkcode MultiTaskMetrics}.
 * @throws {RangeError} If there is no loss, or a weight names none of them.
 *
 * @example
 * ```ts
 * import { constant, multiTaskLoss, mul, sum, type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const square = (x: Tensor) => sum(mul(x, x));
 * const loss = multiTaskLoss<Tensor, { a: object; b: object }, { a: object; b: object }>(
 *   { a: square, b: (x) => sum(x) },
 *   { weights: { b: 10 } },
 * );
 * const key = constant([0, 1], { dtype: "u32" });
 * const none = { a: {}, b: {} };
 * const result = loss(constant([1, 2]), { heads: none }, none, { key, constants: {} });
 * assertEquals(valuesOf(result.loss), [35]);
 * assertEquals(valuesOf(result.metrics.losses.b!), [3]);
 * ```
 */
export function multiTaskLoss<
  Params,
  Heads,
  Batches extends Record<keyof Heads, unknown>,
  C = unknown,
>(
  losses: { readonly [Name in keyof Heads]: TaskLoss<Params, Heads[Name], Batches[Name], C> },
  options: { readonly weights?: Readonly<Partial<Record<keyof Heads, number>>> } = {},
): (
  params: Params,
  shared: MultiTaskShared<Heads>,
  batches: Batches,
  context: { readonly key: Tensor; readonly constants: C },
) => { readonly loss: Tensor; readonly metrics: MultiTaskMetrics } {
  requireArguments("multiTaskLoss", { losses }, { losses: is.losses });
  requireOptions("multiTaskLoss", options, { weights: true });
  const names = (Object.keys(losses) as (keyof Heads & string)[]).sort();
  if (names.length === 0) {
    throw new RangeError("Cannot add losses up: found none, expected at least one.");
  }
  demandKnown(Object.keys(options.weights ?? {}), names);
  return (params, { heads, weights = {} }, batches, { key, constants }) => {
    demandKnown(Object.keys(weights), names);
    const keys = splitKey(key, names.length);
    const values: Record<string, Tensor> = {};
    const metrics: Record<string, unknown> = {};
    names.forEach((name, k) => {
      const context = { key: keys[k]!, constants };
      const result = lossWithMetrics(
        losses[name](params, heads[name], batches[name], context),
        name,
      );
      values[name] = result.loss;
      metrics[name] = result.metrics;
    });
    const loss = names
      .map((name) => mul(values[name]!, weights[name] ?? options.weights?.[name] ?? 1))
      .reduce(add);
    return { loss, metrics: { losses: values, metrics } };
  };
}

function demandKnown(found: readonly string[], names: readonly string[]): void {
  const unknown = found.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new RangeError(
      `Cannot weight the loss '${unknown}': found no such loss, expected one of ${
        names.join(", ")
      }.`,
    );
  }
}
