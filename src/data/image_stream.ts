import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import { countShardRows } from "./count_shard_rows.ts";
import { type StreamBatch, streamImages, type StreamImagesOptions } from "./stream_images.ts";

/** Options of {@linkcode imageStream}. */
export type ImageStreamOptions = Omit<StreamImagesOptions, "firstEpoch" | "epochs">;

/** A stream of batches that can begin at any epoch: what feeds a stage, by `streamedTables`. */
export interface ImageStream {
  /** Batches from an epoch on, without end. */
  batches(firstEpoch: number): AsyncGenerator<StreamBatch>;
  /** Batches of an epoch; what does not fill one is left out. */
  batchesPerEpoch(): Promise<number>;
}

/**
 * Describes a stream out of parquet shards; nothing is opened before it is asked.
 *
 * @param options Which shards, batches and order; see {@linkcode streamImages}.
 * @returns The stream.
 *
 * @example
 * ```ts
 * import { imageStream } from "@mutasesumele/toolkit/data";
 * import { assertEquals } from "@std/assert";
 *
 * const stream = imageStream({ paths: [], batchSize: 8, seed: 0 });
 * assertEquals(await stream.batchesPerEpoch(), 0);
 * ```
 */
export function imageStream(options: ImageStreamOptions): ImageStream {
  const { firstEpoch: _, epochs: __, ...known } = kinds.streaming;
  requireOptions("imageStream", options, { ...known, batchSize: is.count });
  const { paths, batchSize } = options;
  return {
    batches: (firstEpoch) => streamImages({ ...options, firstEpoch }),
    batchesPerEpoch: async () => Math.floor(await countShardRows(paths) / batchSize),
  };
}
