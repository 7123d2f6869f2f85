import { z } from "zod";
import { adam, adamW, momentum, type Optimizer, rmsProp, sgd } from "../optim/mod.ts";
import { component, type Registry } from "./component.ts";

const decay = (what: string, value: number) =>
  z.number().min(0).lt(1).default(value).describe(`How much of the ${what} stays.`);
const moments = {
  decay1: decay("mean gradient", 0.9),
  decay2: decay("mean squared gradient", 0.999),
  epsilon: z.number().positive().default(1e-8).describe("Added to the root."),
};

/** Every optimizer by its name; all may run in an inner loop too. */
export const optimizers: Registry<Optimizer, object> = {
  adam: component("Adam (1412.6980).", moments, (options) => adam(options)),
  adamw: component(
    "Adam with decoupled weight decay (1711.05101).",
    { ...moments, weightDecay: z.number().min(0).default(0.01).describe("Decay, times the rate.") },
    (options) => adamW(options),
  ),
  momentum: component(
    "Gradient descent with momentum.",
    {
      decay: decay("velocity", 0.9),
      nesterov: z.boolean().default(false).describe("Whether gradients are taken ahead."),
    },
    (options) => momentum(options),
  ),
  rmsprop: component(
    "Gradients over the root of their mean square (Hinton 2012).",
    {
      decay: decay("mean squared gradient", 0.99),
      epsilon: moments.epsilon,
      centered: z.boolean().default(false).describe("Whether the mean is taken off the square."),
      momentum: decay("velocity", 0),
    },
    (options) => rmsProp(options),
  ),
  sgd: component("Plain gradient descent.", {}, () => sgd()),
};
