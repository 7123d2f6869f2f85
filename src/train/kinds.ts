/** What functions of this folder take, for callers without types. */
import * as is from "../ir/kinds.ts";

/** A layer or model. */
export const layer: is.Kind = is.objectWith(
  { init: is.callback, apply: is.callback },
  "a layer, such as conv4Encoder() returns,",
);

/** An optimizer. */
export const optimizer: is.Kind = is.objectWith(
  { init: is.callback, update: is.callback },
  "an optimizer, such as adam() returns,",
);

/** Extents of images. */
export const extents: is.Kind = is.objectWith(
  { height: is.count, width: is.count, channels: is.count },
  "the extents of images",
);

/** Pretext tasks. */
export const tasks: is.Kind = is.listOf(
  is.objectWith({ name: is.name, loss: is.callback }, "a pretext task"),
);

/** What is trained. */
export const learner: is.Kind = is.objectWith(
  {
    encoder: layer,
    embedding: is.count,
    head: layer,
    optimizer,
    augment: is.callback,
    extents,
  },
  "a learner",
);

/** Parameters and running state. */
export const variables: is.Kind = is.objectWith({ params: is.object, state: is.object });

/** Examples of one side: images, rows to learn from and to validate on, a head. */
export const imageTask: is.Kind = is.objectWith({
  dataset: is.object,
  train: is.indices,
  validation: is.indices,
  head: layer,
}, "images to learn");

/** What meta-trains. */
export const metaTraining: is.Kind = is.objectWith({
  encoder: layer,
  head: layer,
  optimizer,
  augment: is.callback,
  extents,
  tasks,
  inner: is.object,
  order: is.oneOf("exact", "first"),
});

/** Images on the device. */
export const table: is.Kind = is.objectWith(
  { shards: is.listOf(is.tensor), labels: is.tensor },
  "a table of images, such as packImages() makes,",
);
