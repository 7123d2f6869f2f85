/**
 * Objectives of phases.
 *
 * @module
 */
import { objectives, type ObjectiveSetting } from "../../components/mod.ts";
import { withClipping } from "../../optim/mod.ts";
import type { Objective } from "../../train/mod.ts";
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
  const optimizer = clip === null
    ? learner.optimizer
    : withClipping(learner.optimizer, { maxNorm: clip });
  return objectives[objective]!.make(options, { learner: { ...learner, optimizer }, setting });
}
