/**
 * How fast time and memory of a run on a GPU grow, as exponents.
 *
 * @module
 */
import { fitGrowth } from "../fit_growth.ts";
import { AXES, type Axis } from "../growth_points.ts";
import { markdownTable } from "../table.ts";
import type { Outcome, Row } from "./job.ts";

const COLUMNS = ["milliseconds", "gflop", "deviceBytes"] as const;

/**
 * Fits exponents to the jobs `scaling AXIS`, to the larger sizes of those that ran.
 *
 * @param outcomes Outcomes of jobs; all others are left out.
 * @returns A table; nothing where no axis has two sizes.
 */
export function exponentTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.filter(({ stage }) => stage === "scaling").flatMap(({ name, rows }) => {
    const axis = name.replace(/^scaling /, "") as Axis;
    const sizes = rows.flatMap((row) => {
      const size = (row["which"] as Row)[axis];
      const whole = COLUMNS.every((column) => Number(row[column]) > 0);
      return typeof size === "number" && whole ? [{ size, row }] : [];
    }).sort((a, b) => a.size - b.size);
    if (sizes.length < 2 || !(axis in AXES)) return [];
    const fitted = COLUMNS.map((column) => {
      const points = sizes.map(({ size, row }) => ({ size, amount: Number(row[column]) }));
      const { exponent, spread } = fitGrowth(points);
      return `${exponent.toFixed(2)}${Number.isFinite(spread) ? ` +- ${spread.toFixed(2)}` : ""}`;
    });
    return [[axis, sizes.map(({ size }) => size).join(", "), ...fitted, String(AXES[axis].time)]];
  });
  const head = ["grows as", "sizes", "time", "operations", "memory", "ideal time"];
  return rows.length === 0 ? "" : markdownTable(head, rows, 2);
}
