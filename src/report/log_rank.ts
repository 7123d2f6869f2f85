/**
 * The log-rank test: do groups of runs reach their target at the same rate?
 *
 * @module
 */
import { assertObservations, type Observation } from "./kaplan_meier.ts";
import { chiSquareSurvival } from "./special_functions.ts";

/** Result of {@linkcode logRankTest}. */
export interface LogRankResult {
  /** The statistic. */
  readonly chiSquare: number;
  /** Number of groups minus one. */
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
 * expected events `z`, their hypergeometric covariance `V`, and `z' V^-1 z` over all groups but the last,
 * compared with the chi-square distribution.
 *
 * @param groups At least two groups of at least one run.
 * @throws {RangeError} If there are fewer groups, or no run of a pair of groups can be compared.
 *
 * @example
 * ```ts
 * import { logRankTest } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const fast = [10, 12, 14, 15, 18].map((time) => ({ time, reached: true }));
 * const slow = [30, 34, 35, 39, 50].map((time) => ({ time, reached: time < 50 }));
 * assert(logRankTest([fast, slow]).pValue < 0.01);
 * ```
 */
export function logRankTest(groups: readonly (readonly Observation[])[]): LogRankResult {
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
  const size = groups.length - 1;
  const excess = observed.slice(0, size).map((count, i) => count - expected[i]!);
  const weights = solve(covariance.slice(0, size).map((row) => row.slice(0, size)), excess);
  const chiSquare = excess.reduce((sum, value, i) => sum + value * weights[i]!, 0);
  return {
    chiSquare,
    degreesOfFreedom: size,
    pValue: chiSquareSurvival(chiSquare, size),
    observed,
    expected,
  };
}

/** Solves a small symmetric positive definite system by Gaussian elimination. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const size = rows.length;
  const scale = rows.reduce((largest, row, i) => Math.max(largest, row[i]!), 0);
  for (let i = 0; i < size; i++) {
    const pivot = rows[i]!;
    if (!(pivot[i]! > 1e-12 * scale)) {
      throw new RangeError(
        "Cannot compare the groups: no target was reached while runs of both were still under way.",
      );
    }
    for (let j = i + 1; j < size; j++) {
      const ratio = rows[j]![i]! / pivot[i]!;
      rows[j] = rows[j]!.map((value, k) => value - ratio * pivot[k]!);
    }
  }
  const solution = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i--) {
    let value = rows[i]![size]!;
    for (let j = i + 1; j < size; j++) value -= rows[i]![j]! * solution[j]!;
    solution[i] = value / rows[i]![i]!;
  }
  return solution;
}
