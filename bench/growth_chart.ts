/**
 * A picture of growth: how far time departs from the ideal.
 *
 * @module
 */
import { type ChartSeries, learningCurveSvg } from "../src/report/chart.ts";
import { AXES, type Axis, type GrowthPoint } from "./growth_points.ts";

/** What axes are called. */
const NAMES: Readonly<Record<Axis, string>> = {
  tasks: "tasks",
  innerSteps: "inner steps",
  filters: "filters",
  extent: "image side",
};

/**
 * Measured and predicted time by the ideal one, that of the smallest size times the growth of the operations: 1
 * everywhere where nothing but them counts, less where the small sizes do not fill the adapter.
 *
 * @param points The points of each axis, as they were measured.
 * @returns Lines against sizes in times of the smallest one.
 */
export function byTheIdeal(points: ReadonlyMap<Axis, readonly GrowthPoint[]>): ChartSeries[] {
  return [...points].flatMap(([axis, all]) =>
    (["milliseconds", "predicted"] as const).map((what) => ({
      name: `${NAMES[axis]}${what === "predicted" ? ", predicted" : ""}`,
      points: all.map((point) => {
        const grown = point.size / all[0]!.size;
        return { x: grown, y: point[what]! / all[0]![what]! / grown ** AXES[axis].time };
      }),
    }))
  );
}

/**
 * Draws {@linkcode byTheIdeal}.
 *
 * @param points The points of each axis, as they were measured.
 * @returns The SVG element.
 */
export async function growthChart(
  points: ReadonlyMap<Axis, readonly GrowthPoint[]>,
): Promise<string> {
  return await learningCurveSvg({
    series: byTheIdeal(points),
    xLabel: "times the smallest size",
    yLabel: "time by the ideal growth",
    description:
      "Time of a meta-gradient by the ideal one, against tasks, inner steps, filters and image side.",
    reference: { label: "ideal", y: 1 },
    logX: true,
    background: "white",
  });
}
