import { z } from "zod";
import {
  barlowTwinsTask,
  classification,
  colorization,
  contrastive,
  detection,
  exemplar,
  HIDDEN_PATCHES,
  inpainting,
  jigsaw,
  maskedAutoencoding,
  maskedPatches,
  type PretextTask,
  relativePosition,
  rotation,
  simSiam,
  supervisedContrastiveTask,
  vicRegTask,
} from "../pretext/mod.ts";
import { type Choice, component, type Registry } from "./component.ts";

/** What a pretext task takes from the data and the model. */
export interface TaskSetting {
  /** Height and width of the images. */
  readonly imageSize: number;
  /** Channels of the images. */
  readonly imageChannels: number;
  /** Number of classes. */
  readonly classes: number;
  /** Width of the heads' hidden layers. */
  readonly hidden: number;
}

const width = (what: string, value: number) => z.int().min(1).default(value).describe(`${what}.`);
const share = (what: string, value: number) =>
  z.number().min(0).max(1).default(value).describe(`${what}.`);
const positive = (what: string, value: number) =>
  z.number().positive().default(value).describe(`${what}.`);
const widths = (value: number[]) =>
  z.array(z.int().min(1)).min(1).default(value)
    .describe("Channels of the decoder before each doubling.");

const masking = {
  patch: width("Side of a patch", 4),
  ratio: share("Fraction of the patches that is hidden", 0.75),
  normalize: z.boolean().default(true).describe("Whether patches of the target are normalised."),
};

