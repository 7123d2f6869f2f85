/**
 * Statistics and the HTML report of a run; charts and pictures have entries of their own,
 * `report/charts` and `report/pictures`.
 *
 * @example The interval of a share
 * ```ts
 * import { wilsonInterval } from "@mutasesumele/toolkit/report";
 * import { assert } from "@std/assert";
 *
 * const { low, high } = wilsonInterval(0.4, { trials: 100 });
 * assert(low < 0.4 && 0.4 < high);
 * ```
 *
 * @module
 */
export { bootstrapInterval, type BootstrapOptions, type Interval } from "./bootstrap.ts";
export { renderReport, type Report, type ReportArm } from "./html.ts";
export {
  kaplanMeier,
  type Observation,
  restrictedMean,
  restrictedMeanInterval,
  type SurvivalStep,
} from "./kaplan_meier.ts";
export { type LogRankResult, logRankTest } from "./log_rank.ts";
export type { ReportChart, ReportImage, ReportNotice } from "./page.ts";
export { type SignFlipOptions, signFlipTest } from "./sign_flip.ts";
export { holmCorrection, median, quantile, standardDeviation } from "./statistics.ts";
export { wilsonInterval } from "./wilson.ts";
