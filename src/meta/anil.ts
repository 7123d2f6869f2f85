/**
 * ANIL: almost no inner loop.
 *
 * @module
 */
import { describe } from "../ir/describe.ts";
import { requireOptions } from "../ir/options.ts";
import type { BilevelProblem } from "./bilevel_problem.ts";
import { type MetaGradient, metaGradient, type MetaGradientOptions } from "./meta_gradient.ts";
import { META_OPTIONS } from "./meta_options.ts";

/**
 * ANIL: the inner loop adapts the head alone; the body is meta-learned but not adapted.
 *
 * For the opposite, an adapted body under a fixed head, call `maml` with a predicate `adapt` that
 * leaves the head out (BOIL, arXiv 2008.08882).
 *
 * Source: Raghu et al., arXiv 1909.09157, section 4.
 *
 * @param problem Inner and outer loss of one task.
 * @param options As for {@linkcode metaGradient}, and `head`: which parameters are the head, by
 *   path.
 * @returns The meta-gradient.
 *
 * @example
 * ```ts
 * import { anil, constant, mul, randomKey, sgd, sub, sum, valuesOf } from "@mutasesumele/toolkit";
 * import type { Tensor } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * interface Model { readonly body: Tensor; readonly head: Tensor }
 * const loss = ({ body, head }: Model, _: object, y: Tensor) => {
 *   const error = sub(mul(body, head), y);
 *   return mul(sum(mul(error, error)), 0.5);
 * };
 * const meta = anil({ inner: loss, outer: loss }, {
 *   head: (path) => path === "head",
 *   innerSteps: 1,
 *   optimizer: sgd(),
 *   innerRate: 0.1,
 * });
 * const task = constant([1], { shape: [1] });
 * const { adapted } = meta(
 *   { params: { body: constant(2), head: constant(3) }, shared: {}, rates: {} },
 *   { support: task, query: task, constants: {} },
 *   randomKey(0),
 * );
 * assertAlmostEquals(valuesOf(adapted.body)[0]!, 2);
 * assertAlmostEquals(valuesOf(adapted.head)[0]!, 3 - 0.1 * 2 * 5, 1e-7);
 * ```
 */
export function anil<Params, Shared, Rates, Support, Query, Constants, Metrics = unknown>(
  problem: BilevelProblem<Params, Shared, Support, Query, Constants, Metrics>,
  options: Omit<MetaGradientOptions, "adapt" | "algorithm"> & {
    readonly head: (path: string) => boolean;
  },
): MetaGradient<Params, Shared, Rates, Support, Query, Constants, Metrics> {
  const { adapt: _, ...own } = META_OPTIONS;
  // The meta-gradient looks at the optimizer.
  requireOptions("anil", options, { ...own, optimizer: true, order: true, head: true });
  const { head, ...rest } = options;
  if (typeof head !== "function") {
    throw new TypeError(
      `Cannot call anil(): found ${
        describe(head)
      } for 'head', expected a function that tells the ` +
        `parameters of the head by their path: (path) => path.startsWith("output").`,
    );
  }
  return metaGradient(problem, { ...rest, adapt: head, algorithm: "anil" });
}
