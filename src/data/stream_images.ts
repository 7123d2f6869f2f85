import { requireOptions } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import type { ShardImages, ShardJob, ShardOpened } from "./decode_shards.ts";
import { HostRandom } from "./host_random.ts";
import { ShufflePool } from "./shuffle_pool.ts";
import { startDecoder } from "./start_decoder.ts";

/** Options of {@linkcode streamImages}. */
export interface StreamImagesOptions {
  /** Parquet files (shards). */
  readonly paths: readonly string[];
  /** SHA-256 of every file, in the same order; checked when its turn comes. */
  readonly sha256?: readonly string[];
  /** Last folder above the files where a list `SHA256SUMS` counts; their own unless told. */
  readonly root?: string;
  /** Images of a batch. */
  readonly batchSize: number;
  /** Seed of the order. */
  readonly seed: number;
  /** Rows and columns to resize to; without it all images must have one size. */
  readonly size?: number;
  /** Share of the shorter side that is kept when resizing; all of it unless told. */
  readonly cut?: number;
  /** 3 for RGB (the default), 1 for grey. */
  readonly channels?: 1 | 3;
  /** Images among which the next is drawn, 2,048 unless told; 1 keeps the order of the shards. */
  readonly shuffle?: number;
  /** Shards that are decoded at once, each in a worker of its own, 4 unless told. */
  readonly lanes?: number;
  /** Parts, of about a mebibyte, that every lane is ahead, 4 unless told. */
  readonly ahead?: number;
  /** First epoch, to go on where a run was stopped; 0 unless told. */
  readonly firstEpoch?: number;
  /** Number of epochs; without end unless told. */
  readonly epochs?: number;
  /** Column of images; `img` or `image` unless told. */
  readonly imageColumn?: string;
  /** Column of labels; `label`, `labels` or `fine_label` unless told. */
  readonly labelColumn?: string;
  /** Longest silence of a decoder in milliseconds, 60,000 unless told. */
  readonly patience?: number;
  /** Most bytes of the images that wait to be drawn, 1 GiB unless told. */
  readonly mostBytes?: number;
}

/** A batch of {@linkcode streamImages}. */
export interface StreamBatch {
  /** Pixels `[batchSize, height, width, channels]`. */
  readonly images: Uint8Array<ArrayBuffer>;
  /** Classes `[batchSize]`. */
  readonly labels: Int32Array<ArrayBuffer>;
  /** Rows of an image. */
  readonly height: number;
  /** Columns of an image. */
  readonly width: number;
  /** Epoch, from 0. */
  readonly epoch: number;
  /** Batch of the epoch, from 0. */
  readonly index: number;
  /** Class names, if the files give any. */
  readonly classNames: readonly string[] | undefined;
  /** Milliseconds that the asker had to wait for this batch. */
  readonly waited: number;
}

type Part = ShardOpened | ShardImages;

/** A decoder that has been asked for its next part already. */
interface Lane {
  readonly parts: AsyncGenerator<Part>;
  next: Promise<IteratorResult<Part>>;
}

/** Starts the decoders of an epoch: lane `k` has the shards `k`, `k + lanes` and so on. */
function startLanes(options: StreamImagesOptions, epoch: number): Lane[] {
  const { paths, sha256, channels = 3, ahead = 4, patience = 60_000, seed, shuffle } = options;
  const { root, size, cut, imageColumn, labelColumn } = options;
  const order = Int32Array.from(paths.keys());
  if (shuffle !== 1) new HostRandom([seed, 0x5a4d, epoch]).shuffle(order);
  const lanes = Math.min(options.lanes ?? 4, paths.length);
  return Array.from({ length: lanes }, (_, lane) => {
    const own = [...order].filter((_, position) => position % lanes === lane);
    const job: ShardJob = {
      paths: own.map((shard) => paths[shard]!),
      ...(sha256 && { sha256: own.map((shard) => sha256[shard]!) }),
      channels,
      limit: Infinity,
      lazy: true,
      ...(root !== undefined && { root }),
      ...(size !== undefined && { size }),
      ...(cut !== undefined && { cut }),
      ...(imageColumn !== undefined && { imageColumn }),
      ...(labelColumn !== undefined && { labelColumn }),
    };
    const parts = startDecoder(job, { patience, ahead });
    const next = parts.next();
    // What went wrong is told to whoever takes the part.
    next.catch(() => {});
    return { parts, next };
  });
}

