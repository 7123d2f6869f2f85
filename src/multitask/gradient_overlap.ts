import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { splitKey } from "../random/key.ts";
import { eye, mul, square, sub, sum } from "../tensor/mod.ts";
import { grad } from "../transform/vjp.ts";
import { flatten } from "../tree/tree.ts";
import { gramMatrix } from "./gradients.ts";
import { unitGram } from "./linear_algebra.ts";
import type { MultiTaskLosses } from "./multi_task_gradient.ts";

/**
 * A penalty on the interference of tasks: the squared cosines of the angles between their gradients,
 * to be added to the losses. Its gradient is of second order.
 *
 * Source: Suteu and Guo, arXiv 1912.06844, equation 3.
 *
 * @param losses The losses by name; each gets the same batch and a random key of its own.
 * @param options Which leaves of the parameters count, by path, such as those of the last layer that
 *   all tasks share; all unless told.
 * @returns A pure function of parameters, batch and random key `u32[2]` to the sum of the squared
 *   cosines over all pairs, `f32[]`; a task without a gradient has cosines of 0.
 * @throws {RangeError} If there are fewer than two losses.
 *
 * @example
 * ```ts
 * import { constant, gradientOverlap, randomKey, square, sub, sum, type Tensor } from "@mutasesumele/toolkit";
 * import { valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const to = (target: number[]) => (x: Tensor) => ({
 *   loss: sum(square(sub(x, constant(target)))),
 *   aux: {},
 * });
 * const overlap = gradientOverlap({ a: to([1, 0]), b: to([0, 1]) });
 * // Seen from (2, 0) the gradients go along (1, 0) and (2, -1).
 * assertAlmostEquals(valuesOf(overlap(constant([2, 0]), {}, randomKey(0)))[0]!, 4 / 5);
 * ```
 */
export function gradientOverlap<P, Batch, Aux>(
  losses: MultiTaskLosses<P, Batch, Aux>,
  options: { readonly shared?: (path: string) => boolean } = {},
): (params: P, batch: Batch, key: Tensor) => Tensor {
  requireArguments("gradientOverlap", { losses }, { losses: is.losses });
  requireOptions("gradientOverlap", options, { shared: true });
  const { shared = () => true } = options;
  const names = Object.keys(losses).sort();
  if (names.length < 2) {
    throw new RangeError(
      `Cannot compare the gradients of ${names.length} losses: expected at least two.`,
    );
  }
  return (params, batch, key) => {
    const keys = splitKey(key, names.length);
    const grads = names.map((name, k) => {
      const own = grad((given: P) => losses[name]!(given, batch, keys[k]!).loss)(params);
      const { leaves, paths } = flatten<Tensor>(own);
      return leaves.filter((_, leaf) => shared(paths[leaf]!));
    });
    const { cosines } = unitGram(gramMatrix(grads));
    return mul(sum(square(sub(cosines, eye(names.length)))), 0.5);
  };
}
