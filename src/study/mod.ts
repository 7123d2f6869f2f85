/**
 * Studies: arms and regimes as data, units, and what they leave behind.
 *
 * @module
 */
export { imageStudy, type ImageStudyOptions } from "./image_study.ts";
export type { StudyConfig } from "./study_schema.ts";
export type { Cost, Evaluated, Outcome, PhaseRecord, UnitSummary } from "./unit_summary.ts";
