import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type { ShardJob, ShardOpened } from "./decode_shards.ts";
import { compactLabels, ImageCollector } from "./image_collector.ts";
import type { ImageDataset } from "./image_dataset.ts";
import { regularFileSize } from "./regular_file.ts";
import { startDecoder } from "./start_decoder.ts";

/** Options of {@linkcode loadHuggingFaceImages}. */
export interface HuggingFaceImagesOptions {
  /** Parquet files (shards), in order. */
  readonly paths: readonly string[];
  /** SHA-256 of every file, in the same order; checked before anything is read. */
  readonly sha256?: readonly string[];
  /** Last folder above the files where a list `SHA256SUMS` counts; their own unless told. */
  readonly root?: string;
  /** Rows and columns to resize to; without it all images must have one size. */
  readonly size?: number;
  /** 3 for RGB (the default), 1 for grey. */
  readonly channels?: 1 | 3;
  /** Share of the shorter side that is kept when resizing; all of it unless told. */
  readonly cut?: number;
  /** Most images to read, from the start; all unless told. */
  readonly limit?: number;
  /** Column of images; `img` or `image` unless told. */
  readonly imageColumn?: string;
  /** Column of labels; `label`, `labels` or `fine_label` unless told. */
  readonly labelColumn?: string;
  /** Name of the data set, `hugging-face` unless told. */
  readonly name?: string;
  /** Most bytes of all images together, 4 GiB unless told; checked before they are allocated. */
  readonly mostBytes?: number;
  /** Longest silence of the decoder in milliseconds, 60,000 unless told. */
  readonly patience?: number;
}

/** Checks that all shards have the same class names, and returns those. */
function sharedNames(
  shards: readonly ShardOpened[],
  paths: readonly string[],
): readonly string[] | undefined {
  const names = shards.map(({ classNames }) => classNames);
  const differing = names.findIndex((list) => JSON.stringify(list) !== JSON.stringify(names[0]));
  if (differing <= 0) return names[0];
  throw new Error(
    `Cannot load ${paths[0]} and ${paths[differing]} together: class names ${
      names[0]?.join(", ") ?? "none"
    } and ${
      names[differing]?.join(", ") ?? "none"
    }, expected the same. Load shards of one data set.`,
  );
}

/**
 * Loads images and labels from local parquet files in the layout of the Hugging Face hub: a column of
 * encoded images (JPEG or PNG) and a column of integer labels.
 *
 * That is the layout of cifar10, cifar100, svhn, food101, beans, imagenet-1k and many more. Class names
 * come from the files' metadata; without it classes are called by their numbers. Row groups are read
 * one at a time. Images keep the orientation their EXIF data ask for.
 *
 * The files are decoded in a worker, which is ended if it is silent for too long; where the module of
 * the worker may not be read, in this thread. A file is compared
 * with its hash in `sha256`, or else in a list `SHA256SUMS` beside it, or else in the name of its blob
 * in the cache of the hub's client; only a hash finds every change. Without one, contradictions in
 * the file and faults that the image decoders see are refused; in a file with the right hash images
 * with faults are kept, and the provenance counts them.
 *
 * @param options Files, and the wanted size.
 * @returns Images `[count, height, width, channels]` with labels.
 * @throws {ChecksumError} If a file differs from its hash.
 * @throws {RangeError} If there is no file or no row, or the images take more than `mostBytes`.
 * @throws {Error} If a file is not parquet, a column is missing or ambiguous, files disagree about the
 * classes, or an image or label cannot be used; the message names file and row.
 *
 * @example
 * ```ts
 * import { loadHuggingFaceImages } from "@mutasesumele/toolkit/data";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => loadHuggingFaceImages({ paths: [] }), RangeError, "no file");
 * ```
 */
export async function loadHuggingFaceImages(
  options: HuggingFaceImagesOptions,
): Promise<ImageDataset> {
  requireOptions("loadHuggingFaceImages", options, {
    paths: is.listOf(is.name),
    sha256: is.optional(is.listOf(is.text)),
    root: is.optional(is.name),
    size: is.optional(is.count),
    channels: is.optional(is.oneOf(1, 3)),
    cut: is.optional(is.number),
    limit: is.optional(is.number),
    imageColumn: is.optional(is.name),
    labelColumn: is.optional(is.name),
    name: is.optional(is.name),
    mostBytes: is.optional(is.positive),
    patience: is.optional(is.positive),
  });
  const { paths, sha256, channels = 3, limit = Infinity, name = "hugging-face" } = options;
  if (paths.length === 0 || !(limit >= 1)) {
    throw new RangeError(
      paths.length === 0
        ? "Cannot load images: no file, expected at least one parquet file. Pass paths."
        : `Cannot load images: limit ${limit}, expected at least 1. Leave it out to read all.`,
    );
  }
  if (sha256 !== undefined && sha256.length !== paths.length) {
    throw new RangeError(
      `Cannot check ${paths.length} files: ${sha256.length} hashes, expected one for each. Correct sha256.`,
    );
  }
  // Here, for what is thrown over there loses its class.
  for (const path of paths) await regularFileSize(path);
  const { patience = 60_000, mostBytes = 2 ** 32, root, size, cut } = options;
  const { imageColumn, labelColumn } = options;
  const job: ShardJob = {
    paths,
    channels,
    limit: Math.floor(limit),
    ...(sha256 && { sha256 }),
    ...(root !== undefined && { root }),
    ...(size !== undefined && { size }),
    ...(cut !== undefined && { cut }),
    ...(imageColumn !== undefined && { imageColumn }),
    ...(labelColumn !== undefined && { labelColumn }),
  };
  const shards: ShardOpened[] = [];
  let collector: ImageCollector | undefined;
  let [total, count] = [0, 0];
  let names: readonly string[] | undefined;
  for await (const part of startDecoder(job, { patience })) {
    if (part.kind === "images") {
      collector!.add(part);
      continue;
    }
    shards.push(part);
    if (shards.length < paths.length) continue;
    total = shards.reduce((sum, { rows }) => sum + rows, 0);
    count = Math.min(total, job.limit);
    names = sharedNames(shards, paths);
    collector = new ImageCollector({
      count,
      channels,
      mostBytes,
      less:
        "Pass a smaller limit or size, raise mostBytes, or stream the shards (streamImageSplits; in a study: stream, with trainImages).",
    });
  }
  if (collector === undefined || count === 0) {
    throw new RangeError(
      `Cannot load images from ${
        paths.join(", ")
      }: no row, expected at least one. Choose other files.`,
    );
  }
  const { images, labels, height, width, filled, faults } = collector;
  if (filled !== count) {
    throw new Error(
      `Cannot load images from ${
        paths.join(", ")
      }: ${filled} images came, expected ${count}. The files are damaged: fetch them again.`,
    );
  }
  const highest = labels.reduce((most, label) => Math.max(most, label), 0);
  const classNames = names ?? Array.from({ length: highest + 1 }, (_, label) => `${label}`);
  const verified = shards.every((shard) => shard.verified);
  return {
    name,
    images,
    labels: compactLabels(labels, classNames),
    count,
    height,
    width,
    channels,
    classNames,
    source: "folder",
    provenance: [
      `${name}: ${count} of ${total} images from ${paths.join(", ")}`,
      ...(size === undefined ? [] : [`resized to ${size} x ${size}`]),
      ...(verified ? ["verified by SHA-256"] : []),
      ...(faults > 0 ? [`${faults} with faults that the decoder passed over`] : []),
    ].join(", "),
    synthetic: false,
  };
}
