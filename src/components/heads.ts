import { z } from "zod";
import { classifierHead, type Layer, linear, mlpHead, NORMALIZATIONS } from "../nn/mod.ts";
import { component, type Registry } from "./component.ts";

/** What a head takes from the backbone and the data. */
export interface HeadSetting {
  /** Length of the embeddings. */
  readonly inputs: number;
  /** Number of classes. */
  readonly classes: number;
  /** Width of hidden layers. */
  readonly hidden: number;
}

/** Every head of the wanted task by its name: from embeddings `[n, inputs]` to logits `[n, classes]`. */
export const heads: Registry<Layer, HeadSetting> = {
  classifier: component(
    "Linear layer, ReLU, normalization, linear layer: the original's classifier.",
    {
      normalization: z.enum(NORMALIZATIONS).default("batch")
        .describe("Normalization of the hidden layer."),
    },
    (options, { inputs, classes, hidden }) =>
      classifierHead({ ...options, inputs, classes, hidden }),
  ),
  linear: component(
    "One linear layer, as of a linear probe.",
    {},
    (_, { inputs, classes }) => linear({ inputs, outputs: classes }),
  ),
  mlp: component(
    "Hidden layers normalised by their batch, then a linear layer: a projector's shape.",
    { layers: z.int().min(1).max(4).default(1).describe("Number of hidden layers.") },
    ({ layers }, { inputs, classes, hidden }) =>
      mlpHead({
        inputs,
        hidden: new Array<number>(layers).fill(hidden),
        outputs: classes,
        last: "bias",
      }),
  ),
};
