/**
 * Controls of meta-training.
 *
 * @module
 */
export type { InnerLoss, Placebo } from "./placebo.ts";
export { randomDirection, weightNoise } from "./random_direction.ts";
export { shuffledTargets } from "./shuffled_targets.ts";
export { signFlipped } from "./sign_flipped.ts";
