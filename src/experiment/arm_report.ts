/**
 * The outcome of an experiment with several arms: `summary.json`, charts and `report.html`.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { type ChartOptions, learningCurveSvg } from "../report/chart.ts";
import { renderReport, type ReportImage, type ReportNotice } from "../report/mod.ts";
import type { CurvePoint, Evaluation, StageRecord } from "../train/mod.ts";
import type { ExperimentContext } from "./experiment_context.ts";

/** An arm that has run. */
export interface ArmOutcome {
  /** Name in tables and files. */
  readonly name: string;
  /** What the arm does, in a few words. */
  readonly description: string;
  /** The stages that the arm has gone through, in order, its pretraining too. */
  readonly stages: readonly { readonly phase: string; readonly record: StageRecord }[];
  /**
   * The finished model on the test split: no loss where it gives no probabilities, and an interval of the
   * accuracy where the number of images is told. Absent where the test split was left alone.
   */
  readonly test?: Pick<Evaluation, "accuracy"> & {
    readonly loss?: number;
    readonly images?: number;
  };
}

/** What is written about an experiment. */
export interface ArmReport {
  /** What was asked and how, one paragraph an item. */
  readonly summary: readonly string[];
  /** What to know before the figures. */
  readonly notices: readonly ReportNotice[];
  /** Engine, adapter, seed, data and other facts, for `summary.json` and the report. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** The arms. */
  readonly arms: readonly ArmOutcome[];
  /** Level of guessing, for the charts. */
  readonly chance: number;
  /** Images for the report; none unless told. */
  readonly images?: readonly ReportImage[];
}

const folderKind: is.Kind = is.objectWith(
  { writeSummary: is.callback, writeText: is.callback, file: is.callback },
  "a run folder",
);

const armKind: is.Kind = is.objectWith({
  name: is.name,
  description: is.text,
  stages: is.listOf(is.objectWith({
    phase: is.name,
    record: is.objectWith({ ledger: is.object, curve: is.listOf(is.object) }),
  }, "a stage")),
  test: is.optional(is.objectWith({ accuracy: is.number })),
}, "an arm");

/** Figure of the curves that is drawn, and the last of which goes into the table. */
const ACCURACY = "validationAccuracy";

interface ArmPoint extends CurvePoint {
  readonly phase: number;
}

/** The evaluations of an arm, their cost counted from the arm's begin. */
function curveOf(arm: ArmOutcome): ArmPoint[] {
  let [step, samples, flops] = [0, 0, 0];
  return arm.stages.flatMap(({ record }, phase) => {
    const points = record.curve.map((point) => ({
      ...point,
      phase,
      step: step + point.step,
      samples: samples + point.samples,
      flops: flops + point.flops,
    }));
    step += record.ledger.steps;
    samples += record.ledger.samples;
    flops += record.ledger.flops;
    return points;
  });
}

function costOf(stages: ArmOutcome["stages"]): StageRecord["ledger"] {
  const total = (name: keyof StageRecord["ledger"]): number =>
    stages.reduce((sum, { record }) => sum + record.ledger[name], 0);
  return {
    steps: total("steps"),
    samples: total("samples"),
    flops: total("flops"),
    seconds: total("seconds"),
  };
}

/** The last accuracy of a classifier; pretext tasks alone have none. */
function lastAccuracy(curve: readonly ArmPoint[]): number | undefined {
  return curve.findLast((point) => ACCURACY in point)?.[ACCURACY];
}

/** An entry, if there is a value. */
function optional<Key extends string, T>(key: Key, value: T | undefined): { [K in Key]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: T };
}

/** The entry of an arm in `summary.json`. */
function summaryOf(arm: ArmOutcome): Record<string, unknown> {
  const curve = curveOf(arm);
  return {
    description: arm.description,
    ...costOf(arm.stages),
    pretraining: costOf(arm.stages.slice(0, -1)),
    validation: curve.map(({ phase, ...point }) => ({ phase: arm.stages[phase]!.phase, ...point })),
    validationAccuracy: lastAccuracy(curve),
    testAccuracy: arm.test?.accuracy,
    testLoss: arm.test?.loss,
  };
}

interface Picture {
  readonly file: string;
  readonly title: string;
  readonly caption: string;
  readonly x: "step" | "flops";
  readonly xLabel: string;
  readonly logX?: boolean;
  /** `true` leaves out pretraining and counts from the begin of the last stage. */
  readonly lastStage: boolean;
}

const PICTURES: readonly Picture[] = [
  {
    file: "validation-after-pretraining.svg",
    title: "Accuracy against steps after pretraining",
    caption:
      "Validation accuracy while a head is fine-tuned or probed; pretraining is not counted.",
    x: "step",
    xLabel: "steps of fine-tuning or probing",
    lastStage: true,
  },
  {
    file: "validation-steps.svg",
    title: "Accuracy against all steps",
    caption: "Validation accuracy against all optimizer steps of the arm, pretraining counted in.",
    x: "step",
    xLabel: "optimizer steps, pretraining included",
    lastStage: false,
  },
  {
    file: "validation-flops.svg",
    title: "Accuracy against compute",
    caption: "Validation accuracy against all floating-point operations of the arm, pretraining " +
      "counted in; evaluations are not counted. The axis is logarithmic.",
    x: "flops",
    xLabel: "floating-point operations, pretraining included",
    logX: true,
    lastStage: false,
  },
];

