import { decodeImage } from "./decode_image.ts";
import { type DecodedImage, withChannels } from "./decoded_image.ts";
import type { ImageDataset } from "./image_dataset.ts";
import { openParquet, type ParquetFile } from "./parquet_file.ts";
import { resizeImage } from "./resize_image.ts";
import { ChecksumError } from "./verify_file.ts";
import { sha256File } from "./sha256_file.ts";

/** Options of {@linkcode loadHuggingFaceImages}. */
export interface HuggingFaceImagesOptions {
  /** Parquet files (shards), in order. */
  readonly paths: readonly string[];
  /** SHA-256 of every file, in the same order; checked before anything is read. */
  readonly sha256?: readonly string[];
  /** Rows and columns to resize to; without it all images must have one size. */
  readonly size?: number;
  /** 3 for RGB (the default), 1 for grey. */
  readonly channels?: 1 | 3;
  /** Most images to read, from the start; all unless told. */
  readonly limit?: number;
  /** Column of images; `img` or `image` unless told. */
  readonly imageColumn?: string;
  /** Column of labels; `label`, `labels` or `fine_label` unless told. */
  readonly labelColumn?: string;
  /** Name of the data set, `hugging-face` unless told. */
  readonly name?: string;
}

/** Finds the only column of `candidates` that the file has. */
function findColumn(file: ParquetFile, { what, candidates }: {
  what: string;
  candidates: readonly string[];
}): string {
  const found = candidates.filter((name) => file.columns.includes(name));
  if (found.length === 1) return found[0]!;
  throw new Error(
    `Cannot find the ${what}s of ${file.path}: columns ${
      file.columns.join(", ")
    }, expected exactly one of ${candidates.join(", ")}. Name it with ${what}Column.`,
  );
}

/** Class names that the file itself gives for a label column. */
function namesOf(file: ParquetFile, column: string): readonly string[] | undefined {
  const feature = file.features[column];
  if (typeof feature !== "object" || feature === null || !("names" in feature)) return undefined;
  return Array.isArray(feature.names) ? feature.names.map(String) : undefined;
}

/** The encoded bytes of an image cell: `{ bytes, path }` or plain bytes. */
function cellBytes(cell: unknown): Uint8Array {
  if (cell instanceof Uint8Array) return cell;
  if (typeof cell === "object" && cell !== null && "bytes" in cell) {
    if (cell.bytes instanceof Uint8Array) return cell.bytes;
  }
  throw new Error(
    `Cannot read an image: the cell holds no bytes, expected an encoded image. Files that only name image paths cannot be used.`,
  );
}

/** The class of a label cell. */
function cellLabel(cell: unknown, classes: number): number {
  const label = typeof cell === "bigint" ? Number(cell) : cell;
  if (typeof label === "number" && Number.isInteger(label) && label >= 0 && label < classes) {
    return label;
  }
  throw new Error(
    `Cannot read a label: found ${String(cell)}, expected a whole number from 0${
      classes === Infinity ? "" : ` to ${classes - 1}`
    }. Unlabelled rows cannot be used.`,
  );
}

/** Images and labels that grow row by row. */
class Collector {
  readonly #options: HuggingFaceImagesOptions;
  readonly #count: number;
  readonly labels: Int32Array;
  images = new Uint8Array(0);
  height = 0;
  width = 0;
  filled = 0;

  constructor(options: HuggingFaceImagesOptions, count: number) {
    this.#options = options;
    this.#count = count;
    this.labels = new Int32Array(count);
  }

