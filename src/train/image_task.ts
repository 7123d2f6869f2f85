/**
 * Labelled images that a backbone learns from or is judged by.
 *
 * @module
 */
import type { ImageDataset } from "../data/in_memory.ts";
import type { Layer } from "../nn/mod.ts";

/** A classification of images: which of them are learned from, and which are held out. */
export interface ImageTask {
  /** The images and their classes. */
  readonly dataset: ImageDataset;
  /** Labelled images to learn from, `[n]`, rows of the data set. */
  readonly train: Int32Array;
  /** Images held out of training, `[n]`. */
  readonly validation: Int32Array;
  /** Images of the pretext tasks, `[n]`; `train` unless told. */
  readonly unlabelled?: Int32Array;
  /** From embeddings to logits of the classes. */
  readonly head: Layer;
}
