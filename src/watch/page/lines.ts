/**
 * Which curves become which lines: names, colours, dashes, positions.
 *
 * @module
 */
import { COLORS, DASHES } from "../../report/line_styles.ts";
import type { Overview, RunDetail } from "../protocol.ts";
import type { Line } from "./chart.ts";
import type { RunCurves } from "./curves.ts";
import type { Axis } from "./settings.ts";

/** What is shown. */
export interface Shown {
  /** Everything there is. */
  readonly overview: Overview;
  /** The runs, in the order of their colours. */
  readonly runs: ReadonlyMap<
    string,
    { readonly detail: RunDetail | undefined; readonly curves: RunCurves }
  >;
}

/** A line of the legend: one arm of one run. */
export interface LegendLine extends Pick<Line, "key" | "name" | "color" | "dash"> {
  /** Its run. */
  readonly run: string;
  /** Its arm. */
  readonly arm: string;
}

/**
 * Makes the legend. Seeds of one arm of a study share its colour and differ in dashes; everything else has
 * a colour of its own, and dashes where colours begin again.
 *
 * @param shown The runs.
 * @param phase Only arms that have curves in this phase.
 */
export function legendLines({ overview, runs }: Shown, phase: string): LegendLine[] {
  const units = new Map(
    overview.studies.flatMap((study) => study.units.map((unit) => [unit.run, unit] as const)),
  );
  const names = new Map(overview.runs.map(({ id, name }) => [id, name]));
  const groups = new Map<string, number[]>();
  const found = [...runs].flatMap(([run, { curves }]) => {
    const all = [...curves.curves.values()];
    const arms = [...new Set(all.filter((curve) => curve.phase === phase).map(({ arm }) => arm))];
    return arms.map((arm) => ({ run, arm, alone: arms.length === 1 }));
  });
  return found.map(({ run, arm, alone }, index) => {
    const unit = units.get(run);
    const group = unit === undefined ? `${index}` : `${unit.regime}/${arm}`;
    const members = groups.get(group) ?? [];
    groups.set(group, [...members, index]);
    const slot = [...groups.keys()].indexOf(group);
    const dash = members.length + Math.floor(slot / COLORS.length);
    return {
      key: JSON.stringify([run, arm]),
      ...{ run, arm },
      name: unit !== undefined
        ? names.get(run) ?? run
        : runs.size === 1
        ? arm
        : `${names.get(run) ?? run}${alone ? "" : `, ${arm}`}`,
      color: COLORS[slot % COLORS.length]!,
      dash: dash % DASHES.length === 0 ? "none" : DASHES[dash % DASHES.length]!.join(" "),
    };
  });
}

/**
 * Sorts the curves of a phase by metric.
 *
 * @param shown The runs.
 * @param options Phase, horizontal axis, the legend, and keys of its lines that are hidden.
 * @returns The lines of every metric, and how many arms have no costs yet that the axis needs.
 */
export function chooseLines(
  { runs }: Shown,
  { phase, axis, legend, hidden }: {
    readonly phase: string;
    readonly axis: Axis;
    readonly legend: readonly LegendLine[];
    readonly hidden: ReadonlySet<string>;
  },
): { readonly byMetric: ReadonlyMap<string, readonly Line[]>; readonly dropped: number } {
  const byMetric = new Map<string, Line[]>();
  let dropped = 0;
  for (const { key, run, arm, name, color, dash } of legend) {
    const { curves, detail } = runs.get(run)!;
    const cost = detail?.costs.find(({ stage }) => stage === `${arm}-${phase}`);
    const scale = axis === "steps"
      ? 1
      : cost && cost.steps > 0
      ? cost[axis === "images" ? "samples" : "flops"] / cost.steps
      : undefined;
    if (scale === undefined) dropped++;
    for (const curve of curves.curves.values()) {
      if (curve.arm !== arm || curve.phase !== phase) continue;
      const lines = byMetric.get(curve.metric) ?? [];
      byMetric.set(curve.metric, lines);
      if (hidden.has(key) || scale === undefined) continue;
      const xs = scale === 1 ? curve.steps : curve.steps.map((step) => step * scale);
      lines.push({ key, name, color, dash, xs, ys: curve.values });
    }
  }
  return { byMetric, dropped };
}
