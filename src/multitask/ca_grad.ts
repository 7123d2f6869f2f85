import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import {
  add,
  div,
  dot,
  greater,
  matmul,
  max,
  maximum,
  minimum,
  mul,
  slice,
  stack,
  sub,
  sum,
  where,
} from "../tensor/mod.ts";
import { demandFew, fulfilling, solveOnFaces, subsets } from "./active_sets.ts";
import { rootOf, unitGram } from "./linear_algebra.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode caGrad}. */
export interface CaGradOptions {
  /** Radius of the search around the mean gradient, in its lengths, from 0 below 1; 0.4 unless told. */
  readonly radius?: number;
}

/** Most that the worst combination counts, over the mean gradient. */
const LARGEST = 1e4;

/**
 * CAGrad: of the directions near the mean gradient `g`, `|d - g| <= c |g|`, the one that improves
 * the worst improved task most.
 *
 * Solved exactly through the dual: minimize `<g_w, g> + c |g| |g_w|` over weights `w` of the simplex,
 * `g_w` their combination; then `d = g + c |g| g_w / |g_w|`. On every face the solution is that of a
 * quadratic equation; the one that fulfils the conditions of the optimum best is taken.
 *
 * Source: Liu et al., arXiv 2110.14048, equations 2 to 5. The authors' program besides divides the step by
 * `1 + c^2`.
 *
 * @param options The radius `c`.
 * @returns The method, for 1 to 10 tasks. Its weights are `1/K` and what the worst tasks get: the
 *   combined gradient has between `1 - c` and `1 + c` times the length of the mean.
 * @throws {RangeError} If the radius is not in `[0, 1)`.
 *
 * @example
 * ```ts
 * import { caGrad, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * // The second gradient is short: it is favoured.
 * const gram = constant([[4, 0], [0, 1]]);
 * const inputs = { losses: constant([1, 1]), gram, state: {} };
 * const [a, b] = valuesOf(caGrad({ radius: 0.5 }).weigh(inputs).weights);
 * assertAlmostEquals(a!, 0.5);
 * assertAlmostEquals(b!, 0.5 + Math.sqrt(5) / 4);
 * ```
 */
export function caGrad(options: CaGradOptions = {}): Weighting {
  requireOptions("caGrad", options, { radius: is.optionalNumber });
  const { radius = 0.4 } = options;
  if (!(radius >= 0 && radius < 1)) {
    throw new RangeError(`Cannot search at the radius ${radius}: expected it from 0 below 1.`);
  }
  return {
    name: "cagrad",
    scale: "free",
    own: "plain",
    needsGradients: true,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("CAGrad", inputs);
      demandFew("CAGrad", tasks);
      const { cosines, lengths, inverse } = unitGram(inputs.gram);
      const longest = max(lengths);
      const relative = div(lengths, where(greater(longest, 0), longest, 1));
      const extra = radius === 0
        ? mul(lengths, 0)
        : mul(worst(cosines, relative, radius), mul(inverse, longest));
      return { weights: add(extra, 1 / tasks), state: inputs.state };
    },
  };
}

/**
 * Coefficients of the unit gradients of `c |g| g_w / |g_w|`.
 *
 * With `v` those of `g_w`, `z` one over the lengths, `b = C lengths / K` the products with the mean:
 * on a face `b + (s / r) C v = m z`, where `s = c |g|` and `r = |g_w|`. So
 * `v = (r / s) (m x - y)`, `x = C^-1 z`, `y = C^-1 b`, and `v' C v = r^2` is a quadratic equation in `m`.
 */
function worst(cosines: Tensor, lengths: Tensor, radius: number): Tensor {
  const tasks = lengths.shape[0]!;
  const faces = subsets(tasks);
  const present = greater(lengths, 0);
  const z = where(present, div(1, where(present, lengths, 1)), 0);
  const b = mul(matmul(cosines, lengths), 1 / tasks);
  const squared = mul(sum(mul(b, lengths)), radius * radius / tasks);
  const solved = solveOnFaces(faces, cosines, stack([z, b], { axis: 1 }));
  const [x, y] = [0, 1].map((column) => slice(solved, [null, null, column]));
  const a = total(mul(x!, z));
  const half = total(mul(x!, b));
  const rest = sub(total(mul(y!, b)), squared);
  const root = rootOf(sub(mul(half, half), mul(a, rest)));
  const m = div(add(half, root), maximum(a, 1e-30));
  // The direction v / r, times s; its length is s.
  const scaled = sub(mul(m, x!), y!);
  const slack = sub(add(matmul(scaled, cosines), b), mul(m, z));
  const found = minimum(maximum(fulfilling(scaled, minimum(scaled, slack)), 0), LARGEST);
  // On a face of gradients that depend on each other the equation may have no solution, and what rounding makes of
  // it may be longer than s, which would leave the ball.
  const [own, most] = [rootOf(dot(found, matmul(cosines, found))), rootOf(squared)];
  const outside = greater(own, most);
  return mul(found, where(outside, div(most, where(outside, own, 1)), 1));
}

/** Sums of rows, as a column. */
function total(x: Tensor): Tensor {
  return sum(x, { axes: 1, keepAxes: true });
}
