/**
 * Meta-SGD.
 *
 * @module
 */
import { requireOptions } from "../ir/options.ts";
import { sgd } from "../optim/mod.ts";
import type { BilevelProblem } from "./bilevel_problem.ts";
import type { ByPath } from "./fast_weights.ts";
import { type MetaGradient, metaGradient, type MetaGradientOptions } from "./meta_gradient.ts";
import { META_OPTIONS } from "./meta_options.ts";

/**
 * Meta-SGD: initial parameters and a rate for each of their elements are learned together,
 * `theta' = theta - alpha * g` (elementwise).
 *
 * `meta.rates` are the rates, made by `initialRates(params, { rate, per: "element" })`. A rate for
 * each tensor or one for all works as well, and `ratesPerStep` gives each step its own (MAML++).
 *
 * Source: Li et al., arXiv 1707.09835, algorithm 1.
 *
 * @param problem Inner and outer loss of one task.
 * @param options As for {@linkcode metaGradient}; the inner optimizer is gradient descent.
 * @returns The meta-gradient.
 *
 * @example
 * ```ts
 * import { constant, initialRates, metaSgd, mul, randomKey, sub, sum } from "@mutasesumele/toolkit";
 * import { type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const loss = ({ x }: { x: Tensor }, _: object, y: Tensor) =>
 *   mul(sum(mul(sub(x, y), sub(x, y))), 0.5);
 * const params = { x: constant(3) };
 * const task = constant([1], { shape: [1] });
 * const { grads } = metaSgd({ inner: loss, outer: loss }, { innerSteps: 1 })(
 *   { params, shared: {}, rates: initialRates(params, { rate: 0.1, per: "element" }) },
 *   { support: task, query: task, constants: {} },
 *   randomKey(0),
 * );
 * // dL/dalpha = -(x' - y) g with x' - y = 0.9 * 2 and g = 2.
 * assertAlmostEquals(valuesOf(grads.rates["x"]!)[0]!, -0.9 * 2 * 2, 1e-7);
 * ```
 */
export function metaSgd<Params, Shared, Support, Query, Constants, Metrics = unknown>(
  problem: BilevelProblem<Params, Shared, Support, Query, Constants, Metrics>,
  options: Omit<MetaGradientOptions, "optimizer" | "innerRate" | "algorithm">,
): MetaGradient<Params, Shared, ByPath, Support, Query, Constants, Metrics> {
  const { optimizer: _, innerRate: __, ...own } = META_OPTIONS;
  requireOptions("metaSgd", options, { ...own, order: true });
  return metaGradient(problem, { ...options, optimizer: sgd(), algorithm: "meta-sgd" });
}
