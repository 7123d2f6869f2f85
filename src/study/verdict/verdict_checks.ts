/**
 * Arms that must give equal figures, such as a placebo that switches the method off and what is left of it.
 *
 * @module
 */
import { sideOf, type StudyUnits } from "./study_units.ts";
import type { PairedOutcomes } from "./verdict_cell.ts";
import type { PlannedCheck, VerdictPlan } from "./verdict_plan.ts";

/** How a check came out in one regime. */
export interface CheckResult extends PlannedCheck {
  /** The regime. */
  readonly regime: string;
  /** `open` while a planned seed is missing, or where nothing may be compared. */
  readonly state: "passed" | "failed" | "open";
  /** Number of pairs. */
  readonly pairs: number;
  /** Largest difference of a test accuracy or an evaluation; absent without a pair. */
  readonly largest?: number;
  /** What was found, in words. */
  readonly detail: string;
}

/**
 * Compares test accuracy and every evaluation of two arms at every seed.
 *
 * @param check What must be equal.
 * @param options Regime, planned seeds and units.
 */
export function runCheck(
  check: PlannedCheck,
  { regime, plan, store }: {
    readonly regime: string;
    readonly plan: VerdictPlan;
    readonly store: StudyUnits;
  },
): CheckResult {
  const { seeds } = plan;
  const ends = { candidate: sideOf(check.candidate), control: sideOf(check.control) };
  const { pairs, missing, refused } = store.pair(ends, { regime, seeds });
  const base = { ...check, regime, pairs: pairs.length };
  if (refused !== undefined) return { ...base, state: "open", detail: refused };
  if (pairs.length === 0) {
    return { ...base, state: "open", detail: `missing: ${missing.join("; ")}` };
  }
  const found = pairs.map((pair) => ({ seed: pair.seed, ...largestDifference(pair) }));
  const worst = found.reduce((a, b) => b.size > a.size ? b : a);
  const largest = worst.size;
  const where = `largest difference ${
    largest.toPrecision(3)
  }, ${worst.where} of seed ${worst.seed}`;
  // One pair that differs has failed, whatever is still to come.
  if (largest > check.tolerance) return { ...base, state: "failed", largest, detail: where };
  return missing.length > 0
    ? { ...base, state: "open", largest, detail: `${where}; missing: ${missing.join("; ")}` }
    : { ...base, state: "passed", largest, detail: where };
}

function largestDifference(
  { candidate, control }: PairedOutcomes,
): { readonly size: number; readonly where: string } {
  if (candidate.curve.length !== control.curve.length) {
    const lengths = `${candidate.curve.length} and ${control.curve.length}`;
    return { size: 1, where: `curves of ${lengths} evaluations` };
  }
  const curve = candidate.curve.map(({ accuracy, steps }, at) => ({
    size: Math.abs(accuracy - control.curve[at]!.accuracy),
    where: `evaluation at step ${steps}`,
  }));
  const test = {
    size: Math.abs(candidate.test.accuracy - control.test.accuracy),
    where: "test accuracy",
  };
  return curve.reduce((a, b) => b.size > a.size ? b : a, test);
}