/** What one picture shows: the arms that have learned a classifier, which nearest neighbours alone do not. */
function seriesOf(picture: Picture, { arms }: ArmReport): ChartOptions["series"] {
  const series = arms.map((arm, at) => {
    // Pretraining that an arm shares with one before it is drawn once.
    const shared = arms.slice(0, at).some(({ stages }) =>
      stages[0]?.record === arm.stages[0]?.record
    );
    const points = curveOf(arm).filter(({ phase, ...point }) =>
      ACCURACY in point && (phase === arm.stages.length - 1 || !(picture.lastStage || shared))
    );
    const origin = picture.lastStage ? points[0]?.[picture.x] ?? 0 : 0;
    return {
      name: arm.name,
      points: points
        .map((point) => ({ x: point[picture.x] - origin, y: point[ACCURACY]! }))
        .filter(({ x }) => !picture.logX || x > 0),
    };
  });
  return series.filter(({ points }) => points.length > 0);
}

/** Draws one picture; arms keep their colours from picture to picture. */
function draw(
  picture: Picture,
  { series, chance, background }:
    & Pick<ChartOptions, "series">
    & { readonly chance: number; readonly background?: string },
): Promise<string> {
  const ends = series.map(({ name, points }) => `${name} ${(100 * points.at(-1)!.y).toFixed(1)}%`);
  return learningCurveSvg({
    series,
    xLabel: picture.xLabel,
    yLabel: "validation accuracy",
    percent: true,
    description: `${picture.title}. At the end: ${ends.join(", ")}.`,
    reference: { label: "chance", y: chance },
    ...(picture.logX && { logX: true }),
    ...(background !== undefined && { background }),
  });
}

/** Facts as text, those inside of another under both names. */
function flatFacts(facts: Readonly<Record<string, unknown>>, prefix = ""): Record<string, string> {
  const entries = Object.entries(facts).flatMap(([name, value]): [string, string][] =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.entries(flatFacts(value as Record<string, unknown>, `${prefix}${name} `))
      : [[`${prefix}${name}`, String(value)]]
  );
  return Object.fromEntries(entries);
}

/**
 * Writes `summary.json`, the charts as SVG files and `report.html` into the run folder.
 *
 * @param context The experiment's context.
 * @param report Arms, facts and notices.
 * @param options `title`: heading of the report.
 * @throws {TypeError} If a part of the report is missing or of another kind, before anything is written.
 * @throws {RangeError} If a figure is not finite.
 *
 * @example
 * ```ts
 * import { defineExperiment, runExperiment } from "@mutasesumele/toolkit/experiment";
 * import { writeArmReport } from "@mutasesumele/toolkit/experiment";
 * import { assertEquals } from "@std/assert";
 * import { z } from "zod";
 *
 * const ledger = { steps: 10, samples: 40, flops: 1e6, seconds: 2 };
 * const curve = [
 *   { step: 0, samples: 0, flops: 0, seconds: 0, validationAccuracy: 0.1 },
 *   { step: 10, samples: 40, flops: 1e6, seconds: 0, validationAccuracy: 0.4 },
 * ];
 * const experiment = defineExperiment({
 *   name: "demo",
 *   title: "A demo",
 *   summary: "Reports one arm.",
 *   schema: z.strictObject({}),
 *   run: (context) =>
 *     writeArmReport(context, {
 *       summary: ["One arm."],
 *       notices: [],
 *       facts: { seed: context.seed },
 *       arms: [{
 *         name: "scratch",
 *         description: "not pretrained",
 *         stages: [{ phase: "fine-tune", record: { ledger, curve } }],
 *         test: { accuracy: 0.38, loss: 1.8 },
 *       }],
 *       chance: 0.1,
 *     }, { title: "demo" }),
 * });
 * const root = await Deno.makeTempDir();
 * const { path } = await runExperiment(experiment, {
 *   ...{ config: {}, seed: 0, engine: "reference", data: "synthetic", preset: null },
 *   ...{ command: ["example"], folder: { root } },
 * });
 * const { arms } = JSON.parse(await Deno.readTextFile(`${path}/summary.json`));
 * assertEquals([arms.scratch.flops, arms.scratch.testAccuracy], [1e6, 0.38]);
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export async function writeArmReport<Config>(
  context: ExperimentContext<Config>,
  report: ArmReport,
  options: { readonly title: string },
): Promise<void> {
  requireArguments("writeArmReport", { context }, {
    context: is.objectWith({ folder: folderKind }, "the context of an experiment"),
  });
  requireOptions("writeArmReport", options, { title: is.text });
  const { title } = options;
  requireOptions("writeArmReport", report, {
    summary: is.listOf(is.text),
    notices: is.listOf(is.object),
    facts: is.object,
    arms: is.listOf(armKind),
    chance: is.share,
    images: is.optional(is.listOf(is.object)),
  });
  const { folder, config } = context;
  await folder.writeSummary({
    ...report.facts,
    arms: Object.fromEntries(report.arms.map((arm) => [arm.name, summaryOf(arm)])),
    config,
  });
  const charts = [];
  for (const picture of PICTURES) {
    const series = seriesOf(picture, report);
    if (series.length === 0) continue;
    const shown = { series, chance: report.chance };
    await folder.writeText(picture.file, await draw(picture, { ...shown, background: "white" }));
    const { title, caption } = picture;
    charts.push({ title, caption, svg: await draw(picture, shown) });
  }
  const html = renderReport({
    title,
    summary: report.summary,
    notices: report.notices,
    facts: flatFacts(report.facts),
    arms: report.arms.map((arm) => ({
      name: arm.name,
      description: arm.description,
      ...costOf(arm.stages),
      ...optional("validationAccuracy", lastAccuracy(curveOf(arm))),
      ...optional("testAccuracy", arm.test?.accuracy),
      ...optional("testImages", arm.test?.images),
    })),
    charts,
    ...optional("images", report.images),
    configuration: await Deno.readTextFile(folder.file("config.yaml")),
  });
  await folder.writeText("report.html", html);
}
