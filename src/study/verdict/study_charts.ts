/**
 * The pictures of a study: what its units did on average, and how far apart the seeds are.
 *
 * @module
 */
import { type ChartPoint, type ChartSeries, learningCurveSvg } from "../../report/chart.ts";
import { kaplanMeier, type ReportChart } from "../../report/mod.ts";
import { sideOf } from "./study_units.ts";
import type { StoredUnit } from "../stored_unit.ts";
import type { TargetTime } from "./time_to_target.ts";
import { AXES, type Axis, type VerdictPlan } from "./verdict_plan.ts";
import type { DecidedCell } from "./verdict_rules.ts";

/** What an axis counts, with pretraining. */
const LABELS: Readonly<Record<Axis, string>> = {
  steps: "optimizer steps, pretraining included",
  samples: "images through the network, pretraining included",
  flops: "floating-point operations of the algorithm, pretraining included",
  seconds: "seconds of training, pretraining included",
};

/** Mean over seeds with the range of the seeds around it, where all have a value. */
function meanOf(curves: readonly (readonly { x: number; y: number }[])[]): ChartPoint[] {
  const length = Math.min(...curves.map((curve) => curve.length));
  return Array.from({ length }, (_, at) => {
    const points = curves.map((curve) => curve[at]!);
    const ys = points.map((point) => point.y);
    const mean = (values: readonly number[]) =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    const point = { x: mean(points.map(({ x }) => x)), y: mean(ys) };
    return curves.length > 1 ? { ...point, low: Math.min(...ys), high: Math.max(...ys) } : point;
  });
}

/** The sides that a plan compares, each once. */
function sidesOf({ comparisons }: VerdictPlan): string[] {
  return [...new Set(comparisons.flatMap(({ control, candidate }) => [control, candidate]))];
}

/**
 * The lines of {@linkcode learningCurves}: every curve begins where its pretraining has ended.
 *
 * @param plan Names the arms and protocols.
 * @param options The units, the regime, the axis.
 */
export function curveSeries(
  plan: VerdictPlan,
  { units, regime, axis }: {
    readonly units: readonly StoredUnit[];
    readonly regime: string;
    readonly axis: Axis;
  },
): ChartSeries[] {
  const here = units.filter(({ unit }) => unit.regime === regime);
  return sidesOf(plan).flatMap((name): ChartSeries[] => {
    const { arm, protocol } = sideOf(name);
    const curves = here.filter(({ unit }) => unit.arm === arm)
      .flatMap(({ unit }) => unit.outcomes.filter((outcome) => outcome.protocol === protocol))
      .map(({ before, curve }) =>
        curve.map((point) => ({ x: before[axis] + point[axis], y: point.accuracy }))
      ).filter((curve) => curve.length > 0);
    return curves.length === 0 ? [] : [{ name, points: meanOf(curves) }];
  });
}

/**
 * Learning curves of one regime on one axis: the mean over seeds, with the range of the seeds.
 *
 * @param plan Names the arms and protocols.
 * @param options The units, the regime, the axis.
 * @returns The picture, or `undefined` if there is no curve.
 */
export async function learningCurves(
  plan: VerdictPlan,
  { units, regime, axis }: {
    readonly units: readonly StoredUnit[];
    readonly regime: string;
    readonly axis: Axis;
  },
): Promise<ReportChart | undefined> {
  const series = curveSeries(plan, { units, regime, axis });
  if (series.length === 0) return undefined;
  const ends = series.map(({ name, points }) => `${name} ${(100 * points.at(-1)!.y).toFixed(1)}%`);
  const title = `Validation accuracy against ${axis}, regime ${regime}`;
  return {
    title,
    caption: "Mean over seeds; the band goes from the lowest to the highest seed.",
    svg: await learningCurveSvg({
      series,
      xLabel: LABELS[axis],
      yLabel: "validation accuracy",
      percent: true,
      description: `${title}. At the end: ${ends.join(", ")}.`,
      reference: {
        label: "chance",
        y: units.find(({ unit }) => unit.regime === regime)!.unit.chance,
      },
    }),
  };
}

/**
 * Survival curves of one test of time: the share of units that are not yet at the target.
 *
 * @param cell The test.
 * @returns The picture, or `undefined` if it has no times.
 */
export async function survivalCurves(cell: DecidedCell): Promise<ReportChart | undefined> {
  const time = cell.measured?.time;
  if (time === undefined || cell.measure === "accuracy") return undefined;
  const { candidate, control } = time.times;
  const series = [
    { name: cell.candidate, points: survivalLine(candidate) },
    { name: cell.control, points: survivalLine(control) },
  ];
  const title =
    `Not yet at target ${cell.target}, against ${cell.measure}, regime ${cell.regime}: ` +
    `${cell.candidate} and ${cell.control}`;
  return {
    title,
    caption:
      `Kaplan and Meier's curve over ${candidate.length} seeds. Units that did not reach the target ` +
      `leave it at the end of what was watched; means are compared up to the earliest such end.`,
    svg: await learningCurveSvg({
      series,
      xLabel: LABELS[cell.measure],
      yLabel: "share of units not yet there",
      percent: true,
      description: `${title}. ${time.reached.candidate} and ${time.reached.control} of ` +
        `${candidate.length} units reached it within the common budget.`,
    }),
  };
}

