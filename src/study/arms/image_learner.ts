/**
 * The model of a study.
 *
 * @module
 */
import {
  backbones,
  type Choice,
  heads,
  makeOne,
  narrowBackbone,
  narrowTasks,
  type TaskSetting,
} from "../../components/mod.ts";
import type { ChannelStatistics, ImageDataset } from "../../data/mod.ts";
import { type Layer, linear } from "../../nn/mod.ts";
import { adam, type Optimizer } from "../../optim/mod.ts";
import { type Augment, normalizeImages, supervisedAugment } from "../../pretext/mod.ts";
import type { StudyConfig } from "./study_schema.ts";

/** What does not depend on the images of a regime. */
export interface StudyModel {
  /** From images to embeddings, normalization of the pixels first. */
  readonly encoder: Layer;
  /** Length of the embeddings. */
  readonly embedding: number;
  /** A head for a number of classes. */
  readonly head: (classes: number) => Layer;
  /** A linear probe for a number of classes. */
  readonly probe: (classes: number) => Layer;
  /** The outer optimizer. */
  readonly optimizer: Optimizer;
  /** How labelled images are changed. */
  readonly augment: Augment;
}

/**
 * Builds the model of a configuration.
 *
 * @param config The configuration.
 * @param statistics Of the channels, over the training images.
 * @returns Backbone, heads, optimizer.
 */
export function studyModel(
  { model, imageSize }: Pick<StudyConfig, "model" | "imageSize">,
  { mean, standardDeviation: deviation }: ChannelStatistics,
): StudyModel {
  const { hidden } = model;
  const { layer, embedding } = makeOne(backbones, model.backbone, {
    imageSize,
    imageChannels: mean.length,
  });
  return {
    encoder: {
      init: layer.init,
      apply: (params, state, images, options) =>
        layer.apply(params, state, normalizeImages(images, { mean, deviation }), options),
    },
    embedding,
    head: (classes) => makeOne(heads, model.head, { inputs: embedding, classes, hidden }),
    probe: (classes) => linear({ inputs: embedding, outputs: classes }),
    optimizer: adam(),
    augment: supervisedAugment(),
  };
}

/**
 * The same study, so narrow and gentle that its meta-gradient can be checked in float64 in a second.
 *
 * @param config The configuration.
 * @returns Another configuration.
 */
export function narrowed(config: StudyConfig): StudyConfig {
  const { model } = config;
  return {
    ...config,
    model: { ...model, backbone: narrowBackbone(model.backbone), hidden: 16 },
  };
}

/**
 * Options of a meta objective, narrow and gentle.
 *
 * @param options Validated options.
 * @returns Other options.
 */
export function narrowedMeta(
  options: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return {
    ...options,
    tasks: narrowTasks(options["tasks"] as Choice),
    innerSteps: Math.min(options["innerSteps"] as number, 2),
    // With larger steps on a few images even float64 cannot resolve the kinks of the outer loss, with
    // smaller ones it cannot resolve second order.
    innerRate: 5e-4,
  };
}

/**
 * What pretext tasks take from the configuration and the images.
 *
 * @param config The configuration.
 * @param dataset The images that are pretrained on.
 * @returns Sizes and number of classes.
 */
export function taskSetting(
  { imageSize, model: { hidden } }: Pick<StudyConfig, "model" | "imageSize">,
  { channels, classNames }: Pick<ImageDataset, "channels" | "classNames">,
): TaskSetting {
  return { imageSize, imageChannels: channels, classes: classNames.length, hidden };
}
