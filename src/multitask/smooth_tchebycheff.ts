import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import {
  add,
  constant,
  div,
  full,
  greater,
  less,
  log,
  maximum,
  minimum,
  mul,
  softmax,
  sub,
  where,
  zeros,
} from "../tensor/mod.ts";
import { positive } from "./positive_losses.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode smoothTchebycheff}. */
export interface SmoothTchebycheffOptions {
  /** How smooth the largest is: the smaller, the sharper; 1 unless told. */
  readonly mu?: number;
  /** What each loss counts, in the order of the sorted names; `1 / tasks` unless told. */
  readonly preference?: readonly number[];
  /** What each loss could reach at best; 0 unless told. */
  readonly ideal?: readonly number[];
  /**
   * If given, the first steps descend on the sum of the logarithms and measure the mean losses `n`
   * as scale; then the objective is that of `log(loss / n)`, times the number of tasks.
   */
  readonly warmup?: number;
}

/**
 * STCH: descent on the smooth maximum of the losses, `mu log sum exp(w (loss - ideal) / mu)`: for
 * small `mu` on the worst loss alone, so that every Pareto optimum can be reached.
 *
 * As it stands the method depends on the scale of the losses; with `warmup` it does not, as in the
 * paper's experiments on deep networks. Losses that are not positive then count as 1e-30.
 *
 * Source: Lin et al., arXiv 2402.19078, equations 12 and 13.
 *
 * @param options Smoothness, preference, ideal losses, warm-up.
 * @returns The method; its weights are at most the preferences (without `warmup` or preferences
 *   they add up to `1 / tasks`), its state is `total` and `count` of the warm-up, if there is one.
 *
 * @example
 * ```ts
 * import { constant, eye, smoothTchebycheff, valuesOf } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const inputs = { losses: constant([1, 4]), gram: eye(2), state: {} };
 * const [a, b] = valuesOf(smoothTchebycheff({ mu: 0.1 }).weigh(inputs).weights);
 * assert(a! < 1e-6 && b! > 0.499);
 * ```
 */
export function smoothTchebycheff(options: SmoothTchebycheffOptions = {}): Weighting {
  requireOptions("smoothTchebycheff", options, {
    mu: is.optionalNumber,
    preference: true,
    ideal: true,
    warmup: is.optionalNumber,
  });
  const { mu = 1, warmup } = options;
  return {
    name: "stch",
    scale: "free",
    needsGradients: false,
    needsKey: false,
    init: (tasks): Record<string, ReturnType<typeof zeros>> =>
      warmup === undefined ? {} : { total: zeros([tasks]), count: zeros([]) },
    weigh(inputs) {
      const tasks = tasksOf("STCH", inputs);
      const preference = options.preference
        ? constant(options.preference)
        : full([tasks], { value: 1 / tasks });
      const { losses, state } = inputs;
      if (warmup === undefined) {
        const above = options.ideal ? sub(losses, constant(options.ideal)) : losses;
        const shares = softmax(div(mul(preference, above), mu));
        return { weights: mul(preference, shares), state };
      }
      const safe = positive(losses);
      const { total, count } = state;
      const warm = less(count!, warmup);
      const nadir = positive(div(total!, maximum(count!, 1)));
      const logarithms = log(div(safe, where(greater(total!, 0), nadir, safe)));
      const shares = mul(softmax(div(logarithms, mu)), tasks);
      return {
        weights: div(where(warm, 1, shares), safe),
        state: {
          total: where(warm, add(total!, losses), total!),
          count: minimum(add(count!, 1), warmup),
        },
      };
    },
  };
}
