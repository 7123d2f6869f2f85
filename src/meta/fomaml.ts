/**
 * First-order MAML.
 *
 * @module
 */
import { requireOptions } from "../ir/options.ts";
import type { BilevelProblem } from "./bilevel_problem.ts";
import { type MetaGradient, metaGradient, type MetaGradientOptions } from "./meta_gradient.ts";
import { META_OPTIONS } from "./meta_options.ts";

/**
 * Model-agnostic meta-learning at first order: inner gradients are taken for constants.
 *
 * What the outer loss depends on only through inner gradients, such as pretext heads and loss
 * weights, gets a gradient of zero: give heads their own by `ownGradients`.
 *
 * Source: Finn et al., arXiv 1703.03400, section 5.2.
 *
 * @param problem Inner and outer loss of one task.
 * @param options As for {@linkcode metaGradient}, without the order.
 * @returns The meta-gradient.
 * @throws {TypeError} If an option is not known: the order is not one.
 *
 * @example
 * ```ts
 * import { constant, fomaml, mul, randomKey, sgd, sub, sum, valuesOf } from "@mutasesumele/toolkit";
 * import type { Tensor } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * // L = (x - y)^2 / 2: x' = x - rate (x - y), and the gradient is that of L at x'.
 * const loss = (x: Tensor, _: object, y: Tensor) => mul(sum(mul(sub(x, y), sub(x, y))), 0.5);
 * const meta = fomaml({ inner: loss, outer: loss }, {
 *   innerSteps: 1,
 *   optimizer: sgd(),
 *   innerRate: 0.1,
 * });
 * const task = constant([1], { shape: [1] });
 * const { grads } = meta(
 *   { params: constant(3), shared: {}, rates: {} },
 *   { support: task, query: task, constants: {} },
 *   randomKey(0),
 * );
 * assertAlmostEquals(valuesOf(grads.params)[0]!, 0.9 * 2, 1e-12);
 * ```
 */
export function fomaml<Params, Shared, Rates, Support, Query, Constants, Metrics = unknown>(
  problem: BilevelProblem<Params, Shared, Support, Query, Constants, Metrics>,
  options: Omit<MetaGradientOptions, "order" | "algorithm">,
): MetaGradient<Params, Shared, Rates, Support, Query, Constants, Metrics> {
  requireOptions("fomaml", options, META_OPTIONS);
  return metaGradient(problem, { ...options, order: "first", algorithm: "fomaml" });
}
