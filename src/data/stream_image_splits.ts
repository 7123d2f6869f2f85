import { createHash } from "node:crypto";
import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { countShardRows } from "./count_shard_rows.ts";
import { findImageShards } from "./find_image_shards.ts";
import { loadHuggingFaceImages } from "./hugging_face_images.ts";
import type { ImageSplits } from "./image_dataset.ts";
import { type ImageStream, imageStream, type ImageStreamOptions } from "./image_stream.ts";
import {
  type ImageSplitsOptions,
  shardOptions,
  splitsKinds,
  together,
} from "./load_image_splits.ts";
import { regularFileSize } from "./regular_file.ts";

/** Options of {@linkcode streamImageSplits}. */
export interface StreamedSplitsOptions extends ImageSplitsOptions {
  /** Training images to hold in memory: the first so many. */
  readonly held: number;
  /** Test images to hold in memory, the first so many; all unless told. */
  readonly heldTest?: number;
}

/** A data set of which a part is in memory, and the rest is streamed. */
export interface StreamedSplits extends ImageSplits {
  /**
   * Streams training images: those of all shards behind the last that holds an image in memory, so that no
   * image which is held out is among them.
   *
   * @param options Images of a batch, seed of the order, and how it is decoded.
   */
  stream(
    options: Pick<ImageStreamOptions, "batchSize" | "seed" | "shuffle" | "lanes" | "ahead">,
  ): ImageStream;
  /** Streamed images. */
  readonly streamed: number;
  /** SHA-256 over name, bytes and rows of every streamed shard: not over their content. */
  readonly shards: string;
}

/**
 * Opens a data set of parquet shards that need not fit into memory: the first training images and test
 * images are loaded, shards behind them are streamed when they are asked for.
 *
 * @param options Which data, how large, and how many images to hold.
 * @returns Images in memory, and the stream.
 * @throws {RangeError} If no shard is left to stream.
 * @throws {Error} If the data are no parquet shards, or something is damaged.
 *
 * @example
 * ```ts
 * import { streamImageSplits } from "@mutasesumele/toolkit/data";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => streamImageSplits({ data: "synthetic", held: 8 }), Error, "parquet");
 * ```
 */
export async function streamImageSplits(options: StreamedSplitsOptions): Promise<StreamedSplits> {
  requireOptions("streamImageSplits", options, {
    ...splitsKinds,
    held: is.count,
    heldTest: is.optional(is.count),
  });
  const { data = "auto", held, heldTest } = options;
  const found = await findImageShards(data, options);
  if (found === undefined) {
    throw new Error(
      `Cannot stream images from ${data}: found no parquet shards, expected a folder of them or a data ` +
        `set of the Hugging Face hub. Load it into memory.`,
    );
  }
  const { name, root, train, test, from } = found;
  const rows = await Promise.all(train.paths.map((path) => countShardRows([path])));
  let [first, covered] = [0, 0];
  while (first < rows.length && covered < held) covered += rows[first++]!;
  const behind = train.paths.slice(first);
  const streamed = rows.slice(first).reduce((sum, count) => sum + count, 0);
  if (streamed === 0) {
    throw new RangeError(
      `Cannot stream images from ${data}: the first ${held} of its ${covered} training images are held in ` +
        `memory, and lie in all of its ${train.paths.length} shards; expected shards behind them. Hold fewer ` +
        `images, or load all into memory.`,
    );
  }
  const common = { name, ...(root !== undefined && { root }), ...shardOptions(options) };
  const hashes = (all: readonly string[] | undefined, from: number, to?: number) =>
    all && { sha256: all.slice(from, to) };
  const splits = together(
    await loadHuggingFaceImages({
      ...common,
      ...hashes(train.sha256, 0, first),
      paths: train.paths.slice(0, first),
      limit: held,
    }),
    await loadHuggingFaceImages({
      ...common,
      ...hashes(test.sha256, 0),
      paths: test.paths,
      ...(heldTest !== undefined && { limit: heldTest }),
    }),
    data,
  );
  const facts = await Promise.all(behind.map(async (path, k) => [
    path.split(/[\\/]/).pop(),
    await regularFileSize(path),
    rows[first + k],
  ]));
  const shown = `${streamed} images are streamed from ${behind.length} shards`;
  const { mostBytes: _, ...decoding } = shardOptions(options);
  return {
    train: {
      ...splits.train,
      provenance: [splits.train.provenance, ...(from ? [`from ${from}`] : []), shown].join(", "),
    },
    test: splits.test,
    streamed,
    shards: createHash("sha256").update(JSON.stringify(facts)).digest("hex"),
    stream: (given) =>
      imageStream({
        ...given,
        ...decoding,
        ...(root !== undefined && { root }),
        ...hashes(train.sha256, first),
        paths: behind,
      }),
  };
}
