import { decodeImage } from "./decode_image.ts";
import { type DecodedImage, withChannels } from "./decoded_image.ts";
import { verifyListed } from "./hash_list.ts";
import {
  cellBytes,
  cellLabel,
  type ColumnOptions,
  columnsOf,
  namesOf,
} from "./hugging_face_columns.ts";
import { openParquet, type ParquetFile } from "./parquet_file.ts";
import { resizeImage } from "./resize_image.ts";
import { sha256File } from "./sha256_file.ts";
import { ChecksumError } from "./verify_file.ts";

/** What to decode; everything in it can be sent to a worker. */
export interface ShardJob extends ColumnOptions {
  /** Parquet files, in order. */
  readonly paths: readonly string[];
  /** SHA-256 of every file; without it a list of hashes beside the file counts. */
  readonly sha256?: readonly string[];
  /** Last folder above the files to look for a list of hashes. */
  readonly root?: string;
  /** Rows and columns to resize to. */
  readonly size?: number;
  /** Share of the shorter side that is kept when resizing. */
  readonly cut?: number;
  /** 3 for RGB, 1 for grey. */
  readonly channels: 1 | 3;
  /** Most images, from the start. */
  readonly limit: number;
  /** Whether a file is opened only when those before it are done, for sets of many files. */
  readonly lazy?: boolean;
}

/** What a shard says before it is decoded. */
export interface ShardOpened {
  readonly kind: "opened";
  /** Rows. */
  readonly rows: number;
  /** Class names, if the file gives any. */
  readonly classNames: readonly string[] | undefined;
  /** Whether its hash was compared with a published or listed one. */
  readonly verified: boolean;
}

/** Some images of one size, in the order of the rows. */
export interface ShardImages {
  readonly kind: "images";
  readonly height: number;
  readonly width: number;
  /** Pixels `[n, height, width, channels]`. */
  readonly images: Uint8Array<ArrayBuffer>;
  /** Classes `[n]`. */
  readonly labels: Int32Array<ArrayBuffer>;
  /** Images that a decoder passed over faults of; 0 unless the file is verified. */
  readonly faults: number;
}

/** Most bytes and images of one {@linkcode ShardImages}; more than this may one image be. */
const BATCH_BYTES = 1 << 20;
const BATCH_IMAGES = 256;

/** Compares a file with the hash that is given, or listed, for it. */
async function verify(job: ShardJob, index: number): Promise<boolean> {
  const path = job.paths[index]!;
  const expected = job.sha256?.[index];
  if (expected === undefined) {
    return await verifyListed(path, job.root === undefined ? {} : { root: job.root }) !== undefined;
  }
  const found = await sha256File(path);
  if (found === expected.toLowerCase()) return true;
  throw new ChecksumError(
    `Cannot use ${path}: found SHA-256 ${found}, expected ${expected}. Remove the file and fetch it again.`,
  );
}

/** Decoded images that wait to be passed on together. */
class Batch {
  readonly #images: DecodedImage[] = [];
  readonly #labels: number[] = [];
  #bytes = 0;
  faults = 0;

  add(image: DecodedImage, label: number): void {
    this.#images.push(image);
    this.#labels.push(label);
    this.#bytes += image.pixels.length;
  }

