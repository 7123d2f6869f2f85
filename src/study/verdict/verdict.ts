/**
 * The verdict of a study, computed from its plan and the summaries of its units and from nothing else.
 *
 * @module
 */
import * as is from "../../ir/kinds.ts";
import { requireArguments } from "../../ir/options.ts";
import { StudyUnits } from "./study_units.ts";
import type { StoredUnit } from "../stored_unit.ts";
import { type Cell, cellsOf, type FixedTarget, fixTargets } from "./verdict_cells.ts";
import { type CheckResult, runCheck } from "./verdict_checks.ts";
import { type Conclusion, conclusionsOf, type DecidedCell, decideFamily } from "./verdict_rules.ts";
import type { VerdictPlan } from "./verdict_plan.ts";

/** Units of one arm in one regime that are planned and not there. */
export interface MissingUnits {
  /** The regime. */
  readonly regime: string;
  /** The arm. */
  readonly arm: string;
  /** Seeds that are missing. */
  readonly seeds: readonly number[];
  /** How many are planned. */
  readonly planned: number;
}

/** The tests of a family in one regime, corrected together. */
export interface Family {
  /** Its name. */
  readonly name: string;
  /** The regime: a question of its own. */
  readonly regime: string;
  /** Its tests, in the order of the plan. */
  readonly cells: readonly DecidedCell[];
}

/** What a study says. */
export interface Verdict {
  /** The plan it was computed by. */
  readonly plan: VerdictPlan;
  /** `empty` without any planned unit, `incomplete` while one is missing. */
  readonly state: "empty" | "incomplete" | "complete";
  /** Number of units planned. */
  readonly planned: number;
  /** Number of planned units that are there. */
  readonly finished: number;
  /** What is missing. */
  readonly missing: readonly MissingUnits[];
  /** The targets of every regime. */
  readonly targets: readonly FixedTarget[];
  /** The families, of every regime. */
  readonly families: readonly Family[];
  /** Of non-inferiority claims: accuracy and time taken together. */
  readonly conclusions: readonly Conclusion[];
  /** What had to be equal. */
  readonly checks: readonly CheckResult[];
  /** What a reader must know before the figures. */
  readonly notices: readonly string[];
}

/**
 * Computes a verdict.
 *
 * The rules, for each test of a family (one comparison in one regime by one measure):
 *
 * 1. Units of one arm whose configurations differ, or units of one regime whose data differ, are not
 *    mixed: such a test is undecided. So is one of which a planned seed is missing: figures are shown, but
 *    looking before the end and stopping when it suits would make any claim likely.
 * 2. The differences, candidate minus control at equal seeds, are tested against zero by the exact two-sided
 *    sign-flip test; a claim of non-inferiority in accuracy against minus the margin. Times are those of
 *    {@linkcode timeToTarget}, cut at the common horizon.
 * 3. All tests of a family in one regime are corrected by Holm's method. At most `alpha`: a **win** if the candidate is
 *    better (more accurate, sooner, or not worse by the margin), a **loss** if the control is.
 * 4. Otherwise, of a test against zero, a **tie** if two tests against both ends of the margin hold (Schuirmann
 *    1987), corrected by Holm over the family too; of times only if half of the units of either arm reached
 *    the target, for otherwise nobody saw how long it takes.
 * 5. Otherwise **undecided**, with the reason; if no figures at all could have led to another outcome, since
 *    so few seeds bound the p-value, that is said.
 *
 * So in each family and regime the chance of any wrong win or loss is at most `alpha`, and that of any wrong
 * tie too. Regimes are questions of their own: over several of them the chances add up.
 *
 * @param plan What was decided before.
 * @param units All units found; those that the plan does not name are listed and not used.
 * @throws {RangeError} If the units are of another study than the plan.
 *
 * @example
 * ```ts
 * import { computeVerdict, type UnitSummary, type VerdictPlan } from "@mutasesumele/toolkit/study";
 * import { assertEquals } from "@std/assert";
 *
 * const plan: VerdictPlan = {
 *   ...{ study: "demo", question: "", regimes: ["same"], seeds: [0, 1, 2, 3, 4, 5] },
 *   ...{ alpha: 0.05, level: 0.95, resamples: 1000, consecutive: 3, targets: [], checks: [] },
 *   margins: { accuracy: 0.01, time: 0.05 },
 *   comparisons: [{
 *     ...{ candidate: "meta/probe", control: "supervised/probe", kind: "superiority" },
 *     ...{ family: "primary", regimes: ["same"], seeds: [0, 1, 2, 3, 4, 5] },
 *     ...{ accuracy: true, targets: [], axes: [] },
 *   }],
 * };
 * const cost = { steps: 0, samples: 0, flops: 0, seconds: 0 };
 * const unit = (arm: string, seed: number, accuracy: number): UnitSummary => ({
 *   ...{ format: 1, study: "demo", arm, regime: "same", seed, chance: 0.1, phases: [] },
 *   ...{ configuration: arm, facts: {} },
 *   outcomes: [{
 *     ...{ protocol: "probe", before: cost, curve: [], figures: {} },
 *     test: { accuracy, images: 1000 },
 *   }],
 * });
 * const units = plan.seeds.flatMap((seed) => [
 *   { path: "a", unit: unit("meta", seed, 0.64 + seed / 1000) },
 *   { path: "b", unit: unit("supervised", seed, 0.6 + seed / 500) },
 * ]);
 * const [family] = computeVerdict(plan, units).families;
 * assertEquals(family!.cells.map((cell) => cell.outcome), ["win"]);
 * assertEquals(computeVerdict(plan, units.slice(1)).families[0]!.cells[0]!.outcome, "undecided");
 * ```
 */
