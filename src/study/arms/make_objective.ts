/**
 * Objectives of phases.
 *
 * @module
 */
import { objectives, type ObjectiveSetting } from "../../components/mod.ts";
import type { Objective } from "../../train/mod.ts";
import { clipping } from "../../train/objectives/clipping.ts";
import type { Phase } from "./arms.ts";

/**
 * Makes the objective of a phase.
 *
 * @param phase Its name, options and clipping.
 * @param given Backbone, head, optimizer, and what pretext tasks take.
 * @returns The objective.
 */
export function makeObjective(
  { objective, options, clip }: Pick<Phase, "objective" | "options" | "clip">,
  { learner, setting }: ObjectiveSetting,
): Objective {
  return objectives[objective]!.make(options, { learner: clipping(learner, clip), setting });
}