/** Every pretext task by its name. */
export const pretextTasks: Registry<PretextTask, TaskSetting> = {
  "barlow-twins": component(
    "Two views whose features correlate with themselves alone (2103.03230).",
    {
      projection: width("Length of the projection", 512),
      redundancy: positive("Weight of the redundancy term", 0.005),
    },
    (options) => barlowTwinsTask(options),
  ),
  classification: component(
    "The wanted task: classes from given labels.",
    { labelSmoothing: share("Label smoothing", 0) },
    ({ labelSmoothing }, { classes, hidden }) =>
      classification({ classes, hidden, labelSmoothing }),
  ),
  colorization: component(
    "Classes of colour from lightness, on a map (1603.08511).",
    {
      bin: z.number().min(5).default(10).describe("Side of a class in the plane of a and b."),
      encoding: z.enum(["soft", "nearest"]).default("soft").describe("Target of a pixel."),
      rebalancing: share("How much rare colours are favoured", 0.5),
      temperature: positive("Temperature of the annealed mean", 0.38),
      widths: widths([64]),
    },
    (options, { imageSize }) => colorization({ ...options, imageSize }),
  ),
  contrastive: component(
    "SimCLR: each view tells its partner from all others (2002.05709).",
    {
      temperature: positive("Temperature of the loss", 0.1),
      projection: width("Length of the projection", 128),
    },
    (options) => contrastive(options),
  ),
  detection: component(
    "Where shrunk images lie on others, and of which class: YOLO (1506.02640).",
    {
      cells: z.int().min(1).nullable().default(null)
        .describe("Rows and columns of cells; null is one for 8 pixels."),
      boxes: z.int().min(1).default(2).describe("Boxes that a cell predicts."),
      objects: z.int().min(1).default(2).describe("Most objects of an image."),
      smallest: z.int().min(1).nullable().default(null)
        .describe("Least extent of an object; null is 0.3 of the image's, or a cell's."),
      largest: z.int().min(1).nullable().default(null)
        .describe("Greatest extent of an object; null is half of the image's."),
    },
    ({ cells, smallest, largest, ...options }, { imageSize, classes, hidden }) =>
      detection({
        ...options,
        ...{ imageSize, classes, hidden },
        ...(cells !== null && { cells }),
        ...(smallest !== null && { smallest }),
        ...(largest !== null && { largest }),
      }),
  ),
  exemplar: component(
    "Views of an image nearer than those of others, by a margin (1406.6909, 1708.07860).",
    {
      margin: positive("How much nearer", 0.5),
      projection: width("Length of the projection", 128),
    },
    (options) => exemplar(options),
  ),
  inpainting: component(
    "A hidden square, filled in by a decoder (1604.07379).",
    {
      hole: z.int().min(1).nullable().default(null)
        .describe("Height and width of the hole; null is half of the image."),
      place: z.enum(["centre", "drawn"]).default("centre").describe("Where the hole is."),
      widths: widths([64, 32]),
    },
    ({ hole, ...options }, { imageSize, imageChannels }) =>
      inpainting({ ...options, ...(hole === null ? {} : { hole }), imageSize, imageChannels }),
  ),
  jigsaw: component(
    "The order of exchanged tiles (1603.09246).",
    {
      grid: z.union([z.literal(2), z.literal(3)]).default(2).describe("Rows and columns of tiles."),
      gap: z.int().min(0).default(4).describe("Pixels by which a tile is smaller than its cell."),
      grayscale: share("Share of images that lose their colour", 0.3),
      view: z.enum(["mosaic", "tiles"]).default("mosaic").describe(
        "One image, or each tile alone.",
      ),
    },
    (options, { hidden }) => jigsaw({ ...options, hidden }),
  ),
  "masked-autoencoding": component(
    "Hidden patches, reconstructed by a convolutional decoder (2111.06377).",
    {
      ...masking,
      widths: widths([64, 32]),
      shown: z.enum(HIDDEN_PATCHES).default("grey").describe(
        "Hidden patches: grey, a learned token, or marked by a channel.",
      ),
    },
    (options, { imageSize, imageChannels }) =>
      maskedAutoencoding({ ...options, imageSize, imageChannels }),
  ),
  "masked-patches": component(
    "A vision transformer sees visible patches only; a small one reconstructs the others (2111.06377).",
    {
      ...masking,
      features: width("Length of the decoder's tokens", 96),
      depth: width("Blocks of the decoder", 2),
      heads: width("Heads of the decoder's attention", 3),
    },
    (options, { imageSize, imageChannels }) =>
      maskedPatches({ ...options, imageSize, imageChannels }),
  ),
  "relative-position": component(
    "Where a patch lies beside the middle one (1505.05192).",
    {
      gap: z.int().min(0).default(3).describe("Pixels by which a patch is smaller than its cell."),
      grayscale: share("Share of images that lose their colour", 1),
    },
    (options, { hidden }) => relativePosition({ ...options, hidden }),
  ),
  rotation: component(
    "The quarter turn of an image (1803.07728).",
    {
      turns: z.enum(["drawn", "all"]).default("drawn").describe(
        "One turn of an image, or all four.",
      ),
    },
    (options, { hidden }) => rotation({ ...options, hidden }),
  ),
  simsiam: component(
    "One view predicts the projection of the other (2011.10566).",
    { projection: width("Length of the projection", 512) },
    (options) => simSiam(options),
  ),
  "supervised-contrastive": component(
    "Each view tells the views of its class from all others (2004.11362).",
    {
      temperature: positive("Temperature of the loss", 0.1),
      projection: width("Length of the projection", 128),
    },
    (options) => supervisedContrastiveTask(options),
  ),
  vicreg: component(
    "Alike views, features that vary and do not vary together (2105.04906).",
    {
      projection: width("Length of the projection", 512),
      invariance: positive("Weight of the distance between views", 25),
      variance: positive("Weight of the hinge on deviations", 25),
      covariance: positive("Weight of the covariances", 1),
    },
    (options) => vicRegTask(options),
  ),
};

/**
 * The same tasks with short projections and narrow decoders, for checks in float64 that must be quick.
 *
 * @param tasks Validated options by name.
 * @returns Options by name.
 */
export function narrowTasks(tasks: Choice): Choice {
  const narrow: Readonly<Record<string, unknown>> = {
    projection: 8,
    widths: [4],
    features: 6,
    heads: 2,
  };
  return Object.fromEntries(
    Object.entries(tasks).map(([name, options]) => [
      name,
      options && Object.fromEntries(
        Object.entries(options).map(([key, value]) => [key, narrow[key] ?? value]),
      ),
    ]),
  );
}
