/**
 * All tests that a plan asks for, measured where there are units.
 *
 * @module
 */
import type { Pairing, StudyUnits } from "./study_units.ts";
import { sideOf } from "./study_units.ts";
import { plateauOf } from "./time_to_target.ts";
import { measureAccuracy, type Measured, measureTime } from "./verdict_cell.ts";
import { percent } from "../percent.ts";
import type { Axis, PlannedComparison, VerdictPlan } from "./verdict_plan.ts";

/** A target in one regime. */
export interface FixedTarget {
  /** Its name. */
  readonly name: string;
  /** The regime. */
  readonly regime: string;
  /** Accuracy to reach; absent without a unit that it could be taken from. */
  readonly accuracy?: number;
  /** Where the accuracy is from. */
  readonly source: string;
  /** Why nothing can be decided by it, such as seeds that are missing, if so. */
  readonly pending?: string;
}

/** One test: what is compared where and by what, and what was measured. */
export interface Cell {
  /** Its family. */
  readonly family: string;
  /** The regime. */
  readonly regime: string;
  /** `arm/protocol`. */
  readonly candidate: string;
  /** `arm/protocol`. */
  readonly control: string;
  /** Kind of its comparison. */
  readonly kind: PlannedComparison["kind"];
  /** Test accuracy, or the axis of the time to a target. */
  readonly measure: "accuracy" | Axis;
  /** Name of the target, of a time. */
  readonly target?: string;
  /** `true` tests against minus the margin instead of zero. */
  readonly nonInferiority: boolean;
  /** Planned seeds. */
  readonly planned: readonly number[];
  /** What is planned and missing. */
  readonly missing: readonly string[];
  /** What was measured; absent without a pair, or where nothing may be compared. */
  readonly measured?: Measured;
  /** Why there is nothing to decide, if so. */
  readonly obstacle?: string;
}

/**
 * Fixes the targets of every regime.
 *
 * @param plan Shares, and how many evaluations make a plateau.
 * @param store The units.
 */
export function fixTargets(plan: VerdictPlan, store: StudyUnits): FixedTarget[] {
  return plan.regimes.flatMap((regime) =>
    plan.targets.map(({ name, accuracy, plateauOf: of, share }): FixedTarget => {
      const chance = store.chance(regime);
      const guessed = (value: number) =>
        chance !== undefined && value <= chance
          ? `${percent(value)} is not above the ${percent(chance)} of guessing`
          : undefined;
      if (accuracy !== undefined) {
        const pending = guessed(accuracy);
        const source = "given in the plan";
        return { name, regime, accuracy, source, ...(pending === undefined ? {} : { pending }) };
      }
      const side = sideOf(of!);
      const { seeds, consecutive } = plan;
      const found = store.outcomes(side, { regime, seeds });
      const plateaus = found.map(({ outcome }) => plateauOf(outcome, consecutive))
        .filter((value) => value !== undefined);
      const mean = plateaus.reduce((sum, value) => sum + value, 0) / plateaus.length;
      const mixed = store.mixed({ regime, arm: side.arm, seeds });
      const pending = plateaus.length < seeds.length
        ? `${of} has ${plateaus.length} of ${seeds.length} planned seeds in ${regime}`
        : mixed ?? guessed(share! * mean);
      return {
        name,
        regime,
        source: `${share} of the plateau of ${of}, its last ${consecutive} evaluations, mean of ` +
          `${plateaus.length} seeds`,
        ...(plateaus.length === 0 ? {} : { accuracy: share! * mean }),
        ...(pending === undefined ? {} : { pending }),
      };
    })
  );
}

/**
 * Measures all tests of a plan.
 *
 * @param plan The plan.
 * @param options The units and the targets.
 */
export function cellsOf(
  plan: VerdictPlan,
  { store, targets }: { readonly store: StudyUnits; readonly targets: readonly FixedTarget[] },
): Cell[] {
  return plan.comparisons.flatMap((comparison) =>
    comparison.regimes.flatMap((regime) => {
      const { seeds } = comparison;
      const ends = { candidate: sideOf(comparison.candidate), control: sideOf(comparison.control) };
      const pairing = store.pair(ends, { regime, seeds });
      const base = baseOf(comparison, { regime, pairing });
      const cells: Cell[] = [];
      if (comparison.accuracy) {
        const nonInferiority = comparison.kind === "non-inferiority";
        cells.push({
          ...base,
          measure: "accuracy",
          nonInferiority,
          ...(comparable(pairing) &&
            { measured: measureAccuracy(pairing.pairs, { plan, nonInferiority }) }),
        });
      }
      for (const name of comparison.targets) {
        const target = targets.find((fixed) => fixed.name === name && fixed.regime === regime)!;
        for (const axis of comparison.axes) {
          cells.push({
            ...base,
            ...{ measure: axis, target: name, nonInferiority: false },
            ...timeOf(axis, { plan, pairing, target, obstacle: base.obstacle }),
          });
        }
      }
      return cells;
    })
  );
}

function comparable(pairing: Pairing): boolean {
  return pairing.pairs.length > 0 && pairing.refused === undefined;
}

function baseOf(
  { family, candidate, control, kind, seeds }: PlannedComparison,
  { regime, pairing }: { readonly regime: string; readonly pairing: Pairing },
) {
  const { missing, pairs, refused } = pairing;
  const obstacle = refused ??
    (missing.length === 0
      ? undefined
      : `${pairs.length} of ${seeds.length} planned pairs are there; missing: ${
        missing.join("; ")
      }`);
  return {
    ...{ family, regime, candidate, control, kind, planned: seeds, missing },
    ...(obstacle === undefined ? {} : { obstacle }),
  };
}

function timeOf(
  axis: Axis,
  { plan, pairing, target, obstacle }: {
    readonly plan: VerdictPlan;
    readonly pairing: Pairing;
    readonly target: FixedTarget;
    readonly obstacle: string | undefined;
  },
): Pick<Cell, "measured" | "obstacle"> {
  const { accuracy, pending } = target;
  const measured = comparable(pairing) && accuracy !== undefined
    ? measureTime(pairing.pairs, { plan, axis, accuracy, nonInferiority: false })
    : undefined;
  const reason = obstacle ??
    (pending === undefined ? undefined : `the target cannot be used: ${pending}`) ??
    (axis === "seconds" && !pairing.sameMachine
      ? "seconds were measured on different engines or adapters"
      : undefined) ??
    (typeof measured === "string" ? measured : undefined);
  return {
    ...(typeof measured === "object" && { measured }),
    ...(reason === undefined ? {} : { obstacle: reason }),
  };
}
