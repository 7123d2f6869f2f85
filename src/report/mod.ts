/**
 * Statistics, charts and the HTML report of a run.
 *
 * @module
 */
export { bootstrapInterval, type BootstrapOptions, type Interval } from "./bootstrap.ts";
export { type ChartOptions, type ChartPoint, type ChartSeries, learningCurveSvg } from "./chart.ts";
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
export {
  type EncodedPicture,
  pictureGrid,
  type PictureGridOptions,
  type PictureValues,
} from "./picture_grid.ts";
export { type SignFlipOptions, signFlipTest } from "./sign_flip.ts";
export { holmCorrection, median, quantile, standardDeviation } from "./statistics.ts";
export { wilsonInterval } from "./wilson.ts";