/**
 * A survival curve as a line of steps.
 *
 * @param times Times of the units, at least one.
 */
export function survivalLine(times: readonly TargetTime[]): ChartPoint[] {
  const points: ChartPoint[] = [{ x: 0, y: 1 }];
  for (const { time, survival } of kaplanMeier(times)) {
    points.push({ x: time, y: points.at(-1)!.y }, { x: time, y: survival });
  }
  const end = Math.max(...times.map(({ time, watched }) => Math.max(time, watched)));
  points.push({ x: end, y: points.at(-1)!.y });
  return points;
}

/**
 * Paired differences of test accuracy, one point a seed.
 *
 * @param cells Tests of one regime.
 * @param options The regime.
 * @returns The picture, or `undefined` if there is no pair.
 */
export async function pairedDifferences(
  cells: readonly DecidedCell[],
  { regime }: { readonly regime: string },
): Promise<ReportChart | undefined> {
  const series = cells
    .filter((cell) => cell.regime === regime && cell.measure === "accuracy" && cell.measured)
    .map((cell): ChartSeries => ({
      name: `${cell.candidate} - ${cell.control}`,
      points: cell.measured!.pairs.map(({ seed, difference }) => ({ x: seed, y: difference })),
    })).filter(({ points }) => points.length > 0);
  if (series.length === 0) return undefined;
  const title = `Differences of test accuracy at equal seeds, regime ${regime}`;
  const means = series.map(({ name, points }) =>
    `${name}: mean ${
      (100 * points.reduce((sum, { y }) => sum + y, 0) / points.length).toFixed(2)
    } points over ${points.length} seeds`
  );
  return {
    title,
    caption:
      "Candidate minus control, one point a seed; above zero the candidate is more accurate.",
    svg: await learningCurveSvg({
      series,
      xLabel: "seed",
      yLabel: "difference of test accuracy",
      percent: true,
      pointsOnly: true,
      description: `${title}. ${means.join("; ")}.`,
      reference: { label: "no difference", y: 0 },
    }),
  };
}

/** Figures of phases that are drawn together. */
const ALIGNMENT = [
  {
    figures: /^alignment|Cosine$/,
    title: "Alignment of gradients",
    y: "cosine",
    caption: "Cosines with the gradient of the wanted task: mean over seeds, and their range.",
    reference: { label: "unrelated", y: 0 },
  },
  {
    figures: /Ratio$/,
    title: "Size of corrections",
    y: "ratio of norms",
    caption:
      "Norm of a correction by that of the gradient which it corrects: mean over seeds, and " +
      "their range.",
    reference: { label: "as large", y: 1 },
  },
] as const;

/**
 * Cosines between the gradient of the wanted task and those of the pretext tasks while an arm is pretrained,
 * and sizes of corrections: figures of its phases by their names.
 *
 * @param units All units.
 * @param options The arm and the regime.
 * @returns Pictures of the phases that have logged some.
 */
export async function alignmentCurves(
  units: readonly StoredUnit[],
  { arm, regime }: { readonly arm: string; readonly regime: string },
): Promise<ReportChart[]> {
  const here = units.filter(({ unit }) => unit.arm === arm && unit.regime === regime);
  const names = [...new Set(here.flatMap(({ unit }) => unit.phases.map(({ phase }) => phase)))];
  const charts: ReportChart[] = [];
  for (
    const [phase, kind] of names.flatMap((name) => ALIGNMENT.map((one) => [name, one] as const))
  ) {
    const curves = here.flatMap(({ unit }) =>
      unit.phases.filter((record) => record.phase === phase)
    )
      .map(({ curve }) => curve);
    const figures = [
      ...new Set(curves.flatMap((curve) => curve.flatMap((point) => Object.keys(point)))),
    ].filter((name) => kind.figures.test(name));
    const series = figures.map((figure): ChartSeries => ({
      name: figure.replace(/^alignment|Cosine$|Ratio$/g, "") || figure,
      points: meanOf(
        curves.map((curve) =>
          curve.flatMap((point) =>
            point[figure] === undefined
              ? []
              : [{ x: point["steps"] ?? point["step"] ?? 0, y: point[figure] }]
          )
        ).filter((curve) => curve.length > 0),
      ),
    })).filter(({ points }) => points.length > 0);
    if (series.length === 0) continue;
    const title = `${kind.title}, ${arm} in ${regime}, ${phase}`;
    charts.push({
      title,
      caption: kind.caption,
      svg: await learningCurveSvg({
        series,
        xLabel: "optimizer steps of the phase",
        yLabel: kind.y,
        description: `${title}. At the end: ${
          series.map(({ name, points }) => `${name} ${points.at(-1)!.y.toFixed(3)}`).join(", ")
        }.`,
        reference: kind.reference,
      }),
    });
  }
  return charts;
}

/** The axes other than steps, which most readers look at first. */
export const OTHER_AXES: readonly Axis[] = AXES.filter((axis) => axis !== "steps");