/** Takes one part of every lane in turn, whichever is faster: the order is that of the seed. */
async function* takeTurns(lanes: Lane[]): AsyncGenerator<Part> {
  while (lanes.length > 0) {
    for (const lane of [...lanes]) {
      const { value, done } = await lane.next;
      if (done) {
        lanes.splice(lanes.indexOf(lane), 1);
        continue;
      }
      lane.next = lane.parts.next();
      lane.next.catch(() => {});
      yield value;
    }
  }
}

/** Throws unless all numbers are whole ones from 1. */
function checkCounts(options: StreamImagesOptions): void {
  const { paths, sha256, batchSize, shuffle = 1, lanes = 1, ahead = 1 } = options;
  const counts = { shards: paths.length, batchSize, shuffle, lanes, ahead };
  for (const [name, count] of Object.entries(counts)) {
    if (Number.isInteger(count) && count >= 1) continue;
    throw new RangeError(
      `Cannot stream images: ${name} ${count}, expected a whole number from 1. Correct ${name}.`,
    );
  }
  if (sha256 === undefined || sha256.length === paths.length) return;
  throw new RangeError(
    `Cannot stream images: ${sha256.length} hashes for ${paths.length} shards, expected one for each. Correct sha256.`,
  );
}

/** Batches that are filled image by image. */
class Batcher {
  readonly #options: StreamImagesOptions;
  #batch: { images: Uint8Array<ArrayBuffer>; labels: Int32Array<ArrayBuffer> } | undefined;
  #filled = 0;
  readonly full: Pick<StreamBatch, "images" | "labels">[] = [];

  constructor(options: StreamImagesOptions) {
    this.#options = options;
  }

  add = (image: Uint8Array, label: number): void => {
    const { batchSize } = this.#options;
    this.#batch ??= {
      images: new Uint8Array(batchSize * image.length),
      labels: new Int32Array(batchSize),
    };
    this.#batch.images.set(image, this.#filled * image.length);
    this.#batch.labels[this.#filled++] = label;
    if (this.#filled < batchSize) return;
    this.full.push(this.#batch);
    this.#batch = undefined;
    this.#filled = 0;
  };
}

/** Shapes of the images of an epoch, and the images that wait. */
class Epoch {
  readonly #options: StreamImagesOptions;
  readonly batcher: Batcher;
  readonly number: number;
  #pool: ShufflePool | undefined;
  height = 0;
  width = 0;
  classNames: readonly string[] | undefined;
  #shards = 0;

  constructor(options: StreamImagesOptions, number: number) {
    this.#options = options;
    this.batcher = new Batcher(options);
    this.number = number;
  }

  /** Takes up what a decoder gave. */
  add(part: Part): void {
    if (part.kind === "opened") return this.#open(part);
    const { height, width, images, labels } = part;
    const each = images.length / labels.length;
    this.#pool ??= this.#allocate(part, each);
    if (height !== this.height || width !== this.width) {
      throw new Error(
        `Cannot stream images: ${width} x ${height} pixels, expected ${this.width} x ${this.height} like the first. Pass size to resize all.`,
      );
    }
    labels.forEach((label, index) => {
      const image = images.subarray(index * each, (index + 1) * each);
      this.#pool!.add(image, label, this.batcher.add);
    });
  }

