/**
 * Objectives of phases.
 *
 * @module
 */
import type { Objectives, ObjectiveSetting } from "../../components/mod.ts";
import type { Objective } from "../../train/mod.ts";
import { clipping } from "../../train/objectives/clipping.ts";
import type { Phase } from "./arms.ts";

/**
 * Makes the objective of a phase.
 *
 * @param phase Its name, options and clipping.
 * @param given Backbone, head, optimizer, what pretext tasks take, and who makes objectives.
 * @returns The objective.
 */
export function makeObjective(
  { objective, options, clip }: Pick<Phase, "objective" | "options" | "clip">,
  { learner, setting, objectives }: ObjectiveSetting & { readonly objectives: Objectives },
): Objective {
  return objectives[objective]!.make(options, { learner: clipping(learner, clip), setting });
}
