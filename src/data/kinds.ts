/** What functions of this folder take, for callers without types. */
import * as is from "../ir/kinds.ts";
import type { ImageDataset } from "./image_dataset.ts";

const labels = /* @__PURE__ */ is.kind(
  "a Uint8Array or an Int32Array",
  (found) => found instanceof Uint8Array || found instanceof Int32Array,
);

/** What the samplers need. */
export const labelledExamples: is.Kind = /* @__PURE__ */ is.objectWith(
  { labels, classNames: /* @__PURE__ */ is.listOf(is.text) },
  "examples",
);

const parts = /* @__PURE__ */ is.objectWith({
  images: is.bytes,
  labels,
  count: is.natural,
  height: is.count,
  width: is.count,
  channels: is.count,
  classNames: /* @__PURE__ */ is.listOf(is.text),
  name: is.text,
  source: is.text,
  provenance: is.text,
  synthetic: is.flag,
}, "a data set, such as imageDataset() makes,");

/** A data set whose parts belong together. */
export const dataset: is.Kind = /* @__PURE__ */ is.kind(
  `${parts.expected}, as many images and labels as 'count' says`,
  (found) => {
    if (!parts.holds(found)) return false;
    const { images, labels, count, height, width, channels } = found as ImageDataset;
    return labels.length === count && images.length === count * height * width * channels;
  },
);

/** An image in memory. */
export const decodedImage: is.Kind = /* @__PURE__ */ is.objectWith(
  { width: is.count, height: is.count, channels: /* @__PURE__ */ is.oneOf(1, 3), pixels: is.bytes },
  "an image",
);

/** A file that must arrive unchanged. */
export const expectedFile: is.Kind = /* @__PURE__ */ is.objectWith(
  { size: is.natural, sha256: is.text },
  "what is expected of a file:",
);

/** An `AbortSignal`. */
export const signal: is.Kind = /* @__PURE__ */ is.kind(
  "an AbortSignal",
  (found) => found instanceof AbortSignal,
);

/** Options of what downloads. */
export const fetching = {
  offline: /* @__PURE__ */ is.optional(is.flag),
  defaultDirectory: /* @__PURE__ */ is.optional(is.name),
  onProgress: /* @__PURE__ */ is.optional(is.callback),
  onMessage: /* @__PURE__ */ is.optional(is.callback),
  signal: /* @__PURE__ */ is.optional(signal),
  responseTimeout: /* @__PURE__ */ is.optional(is.positive),
} as const;

/** A published file and where it is. */
export const archive: is.Kind = /* @__PURE__ */ is.objectWith(
  { url: is.name, size: is.natural, sha256: is.text },
  "an archive",
);

/** The options of what downloads, and more: a call, which a page leaves out where nobody uses its result. */
function fetchingAnd<More extends object>(more: More): typeof fetching & More {
  return { ...fetching, ...more };
}

/** Options of what loads CIFAR-10. */
export const cifar10 = /* @__PURE__ */ fetchingAnd({
  data: /* @__PURE__ */ is.optional(is.name),
  archive: /* @__PURE__ */ is.optional(archive),
  syntheticTrainCount: /* @__PURE__ */ is.optional(is.natural),
  syntheticTestCount: /* @__PURE__ */ is.optional(is.natural),
  syntheticSeed: /* @__PURE__ */ is.optional(is.natural),
});

/** Options of what loads CIFAR-100. */
export const cifar100 = /* @__PURE__ */ fetchingAnd({
  data: /* @__PURE__ */ is.optional(is.name),
  labels: /* @__PURE__ */ is.optional(/* @__PURE__ */ is.oneOf("fine", "coarse")),
  archive: /* @__PURE__ */ is.optional(archive),
});

/** Options of what streams images. */
export const streaming = {
  paths: /* @__PURE__ */ is.listOf(is.name),
  sha256: /* @__PURE__ */ is.optional(/* @__PURE__ */ is.listOf(is.text)),
  root: /* @__PURE__ */ is.optional(is.name),
  batchSize: is.number,
  seed: is.natural,
  size: /* @__PURE__ */ is.optional(is.count),
  cut: /* @__PURE__ */ is.optional(is.number),
  channels: /* @__PURE__ */ is.optional(/* @__PURE__ */ is.oneOf(1, 3)),
  shuffle: /* @__PURE__ */ is.optional(is.number),
  lanes: /* @__PURE__ */ is.optional(is.number),
  ahead: /* @__PURE__ */ is.optional(is.number),
  firstEpoch: /* @__PURE__ */ is.optional(is.natural),
  epochs: /* @__PURE__ */ is.optional(is.positive),
  imageColumn: /* @__PURE__ */ is.optional(is.name),
  labelColumn: /* @__PURE__ */ is.optional(is.name),
  patience: /* @__PURE__ */ is.optional(is.positive),
  mostBytes: /* @__PURE__ */ is.optional(is.positive),
} as const;
