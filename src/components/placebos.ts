/**
 * Placebos by name.
 *
 * @module
 */
import {
  type Placebo,
  randomDirection,
  shuffledTargets,
  signFlipped,
  weightNoise,
} from "../train/mod.ts";
import { component, type Registry } from "./component.ts";

/** Every control of meta-training by its name. */
export const placebos: Registry<Placebo, object> = {
  "random-direction": component(
    "Inner steps of the right length into a random direction.",
    {},
    () => randomDirection(),
  ),
  "shuffled-targets": component(
    "Pretext targets that belong to other images.",
    {},
    () => shuffledTargets(),
  ),
  "sign-flipped": component("Inner steps uphill.", {}, () => signFlipped()),
  "weight-noise": component(
    "Noise as long as the inner step of every tensor instead of the step.",
    {},
    () => weightNoise(),
  ),
};
