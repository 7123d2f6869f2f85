/**
 * The log-rank test: do groups of runs reach their target at the same rate?
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { assertObservations, type Observation } from "./kaplan_meier.ts";
import { chiSquareSurvival } from "./special_functions.ts";

/** Result of {@linkcode logRankTest}. */
export interface LogRankResult {
  /** The statistic. */
  readonly chiSquare: number;
  /** Groups that could be compared, minus one; the rank of the covariance. */
  readonly degreesOfFreedom: number;
  /** Chance of a statistic at least as large if the groups do not differ. */
  readonly pValue: number;
  /** Targets reached in each group. */
  readonly observed: readonly number[];
  /** Targets expected in each group if they did not differ. */
  readonly expected: readonly number[];
}

/**
 * Compares the times to the target of two or more groups (Mantel 1966, Peto and Peto 1972): observed minus
 * expected events `z`, their hypergeometric covariance `V`, and `z' V^- z` with a generalised inverse,
 * compared with the chi-square distribution of as many degrees as `V` has rank: one less than there
 * are groups. A group without events is compared like any other; one of which no run was under way
 * when any target was reached tells nothing, and takes no degree (as in `survdiff` of R).
 *
 * @param groups At least two groups of at least one run.
 * @throws {RangeError} If there are fewer groups, or no two groups can be compared.
 *
 * @example
 * ```ts
 * import { logRankTest } from "@mutasesumele/toolkit/report";
 * import { assert } from "@std/assert";
 *
 * const fast = [10, 12, 14, 15, 18].map((time) => ({ time, reached: true }));
 * const slow = [30, 34, 35, 39, 50].map((time) => ({ time, reached: time < 50 }));
 * assert(logRankTest([fast, slow]).pValue < 0.01);
 * ```
 */
export function logRankTest(groups: readonly (readonly Observation[])[]): LogRankResult {
  requireArguments("logRankTest", { groups }, { groups: is.listOf(is.list) });
  if (groups.length < 2) {
    throw new RangeError(`Cannot compare ${groups.length} groups: expected at least 2.`);
  }
  for (const group of groups) assertObservations(group);
  const runs = groups.flat();
  const times = new Set(runs.filter((run) => run.reached).map((run) => run.time));
  const observed = groups.map((group) => group.filter((run) => run.reached).length);
  const expected = groups.map(() => 0);
  const covariance = groups.map(() => groups.map(() => 0));
  for (const time of times) {
    const atRisk = groups.map((group) => group.filter((run) => run.time >= time).length);
    const total = atRisk.reduce((sum, count) => sum + count, 0);
    const events = runs.filter((run) => run.reached && run.time === time).length;
    for (const [i, n] of atRisk.entries()) {
      expected[i]! += (events * n) / total;
      if (total === 1) continue;
      const factor = (events * (total - events)) / (total - 1) / total ** 2;
      for (const [j, m] of atRisk.entries()) {
        covariance[i]![j]! += factor * n * ((i === j ? total : 0) - m);
      }
    }
  }
  const excess = observed.map((count, i) => count - expected[i]!);
  const { value: chiSquare, rank } = inverseForm(covariance, excess);
  if (rank === 0) {
    throw new RangeError(
      "Cannot compare the groups: no target was reached while runs of two of them were still under " +
        "way.",
    );
  }
  return {
    chiSquare,
    degreesOfFreedom: rank,
    pValue: chiSquareSurvival(chiSquare, rank),
    observed,
    expected,
  };
}

/**
 * `z' V^- z` and the rank of a symmetric, positive semidefinite `V` whose range holds `z`, by
 * elimination with the largest pivot of the diagonal.
 */
function inverseForm(
  matrix: readonly (readonly number[])[],
  vector: readonly number[],
): { readonly value: number; readonly rank: number } {
  const rows = matrix.map((row) => [...row]);
  const rest = [...vector];
  const left = new Set(vector.keys());
  const scale = rows.reduce((largest, row, i) => Math.max(largest, row[i]!), 0);
  let value = 0;
  let rank = 0;
  for (;;) {
    const pivot = [...left].reduce((best, i) => rows[i]![i]! > rows[best]![best]! ? i : best);
    if (!(rows[pivot]![pivot]! > 1e-10 * scale)) return { value, rank };
    left.delete(pivot);
    rank++;
    value += rest[pivot]! ** 2 / rows[pivot]![pivot]!;
    for (const i of left) {
      const ratio = rows[i]![pivot]! / rows[pivot]![pivot]!;
      rest[i]! -= ratio * rest[pivot]!;
      for (const k of left) rows[i]![k]! -= ratio * rows[pivot]![k]!;
    }
    if (left.size === 0) return { value, rank };
  }
}
