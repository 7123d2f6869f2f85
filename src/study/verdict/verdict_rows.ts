/**
 * A verdict as tables of texts, for the terminal and for the page.
 *
 * @module
 */
import { formatQuantity } from "../../report/quantity.ts";
import { percent } from "../percent.ts";
import type { TextTable } from "../text_table.ts";
import type { FixedTarget } from "./verdict_cells.ts";
import type { CheckResult } from "./verdict_checks.ts";
import type { Conclusion, DecidedCell } from "./verdict_rules.ts";

/** p-value with two significant digits. */
function formatP(p: number | undefined): string {
  return p === undefined ? "–" : p >= 0.1 ? p.toFixed(2) : String(Number(p.toPrecision(2)));
}

function signed(value: number, format: (size: number) => string): string {
  return `${value < 0 ? "-" : "+"}${format(Math.abs(value))}`;
}

function interval(
  { measured }: DecidedCell,
  format: (size: number) => string,
): string {
  if (!measured) return "–";
  const { excess: _, pairs, interval } = measured;
  if (!interval) return `${signed(pairs[0]!.difference, format)} (one pair)`;
  const { estimate, low, high } = interval;
  return `${signed(estimate, format)} [${signed(low, format)}, ${signed(high, format)}]`;
}

/** Points of percent. */
const points = (size: number): string => (100 * size).toFixed(2);

/**
 * The tests of accuracy; costs stand beside.
 *
 * @param cells Tests of one family.
 * @param level Confidence level.
 */
export function accuracyTable(
  cells: readonly DecidedCell[],
  { level }: { readonly level: number },
): TextTable {
  const found = cells.filter((cell) => cell.measure === "accuracy");
  return {
    heads: [
      ...["regime", "candidate", "control", "claim", "n", "candidate %", "control %"],
      ...[`difference in points [${100 * level}% BCa]`, "p", "Holm p", "outcome"],
      ...["steps", "FLOP"],
    ],
    rows: found.map((cell) => {
      const { measured } = cell;
      const cost = (axis: "steps" | "flops") =>
        measured
          ? `${formatQuantity(measured.cost.candidate[axis])} / ${
            formatQuantity(measured.cost.control[axis])
          }`
          : "–";
      return [
        ...[cell.regime, cell.candidate, cell.control],
        cell.nonInferiority ? "not worse" : "better",
        countOf(cell),
        measured ? points(measured.means.candidate) : "–",
        measured ? points(measured.means.control) : "–",
        interval(cell, points),
        ...[formatP(measured?.pValue), formatP(cell.adjusted), cell.outcome],
        ...[cost("steps"), cost("flops")],
      ];
    }),
  };
}

/**
 * The tests of time; pretraining stands apart in parentheses.
 *
 * @param cells Tests of one family.
 * @param level Confidence level.
 */
export function timeTable(
  cells: readonly DecidedCell[],
  { level }: { readonly level: number },
): TextTable {
  const found = cells.filter((cell) => cell.measure !== "accuracy");
  return {
    heads: [
      ...["regime", "candidate", "control", "target", "axis", "n", "reached", "mean up to"],
      ...["candidate (pretraining)", "control (pretraining)"],
      ...[`difference [${100 * level}% BCa]`, "p", "Holm p", "log-rank p", "outcome"],
    ],
    rows: found.map((cell) => {
      const { measured } = cell;
      const time = measured?.time;
      const side = (name: "candidate" | "control") =>
        measured && time
          ? `${formatQuantity(measured.means[name])} (${formatQuantity(time.pretraining[name])})`
          : "–";
      return [
        ...[cell.regime, cell.candidate, cell.control, cell.target!, cell.measure, countOf(cell)],
        time ? `${time.reached.candidate} / ${time.reached.control}` : "–",
        time ? formatQuantity(time.horizon) : "–",
        ...[side("candidate"), side("control"), interval(cell, formatQuantity)],
        ...[formatP(measured?.pValue), formatP(cell.adjusted), formatP(time?.logRank)],
        cell.outcome,
      ];
    }),
  };
}

function countOf({ measured, planned }: DecidedCell): string {
  const count = measured?.pairs.length ?? 0;
  return count === planned.length ? String(count) : `${count} of ${planned.length}`;
}

/** Accuracy and time taken together. */
export function conclusionTable(conclusions: readonly Conclusion[]): TextTable {
  return {
    heads: ["regime", "candidate", "control", "target", "axis", "n", "accuracy", "time", "outcome"],
    rows: conclusions.map((row) => [
      ...[row.regime, row.candidate, row.control, row.target, row.axis, String(row.pairs)],
      ...[row.accuracy, row.time, row.outcome],
    ]),
  };
}

/** The targets. */
export function targetTable(targets: readonly FixedTarget[]): TextTable {
  return {
    heads: ["regime", "target", "accuracy", "from"],
    rows: targets.map(({ regime, name, accuracy, source, pending }) => [
      ...[regime, name, accuracy === undefined ? "–" : percent(accuracy)],
      pending === undefined ? source : `${source}; NOT USABLE: ${pending}`,
    ]),
  };
}

/** The checks. */
export function checkTable(checks: readonly CheckResult[]): TextTable {
  return {
    heads: ["regime", "check", "candidate", "control", "n", "tolerance", "state", "found"],
    rows: checks.map((check) => [
      ...[check.regime, check.name, check.candidate, check.control, String(check.pairs)],
      ...[String(check.tolerance), check.state, check.detail],
    ]),
  };
}

/** Reasons of what is not decided, each once, with the number of tests. */
export function openReasons(cells: readonly DecidedCell[]): string[] {
  const undecided = cells.filter((cell) => cell.outcome === "undecided");
  return [...Map.groupBy(undecided, (cell) => cell.reason)].map(([reason, those]) => {
    const first = those[0]!;
    const which = those.length === 1
      ? `${first.regime}, ${first.candidate} against ${first.control}, ${first.measure}${
        first.target === undefined ? "" : ` to ${first.target}`
      }`
      : `${those.length} tests, ${first.candidate} against ${first.control} in ${first.regime} first`;
    return `${which}: ${reason}.`;
  });
}