export function computeVerdict(plan: VerdictPlan, units: readonly StoredUnit[]): Verdict {
  requireArguments("computeVerdict", { plan, units }, {
    plan: is.objectWith({
      study: is.name,
      question: is.text,
      regimes: is.listOf(is.text),
      seeds: is.listOf(is.natural),
      alpha: is.share,
      level: is.share,
      resamples: is.count,
      margins: is.objectWith({ accuracy: is.finite, time: is.finite }),
      consecutive: is.count,
      targets: is.list,
      comparisons: is.list,
      checks: is.list,
    }, "a plan"),
    units: is.listOf(is.objectWith({ path: is.text, unit: is.object }, "a stored unit")),
  });
  const store = new StudyUnits(plan, units);
  const targets = fixTargets(plan, store);
  const cells = cellsOf(plan, { store, targets });
  const groups = Map.groupBy(cells, ({ family, regime }: Cell) => `${family} ${regime}`);
  const families = [...groups.values()].map((group): Family => ({
    name: group[0]!.family,
    regime: group[0]!.regime,
    cells: decideFamily(group, plan),
  }));
  const wanted = plannedUnits(plan);
  const missing = wanted.map(({ regime, arm, seeds }): MissingUnits => ({
    ...{ regime, arm, planned: seeds.length },
    seeds: seeds.filter((seed) => !store.has({ regime, arm, seed })),
  })).filter(({ seeds }) => seeds.length > 0);
  const planned = wanted.reduce((sum, { seeds }) => sum + seeds.length, 0);
  const finished = planned - missing.reduce((sum, { seeds }) => sum + seeds.length, 0);
  return {
    plan,
    state: finished === 0 ? "empty" : finished < planned ? "incomplete" : "complete",
    planned,
    finished,
    missing,
    targets,
    families,
    conclusions: conclusionsOf(families.flatMap((family) => family.cells)),
    checks: plan.checks.flatMap((check) =>
      plan.regimes.map((regime) => runCheck(check, { regime, plan, store }))
    ),
    notices: store.notices(wanted),
  };
}

/** Every unit that the plan needs, by regime and arm. */
function plannedUnits(plan: VerdictPlan): { regime: string; arm: string; seeds: number[] }[] {
  const wanted = new Map<string, Set<number>>();
  const want = (side: string, regimes: readonly string[], seeds: readonly number[]) => {
    const [arm] = side.split("/");
    for (const regime of regimes) {
      const key = `${regime}/${arm}`;
      wanted.set(key, new Set([...wanted.get(key) ?? [], ...seeds]));
    }
  };
  for (const { candidate, control, regimes, seeds } of plan.comparisons) {
    for (const side of [control, candidate]) want(side, regimes, seeds);
  }
  for (const { plateauOf } of plan.targets) {
    if (plateauOf !== undefined) want(plateauOf, plan.regimes, plan.seeds);
  }
  for (const { candidate, control } of plan.checks) {
    for (const side of [control, candidate]) want(side, plan.regimes, plan.seeds);
  }
  const order = [...wanted.keys()];
  return plan.regimes.flatMap((regime) =>
    order.filter((key) => key.startsWith(`${regime}/`)).map((key) => ({
      regime,
      arm: key.slice(regime.length + 1),
      seeds: [...wanted.get(key)!].sort((a, b) => a - b),
    }))
  );
}