  /** Adds one image. */
  add(decoded: DecodedImage, label: number): void {
    const { size, channels = 3 } = this.#options;
    const image = withChannels(size === undefined ? decoded : resizeImage(decoded, size), channels);
    if (this.filled === 0) {
      this.height = image.height;
      this.width = image.width;
      this.images = new Uint8Array(this.#count * image.pixels.length);
    }
    if (image.height !== this.height || image.width !== this.width) {
      throw new Error(
        `Cannot collect images: ${image.width} x ${image.height} pixels, expected ${this.width} x ${this.height} like the first. Pass size to resize all.`,
      );
    }
    this.images.set(image.pixels, this.filled * image.pixels.length);
    this.labels[this.filled++] = label;
  }
}

/** Checks the hashes of all files, if given. */
async function checkHashes({ paths, sha256 }: HuggingFaceImagesOptions): Promise<void> {
  if (sha256 === undefined) return;
  if (sha256.length !== paths.length) {
    throw new RangeError(
      `Cannot check ${paths.length} files: ${sha256.length} hashes, expected one for each. Correct sha256.`,
    );
  }
  for (const [index, path] of paths.entries()) {
    const found = await sha256File(path);
    if (found !== sha256[index]!.toLowerCase()) {
      throw new ChecksumError(
        `Cannot use ${path}: found SHA-256 ${found}, expected ${
          sha256[index]
        }. Remove the file and fetch it again.`,
      );
    }
  }
}

/** Reads one file into the collector until that is full. */
async function readRows(file: ParquetFile, { collector, count, options, classes }: {
  collector: Collector;
  count: number;
  options: HuggingFaceImagesOptions;
  classes: number;
}): Promise<void> {
  const { image, label } = columnsOf(file, options);
  let start = 0;
  for (const [group, rows] of file.groups.entries()) {
    const wanted = Math.min(rows, count - collector.filled);
    if (wanted === 0) continue;
    const cells = await file.read([image, label], group, wanted);
    for (const [offset, cell] of cells.entries()) {
      try {
        const decoded = await decodeImage(cellBytes(cell[image]));
        collector.add(decoded, cellLabel(cell[label], classes));
      } catch (error) {
        if (!(error instanceof Error) || error instanceof Deno.errors.NotCapable) throw error;
        throw new Error(`Cannot use row ${start + offset} of ${file.path}. ${error.message}`, {
          cause: error,
        });
      }
    }
    start += rows;
  }
}

/** The image and label columns of a file. */
function columnsOf(file: ParquetFile, options: HuggingFaceImagesOptions) {
  const { imageColumn, labelColumn } = options;
  return {
    image: findColumn(file, {
      what: "image",
      candidates: imageColumn === undefined ? ["img", "image"] : [imageColumn],
    }),
    label: findColumn(file, {
      what: "label",
      candidates: labelColumn === undefined ? ["label", "labels", "fine_label"] : [labelColumn],
    }),
  };
}

/**
 * Loads images and labels from local parquet files in the layout of the Hugging Face hub: a column of
 * encoded images (JPEG or PNG) and a column of integer labels.
 *
 * That is the layout of cifar10, cifar100, svhn, food101, beans, imagenet-1k and many more. Class names
 * come from the files' metadata; without it classes are called by their numbers. Row groups are read
 * one at a time. Images keep the orientation their EXIF data ask for.
 *
 * @param options Files, and the wanted size.
 * @returns Images `[count, height, width, channels]` with labels.
 * @throws {ChecksumError} If a file differs from its given hash.
 * @throws {Error} If a file is not parquet, a column is missing or ambiguous, files disagree about the
 * classes, or an image or label cannot be used; the message names file and row.
 *
 * @example
 * ```ts
 * import { loadHuggingFaceImages } from "@mutasesumele/toolkit";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => loadHuggingFaceImages({ paths: [] }), RangeError, "no file");
 * ```
 */
export async function loadHuggingFaceImages(
  options: HuggingFaceImagesOptions,
): Promise<ImageDataset> {
  const { paths, channels = 3, limit = Infinity, name = "hugging-face" } = options;
  if (paths.length === 0 || !(limit > 0)) {
    throw new RangeError(
      paths.length === 0
        ? "Cannot load images: no file, expected at least one parquet file. Pass paths."
        : `Cannot load images: limit ${limit}, expected a positive number. Leave it out to read all.`,
    );
  }
  await checkHashes(options);
  using files = new DisposableStack();
  const shards: ParquetFile[] = [];
  for (const path of paths) shards.push(files.use(await openParquet(path)));
  const total = shards.reduce((sum, { groups }) => sum + groups.reduce((a, b) => a + b, 0), 0);
  const count = Math.min(total, Math.floor(limit));
  if (count === 0) {
    throw new RangeError(
      `Cannot load images from ${
        paths.join(", ")
      }: no row, expected at least one. Choose other files.`,
    );
  }
  const names = shards.map((file) => namesOf(file, columnsOf(file, options).label));
  const differing = names.findIndex((list) => JSON.stringify(list) !== JSON.stringify(names[0]));
  if (differing > 0) {
    throw new Error(
      `Cannot load ${paths[0]} and ${paths[differing]} together: class names ${
        names[0]?.join(", ") ?? "none"
      } and ${
        names[differing]?.join(", ") ?? "none"
      }, expected the same. Load shards of one data set.`,
    );
  }
  const collector = new Collector(options, count);
  for (const file of shards) {
    await readRows(file, { collector, count, options, classes: names[0]?.length ?? Infinity });
  }
  const { images, labels, height, width } = collector;
  const highest = labels.reduce((most, label) => Math.max(most, label), 0);
  const classNames = names[0] ?? Array.from({ length: highest + 1 }, (_, label) => `${label}`);
  return {
    name,
    images,
    labels: classNames.length <= 256 ? Uint8Array.from(labels) : labels,
    count,
    height,
    width,
    channels,
    classNames,
    source: "folder",
    provenance: `${name}: ${count} of ${total} images from ${paths.join(", ")}${
      options.size === undefined ? "" : `, resized to ${options.size} x ${options.size}`
    }`,
    synthetic: false,
  };
}