  /** Whether an image of this size cannot come along, or the batch is full. */
  endsBefore({ height, width }: DecodedImage): boolean {
    const first = this.#images[0];
    return first !== undefined && (first.height !== height || first.width !== width ||
      this.#bytes >= BATCH_BYTES || this.#images.length >= BATCH_IMAGES);
  }

  /** Takes everything out. */
  *take(): Generator<ShardImages> {
    const first = this.#images[0];
    if (first === undefined) return;
    const images = new Uint8Array(this.#bytes);
    this.#images.forEach(({ pixels }, at) => images.set(pixels, at * pixels.length));
    const { height, width } = first;
    const labels = Int32Array.from(this.#labels);
    yield { kind: "images", height, width, images, labels, faults: this.faults };
    this.#images.length =
      this.#labels.length =
      this.#bytes =
      this.faults =
        0;
  }
}

/** Compares labels with the least and greatest one that the writer noted. */
function checkBounds(file: ParquetFile, { column, group, labels, whole }: {
  column: string;
  group: number;
  labels: readonly number[];
  whole: boolean;
}): void {
  const noted = file.bounds(column, group);
  if (noted === undefined || labels.length === 0) return;
  const [least, greatest] = [Number(noted.least), Number(noted.greatest)];
  const found = labels.reduce(
    ([low, high], label) => [Math.min(low!, label), Math.max(high!, label)],
    [Infinity, -Infinity],
  );
  const fits = whole
    ? found[0] === least && found[1] === greatest
    : found[0]! >= least && found[1]! <= greatest;
  if (fits) return;
  throw new Error(
    `Cannot use row group ${group} of ${file.path}: its labels go from ${found[0]} to ${
      found[1]
    }, expected ${least} to ${greatest} as its statistics say. The file is damaged: fetch it again.`,
  );
}

/** Decodes the first `count` rows of a file. */
async function* decodeFile(file: ParquetFile, { job, count, verified, classes }: {
  job: ShardJob;
  count: number;
  verified: boolean;
  classes: number | undefined;
}): AsyncGenerator<ShardImages> {
  const { size, cut, channels } = job;
  const { image, label } = columnsOf(file, job);
  const batch = new Batch();
  let row = 0;
  for (const [group, rows] of file.groups.entries()) {
    const wanted = Math.min(rows, count - row);
    if (wanted === 0) continue;
    const cells = await file.read([image, label], group, wanted);
    const labels: number[] = [];
    for (const cell of cells) {
      try {
        labels.push(cellLabel(cell[label], classes));
        // In a verified file a fault is the publisher's; otherwise it is taken for damage.
        const options = verified ? { onFault: () => void batch.faults++ } : {};
        const decoded = await decodeImage(cellBytes(cell[image]), options);
        const sized = size === undefined ? decoded : resizeImage(decoded, size, cut);
        if (batch.endsBefore(sized)) yield* batch.take();
        batch.add(withChannels(sized, channels), labels.at(-1)!);
      } catch (error) {
        if (!(error instanceof Error) || error instanceof Deno.errors.NotCapable) throw error;
        throw new Error(`Cannot use row ${row} of ${file.path}. ${error.message}`, {
          cause: error,
        });
      }
      row++;
    }
    checkBounds(file, { column: label, group, labels, whole: wanted === rows });
  }
  yield* batch.take();
}

/** Checks the hash of a file and opens it. */
async function open(
  job: ShardJob,
  index: number,
): Promise<{ file: ParquetFile; opened: ShardOpened }> {
  const verified = await verify(job, index);
  const file = await openParquet(job.paths[index]!);
  try {
    const rows = file.groups.reduce((sum, count) => sum + count, 0);
    const classNames = namesOf(file, columnsOf(file, job).label);
    return { file, opened: { kind: "opened", rows, classNames, verified } };
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

/**
 * Decodes images and labels of parquet files: first one {@linkcode ShardOpened} for every file, when
 * its hash is checked, then {@linkcode ShardImages}, at most a mebibyte or an image at a time. If the
 * job is lazy, both for the first file, then for the second and so on.
 *
 * @param job Which files, and how.
 * @throws {ChecksumError} If a file differs from its hash.
 * @throws {Error} If a file is damaged or lacks a column; the message names file and row.
 */
export async function* decodeShards(job: ShardJob): AsyncGenerator<ShardOpened | ShardImages> {
  using files = new DisposableStack();
  const shards: Awaited<ReturnType<typeof open>>[] = [];
  let left = job.limit;
  const decode = ({ file, opened: { rows, verified, classNames } }: typeof shards[number]) => {
    const count = Math.min(rows, left);
    left -= count;
    return decodeFile(file, { job, count, verified, classes: classNames?.length });
  };
  for (const index of job.paths.keys()) {
    const shard = await open(job, index);
    if (job.lazy) {
      using _file = shard.file;
      yield shard.opened;
      yield* decode(shard);
    } else {
      files.use(shard.file);
      shards.push(shard);
      yield shard.opened;
    }
  }
  for (const shard of shards) yield* decode(shard);
}
