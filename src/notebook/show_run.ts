/**
 * The curves of a run, from its log.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { learningCurveSvg } from "../report/chart.ts";
import { readMetrics } from "../run/metrics.ts";
import { unknownName } from "../experiment/usage_error.ts";
import { type Displayable, displayable } from "./displayable.ts";

/** Which curves are drawn. */
export interface ShowRunOptions {
  /** The metric (default `validationAccuracy`). */
  readonly metric?: string;
  /** The phase (default: the last that has the metric). */
  readonly phase?: string;
}

/**
 * Shows a metric of a run: one line an arm. It may still be running; the cell shows what is there.
 *
 * @param folder The run folder.
 * @param options Which metric, in which phase.
 * @returns What a notebook shows as a chart.
 * @throws {TypeError} If the folder is no text, or an option is unknown or no text.
 * @throws {RangeError} When it is shown, if the run has no such metric; the message names those it has.
 *
 * @example
 * ```ts
 * import { DISPLAY, showRun } from "@mutasesumele/toolkit/notebook";
 * import { MetricsLog } from "@mutasesumele/toolkit/run";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * {
 *   using log = MetricsLog.open(folder);
 *   for (const step of [1, 2]) log.write({ arm: "meta", phase: "train", step, loss: 1 / step });
 * }
 * const forms = await showRun(folder, { metric: "loss" })[DISPLAY]!();
 * assertStringIncludes(forms["image/svg+xml"]!, "<svg ");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function showRun(folder: string, options: ShowRunOptions = {}): Displayable {
  const text = is.optional(is.name);
  requireArguments("showRun", { folder }, { folder: is.name });
  requireOptions("showRun", options, { metric: text, phase: text });
  const { metric = "validationAccuracy" } = options;
  return displayable(async () => {
    const records = await readMetrics(`${folder}/metrics.jsonl`);
    const having = records.filter((record) => typeof record[metric] === "number");
    const phase = options.phase ?? having.at(-1)?.phase;
    const drawn = having.filter((record) => record.phase === phase);
    if (drawn.length === 0) {
      const valid = new Set(
        records.flatMap(({ arm: _, phase: __, step: ___, ...metrics }) => Object.keys(metrics)),
      );
      throw new RangeError(
        `Cannot show ${folder}: ${
          unknownName("metric", { found: metric, valid: [...valid].sort() })
        }${phase === undefined ? "" : ` The phase is "${phase}".`}`,
      );
    }
    const arms = [...Map.groupBy(drawn, ({ arm }) => arm)];
    const ends = arms.map(([arm, lines]) => `${arm} ${lines.at(-1)![metric]}`);
    const description = `${metric} in ${phase}; at the end: ${ends.join(", ")}.`;
    const svg = await learningCurveSvg({
      series: arms.map(([name, lines]) => ({
        name,
        points: lines.map((record) => ({ x: record.step, y: record[metric] as number })),
      })),
      ...{ xLabel: `steps of ${phase}`, yLabel: metric, description },
    });
    return { "text/plain": description, "image/svg+xml": svg };
  });
}
