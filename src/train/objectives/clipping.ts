/**
 * Clipping of a plan.
 *
 * @module
 */
import { type Optimizer, withClipping } from "../../optim/mod.ts";

/**
 * What learns, with clipped gradients.
 *
 * @param learner Anything with an optimizer.
 * @param clip Largest global norm of a gradient; `null` clips nothing.
 * @returns The same with another optimizer; itself if nothing is clipped.
 * @throws {RangeError} If the norm is not above 0, at the first step.
 */
export function clipping<T extends { readonly optimizer: Optimizer }>(
  learner: T,
  clip: number | null,
): T {
  if (clip === null) return learner;
  return { ...learner, optimizer: withClipping(learner.optimizer, { maxNorm: clip }) };
}