  #open({ classNames }: ShardOpened): void {
    if (this.#shards++ === 0) this.classNames = classNames;
    if (JSON.stringify(classNames) === JSON.stringify(this.classNames)) return;
    throw new Error(
      `Cannot stream images: shards with class names ${this.classNames?.join(", ") ?? "none"} and ${
        classNames?.join(", ") ?? "none"
      }, expected the same. Name shards of one data set.`,
    );
  }

  #allocate({ height, width }: ShardImages, each: number): ShufflePool {
    const { shuffle = 2048, mostBytes = 2 ** 30, seed } = this.#options;
    if (shuffle * each > mostBytes) {
      throw new RangeError(
        `Cannot hold ${shuffle} images of ${width} x ${height} pixels: ${
          shuffle * each
        } bytes, expected at most ${mostBytes}. Pass a smaller shuffle or size, or raise mostBytes.`,
      );
    }
    this.height = height;
    this.width = width;
    return new ShufflePool(shuffle, each, [seed, 0x5a4e, this.number]);
  }

  /** Takes out the images that still wait. */
  *drain(): Generator<{ image: Uint8Array; label: number }> {
    if (this.#pool !== undefined) yield* this.#pool.drain();
  }
}

/**
 * Streams batches of images out of parquet shards, for sets that do not fit into memory.
 *
 * Several shards are decoded at once in workers, which work ahead while the device computes; `waited`
 * of a batch tells whether they kept up. An epoch goes over all images once, in an order that depends
 * on the seed, the epoch, the options and the files, and on nothing else: shards are shuffled, and
 * images are drawn from a pool of `shuffle`. Images at the end of an epoch that do not fill a batch
 * are left out.
 *
 * @param options Which shards, how large, and in which order.
 * @returns Batches, epoch after epoch.
 * @throws {RangeError} If a number is out of range, an epoch does not fill a batch, or the waiting
 * images take more than `mostBytes`.
 * @throws {ChecksumError} If a file differs from its hash.
 * @throws {Error} If a file is damaged, or a decoder is silent for too long.
 *
 * @example
 * ```ts
 * import { streamImages } from "@mutasesumele/toolkit/data";
 * import { assertRejects } from "@std/assert";
 *
 * const batches = streamImages({ paths: [], batchSize: 8, seed: 0 });
 * await assertRejects(() => batches.next(), RangeError, "shards 0");
 * ```
 */
export async function* streamImages(options: StreamImagesOptions): AsyncGenerator<StreamBatch> {
  requireOptions("streamImages", options, kinds.streaming);
  checkCounts(options);
  const { firstEpoch = 0, epochs = Infinity, batchSize } = options;
  let lanes = startLanes(options, firstEpoch);
  try {
    for (let number = firstEpoch; number < firstEpoch + epochs; number++) {
      const epoch = new Epoch(options, number);
      const { batcher } = epoch;
      let index = 0;
      let asked = performance.now();
      const next = function* (): Generator<StreamBatch> {
        while (batcher.full.length > 0) {
          const { height, width, classNames } = epoch;
          const waited = performance.now() - asked;
          const batch = batcher.full.shift()!;
          yield { ...batch, height, width, classNames, epoch: number, index: index++, waited };
          asked = performance.now();
        }
      };
      for await (const part of takeTurns(lanes)) {
        epoch.add(part);
        yield* next();
      }
      // While the rest is drawn, the next epoch begins to be decoded.
      if (number + 1 < firstEpoch + epochs) lanes = startLanes(options, number + 1);
      for (const { image, label } of epoch.drain()) {
        batcher.add(image, label);
        yield* next();
      }
      if (index === 0) {
        throw new RangeError(
          `Cannot stream batches of ${batchSize} images: an epoch has fewer, expected at least one batch. Pass a smaller batchSize.`,
        );
      }
    }
  } finally {
    await Promise.all(lanes.map(({ parts }) => parts.return(undefined)));
  }
}
