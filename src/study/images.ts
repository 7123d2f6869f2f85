/**
 * Studies on images: experiments whose arms and regimes are data.
 *
 * @example An own study: its arms and regimes stand in a YAML file beside it
 * ```ts
 * import { imageStudy } from "@mutasesumele/toolkit/study/images";
 * import { assertEquals } from "@std/assert";
 *
 * const experiment = imageStudy({
 *   name: "mine",
 *   title: "My arms",
 *   summary: "Compares the arms of a YAML file.",
 *   question: ["Which arm learns faster?"],
 *   presets: new URL("file:///mine.yaml"),
 * });
 * assertEquals(experiment.name, "mine");
 * ```
 *
 * @module
 */
export { imageStudy, type ImageStudyOptions } from "./arms/image_study.ts";
export type { TaskSetting } from "../components/mod.ts";
