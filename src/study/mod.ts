/**
 * Studies: units of arms, regimes and seeds, and the verdict on them.
 *
 * @example How long a run took to reach a target
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseSeeds } from "@mutasesumele/toolkit/study";
 *
 * assertEquals(parseSeeds("0-2,7"), [0, 1, 2, 7]);
 * ```
 *
 * @module
 */
export { parseSeeds } from "./seed_list.ts";
export { type StoredUnit } from "./stored_unit.ts";
export { type TargetOptions, type TargetTime, timeToTarget } from "./verdict/time_to_target.ts";
export type {
  Cost,
  Evaluated,
  Outcome as ProtocolOutcome,
  PhaseRecord,
  UnitSummary,
} from "./unit_summary.ts";
export { computeVerdict, type Family, type MissingUnits, type Verdict } from "./verdict/verdict.ts";
export type { BothSides, Measured, Pair, TimeFigures } from "./verdict/verdict_cell.ts";
export type { Cell as VerdictCell, FixedTarget } from "./verdict/verdict_cells.ts";
export type { CheckResult } from "./verdict/verdict_checks.ts";
export type {
  Axis as BudgetAxis,
  PlannedCheck,
  PlannedComparison,
  PlannedTarget,
  VerdictPlan,
} from "./verdict/verdict_plan.ts";
export type { CellOutcome, Conclusion, DecidedCell } from "./verdict/verdict_rules.ts";
