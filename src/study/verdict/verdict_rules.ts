/**
 * From p-values to win, tie, loss or undecided: the rules of {@linkcode computeVerdict}.
 *
 * @module
 */
import { holmCorrection } from "../../report/mod.ts";
import type { Cell } from "./verdict_cells.ts";
import type { Axis, VerdictPlan } from "./verdict_plan.ts";

/** What a test says of the candidate. */
export type CellOutcome = "win" | "tie" | "loss" | "undecided";

/** A test with its outcome. */
export interface DecidedCell extends Cell {
  /** The outcome. */
  readonly outcome: CellOutcome;
  /** Why, in a sentence without its full stop. */
  readonly reason: string;
  /** p-value after Holm's correction over the family; absent where nothing is decided. */
  readonly adjusted?: number;
  /** p-value of equivalence after Holm's correction over the family. */
  readonly adjustedEquivalence?: number;
  /** Smallest corrected p-value that so many seeds can give in this family. */
  readonly smallest: number;
}

/** Accuracy and time of a non-inferiority claim taken together: equal or better, and sooner. */
export interface Conclusion {
  /** The regime. */
  readonly regime: string;
  /** `arm/protocol`. */
  readonly candidate: string;
  /** `arm/protocol`. */
  readonly control: string;
  /** The target. */
  readonly target: string;
  /** The axis. */
  readonly axis: Axis;
  /** Outcome in accuracy. */
  readonly accuracy: CellOutcome;
  /** Outcome in time. */
  readonly time: CellOutcome;
  /**
   * A win if both are; a loss if either is; a tie if it is not worse and takes as long; otherwise
   * undecided. It needs both tests, so it is wrong no more often than either.
   */
  readonly outcome: CellOutcome;
  /** Number of pairs. */
  readonly pairs: number;
}

/**
 * Decides the tests of one family.
 *
 * @param cells All tests of the family; those with an obstacle count, with a p-value of 1, so that nothing
 * is won by leaving something out.
 * @param plan Level.
 */
export function decideFamily(
  cells: readonly Cell[],
  { alpha }: Pick<VerdictPlan, "alpha">,
): DecidedCell[] {
  const decidable = cells.map((cell) => cell.obstacle === undefined ? cell.measured : undefined);
  const adjusted = holmCorrection(decidable.map((measured) => measured?.pValue ?? 1));
  const equal = cells.flatMap((cell, at) => cell.nonInferiority ? [] : [at]);
  const adjustedEqual = spread(
    equal,
    holmCorrection(equal.map((at) => decidable[at]?.equivalence ?? 1)),
  );
  // With n pairs no sign-flip p-value is below 2 / 2^n: Holm's method on these is the best case.
  const least = cells.map((cell) => Math.min(1, 2 / 2 ** cell.planned.length));
  const smallest = holmCorrection(least);
  const smallestEqual = spread(equal, holmCorrection(equal.map((at) => least[at]!)));
  return cells.map((cell, at): DecidedCell => {
    const best = Math.min(smallest[at]!, smallestEqual.get(at) ?? 1);
    const measured = decidable[at];
    const decided = measured && decide(cell, {
      alpha,
      adjusted: adjusted[at]!,
      equivalence: adjustedEqual.get(at) ?? 1,
    });
    const unreachable = best <= alpha ? undefined : unreachableText(cells, { alpha, best, cell });
    const found = decided ?? { outcome: "undecided", reason: cell.obstacle ?? "nothing measured" };
    const reason = unreachable === undefined || found.outcome !== "undecided"
      ? found.reason
      : cell.obstacle === undefined
      ? unreachable
      : `${cell.obstacle}; and ${unreachable}`;
    return {
      ...cell,
      outcome: found.outcome,
      reason,
      smallest: smallest[at]!,
      ...(measured && { adjusted: adjusted[at]! }),
      ...(measured && adjustedEqual.has(at) && { adjustedEquivalence: adjustedEqual.get(at)! }),
    };
  });
}

function spread(places: readonly number[], values: readonly number[]): Map<number, number> {
  return new Map(places.map((at, index) => [at, values[index]!]));
}

function unreachableText(
  cells: readonly Cell[],
  { alpha, best, cell }: { readonly alpha: number; readonly best: number; readonly cell: Cell },
): string {
  const needed = Math.ceil(Math.log2((2 * cells.length) / alpha));
  return `nothing could be decided whatever the figures: with ${cell.planned.length} pairs and ` +
    `${cells.length} tests in the family no corrected p-value is below ${
      best.toPrecision(2)
    }, and ` +
    `${alpha} is asked for; ${needed} pairs for every test would do`;
}

/** The rules for one test of which all is there. */
function decide(
  { measured, measure, nonInferiority, candidate, control }: Cell,
  { alpha, adjusted, equivalence }: {
    readonly alpha: number;
    readonly adjusted: number;
    readonly equivalence: number;
  },
): { readonly outcome: CellOutcome; readonly reason: string } {
  const { excess, time, pairs } = measured!;
  if (adjusted <= alpha) {
    // Of times, less is better.
    const better = measure === "accuracy" ? excess > 0 : excess < 0;
    const [accurate, sooner] = nonInferiority
      ? ["not worse by the margin", ""]
      : ["more accurate", "sooner"];
    const how = measure === "accuracy" ? accurate : sooner;
    if (better) return { outcome: "win", reason: `${candidate} is ${how}` };
    return {
      outcome: "loss",
      reason: nonInferiority
        ? `${candidate} is worse by more than the margin`
        : `${control} is ${how}`,
    };
  }
  if (nonInferiority) {
    return { outcome: "undecided", reason: "neither not worse nor worse by the margin is shown" };
  }
  if (equivalence <= alpha) {
    const { candidate: one = pairs.length, control: other = pairs.length } = time?.reached ?? {};
    if (2 * Math.min(one, other) >= pairs.length) {
      return { outcome: "tie", reason: "the difference is within the margin" };
    }
    return {
      outcome: "undecided",
      reason:
        `the target was reached by ${one} and ${other} of ${pairs.length} within the common ` +
        `budget: too few to say how long it takes`,
    };
  }
  return { outcome: "undecided", reason: "neither a difference nor its absence is shown" };
}

/** Takes accuracy and times of the same non-inferiority claim together. */
export function conclusionsOf(cells: readonly DecidedCell[]): Conclusion[] {
  const claims = cells.filter((cell) => cell.kind === "non-inferiority");
  return claims.flatMap((cell): Conclusion[] => {
    if (cell.measure === "accuracy") return [];
    const { regime, candidate, control } = cell;
    const accuracy = claims.find((other) =>
      other.measure === "accuracy" && other.regime === regime && other.candidate === candidate &&
      other.control === control
    );
    if (!accuracy) return [];
    return [{
      ...{ regime, candidate, control, target: cell.target!, axis: cell.measure },
      accuracy: accuracy.outcome,
      time: cell.outcome,
      outcome: together(accuracy.outcome, cell.outcome),
      pairs: Math.min(cell.measured?.pairs.length ?? 0, accuracy.measured?.pairs.length ?? 0),
    }];
  });
}

function together(accuracy: CellOutcome, time: CellOutcome): CellOutcome {
  if (accuracy === "loss" || time === "loss") return "loss";
  if (accuracy !== "win") return "undecided";
  return time;
}
