import { z } from "zod";
import {
  conv4Encoder,
  conv4Features,
  encoder,
  type Layer,
  NORMALIZATIONS,
  resNet,
  resNetFeatures,
  STEMS,
  visionTransformer,
} from "../nn/mod.ts";
import { type Choice, component, type Registry } from "./component.ts";

/** What a backbone takes from the data. */
export interface BackboneSetting {
  /** Height and width of the images. */
  readonly imageSize: number;
  /** Channels of the images. */
  readonly imageChannels: number;
}

/** A backbone and the length of its embeddings. */
export interface Backbone {
  /** From images `[n, imageSize, imageSize, imageChannels]` to embeddings `[n, embedding]`. */
  readonly layer: Layer;
  /** Length of an embedding. */
  readonly embedding: number;
}

const size = (what: string, value: number) => z.int().min(1).default(value).describe(`${what}.`);
const normalization = z.enum(NORMALIZATIONS).default("batch")
  .describe("Normalization after convolutions.");

/** Every backbone by its name. */
export const backbones: Registry<Backbone, BackboneSetting> = {
  conv4: component(
    "Four convolutions with pooling, the network of few-shot classification (1606.04080).",
    {
      channels: size("Filters of every convolution", 64),
      normalization: normalization.default("batch-own"),
    },
    (options, given) => ({
      layer: conv4Encoder({ ...options, ...given }),
      embedding: conv4Features({ ...options, ...given }),
    }),
  ),
  encoder: component(
    "Stages of two convolutions and pooling, then a linear layer: the original's CIFAR encoder.",
    {
      widths: z.array(z.int().min(1)).min(1).max(3).default([32, 64, 128])
        .describe("Channels of the stages."),
      embedding: size("Length of the embedding", 1024),
      dropout: z.number().min(0).max(0.9).default(0.25).describe("Rate of dropout."),
      normalization,
    },
    (options, given) => ({
      layer: encoder({ ...options, ...given }),
      embedding: options.embedding,
    }),
  ),
  resnet: component(
    "ResNet-18 or -50, with the stem for small images or the paper's (1512.03385).",
    {
      depth: z.union([z.literal(18), z.literal(50)]).default(18).describe("Number of layers."),
      width: size("Channels of the first stage", 64),
      normalization,
      stem: z.enum(STEMS).default("small")
        .describe("First layers: for small images, or those of the paper."),
    },
    (options, { imageChannels }) => ({
      layer: resNet({ ...options, imageChannels }),
      embedding: resNetFeatures(options),
    }),
  ),
  vit: component(
    "A vision transformer, Tiny unless told (2010.11929).",
    {
      patch: size("Side of a patch", 4),
      features: size("Length of tokens and embedding", 192),
      depth: size("Number of blocks", 12),
      heads: size("Heads of the attention", 3),
    },
    (options, given) => ({
      layer: visionTransformer({ ...options, ...given }),
      embedding: options.features,
    }),
  ),
};

/**
 * The same backbone, as narrow as it can be, for checks in float64 that must be quick.
 *
 * @param backbone Validated options by name.
 * @returns Options by name.
 */
export function narrowBackbone(backbone: Choice): Choice {
  const narrow: Readonly<Record<string, (value: unknown) => unknown>> = {
    widths: (widths) => (widths as number[]).map(() => 6),
    embedding: () => 8,
    width: () => 2,
    channels: () => 4,
    features: () => 6,
    heads: () => 2,
    depth: (depth) => depth === 18 || depth === 50 ? depth : 1,
  };
  return Object.fromEntries(
    Object.entries(backbone).map(([name, options]) => [
      name,
      options && Object.fromEntries(
        Object.entries(options).map(([key, value]) => [key, narrow[key]?.(value) ?? value]),
      ),
    ]),
  );
}
