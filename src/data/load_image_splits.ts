import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import { baseName } from "./base_name.ts";
import { type Cifar10Options, loadCifar10 } from "./cifar10.ts";
import { loadCifar100 } from "./cifar100.ts";
import { findCifar } from "./cifar_files.ts";
import { CIFAR100_ARCHIVE, cifar100Layout, CIFAR10_LAYOUT } from "./cifar_layout.ts";
import { dataNames } from "./data_names.ts";
import { findImageShards } from "./find_image_shards.ts";
import { loadHuggingFaceImages } from "./hugging_face_images.ts";
import type { ImageDataset, ImageSplits } from "./image_dataset.ts";
import { findImageFolders, type ImageFolders, loadImageFolder } from "./image_folder.ts";
import { PUBLISHED_SETS } from "./published_sets.ts";
import { resizeDataset } from "./resize_dataset.ts";

/** Options of {@linkcode loadImageSplits}. */
export interface ImageSplitsOptions extends Cifar10Options {
  /**
   * `"auto"` (CIFAR-10, downloaded if need be), `"synthetic"`, the name of a data set of
   * {@linkcode PUBLISHED_SETS}, `"cifar100-binary"`, or a folder or archive; `"auto"` unless told. A
   * folder of such a name is meant with `./` before it.
   */
  readonly data?: string;
  /** Rows and columns to resize to; without it all images must have one size. */
  readonly size?: number;
  /** Share of the shorter side that is kept when resizing; all of it unless told. */
  readonly cut?: number;
  /** Most bytes of all images of a part together, 4 GiB unless told. */
  readonly mostBytes?: number;
  /** Address of the Hugging Face hub, `https://huggingface.co` unless told. */
  readonly endpoint?: string;
}

/** What each of {@linkcode ImageSplitsOptions} must be. */
export const splitsKinds = {
  ...kinds.cifar10,
  size: /* @__PURE__ */ is.optional(is.count),
  cut: /* @__PURE__ */ is.optional(is.number),
  mostBytes: /* @__PURE__ */ is.optional(is.positive),
  endpoint: /* @__PURE__ */ is.optional(is.name),
};

/** The options that a loader of shards takes. */
export function shardOptions({ size, cut, mostBytes }: ImageSplitsOptions) {
  return {
    ...(size !== undefined && { size }),
    ...(cut !== undefined && { cut }),
    ...(mostBytes !== undefined && { mostBytes }),
  };
}

/** Resizes what a loader gave as it was; shards are resized as they are decoded. */
function sized({ train, test }: ImageSplits, { size, cut = 1 }: ImageSplitsOptions): ImageSplits {
  if (size === undefined) return { train, test };
  return { train: resizeDataset(train, { size, cut }), test: resizeDataset(test, { size, cut }) };
}

/** Both parts, which must have the same classes. */
export function together(train: ImageDataset, test: ImageDataset, data: string): ImageSplits {
  const names = [train, test].map(({ classNames }) => classNames.join(", "));
  if (names[0] === names[1]) return { train, test };
  throw new Error(
    `Cannot load ${data}: classes ${names[0]} to learn and ${
      names[1]
    } to test, expected the same. Name a data set with class names.`,
  );
}

/** Those of the options that a function of these names has. */
function own(options: ImageSplitsOptions, known: object): ImageSplitsOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => name in known));
}

async function loadTen(data: string, options: ImageSplitsOptions): Promise<ImageSplits> {
  return sized(await loadCifar10({ ...own(options, kinds.cifar10), data }), options);
}

async function loadHundred(data: string, options: ImageSplitsOptions): Promise<ImageSplits> {
  return sized(await loadCifar100({ ...own(options, kinds.cifar100), data }), options);
}

/** Loads parquet shards: of a folder, or of a data set by its name. */
async function loadShards(
  data: string,
  options: ImageSplitsOptions,
): Promise<ImageSplits | undefined> {
  const found = await findImageShards(data, options);
  if (found === undefined) return undefined;
  const { name, root, from, downloaded } = found;
  const load = async (part: "train" | "test"): Promise<ImageDataset> => {
    const dataset = await loadHuggingFaceImages({
      ...{ name, ...found[part], ...shardOptions(options) },
      ...(root !== undefined && { root }),
    });
    if (from === undefined) return dataset;
    return {
      ...dataset,
      source: downloaded ? "download" : "folder",
      provenance: `${dataset.provenance}, from ${from}`,
    };
  };
  return together(await load("train"), await load("test"), data);
}

/** Loads image files, in a folder for every class of both parts. */
async function loadFolders(
  data: string,
  { train, test }: ImageFolders,
  options: ImageSplitsOptions,
): Promise<ImageSplits> {
  const name = baseName(data, "images");
  const { signal } = options;
  const load = (path: string) =>
    loadImageFolder({ path, name, ...shardOptions(options), ...(signal && { signal }) });
  return together(await load(train), await load(test), data);
}

/** Loads what lies at a path, told by what is there. */
async function loadPath(data: string, options: ImageSplitsOptions): Promise<ImageSplits> {
  const info = await Deno.stat(data).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  const ten = await findCifar(data, CIFAR10_LAYOUT);
  const hundred = await findCifar(data, cifar100Layout("fine"));
  // A file may be the archive of either.
  const isHundred = info?.isFile ? info.size === CIFAR100_ARCHIVE.size : ten.place === undefined;
  if (hundred.place !== undefined && isHundred) {
    return await loadHundred(data, options);
  }
  if (ten.place !== undefined) return await loadTen(data, options);
  const found = info?.isDirectory ? await findImageFolders(data) : undefined;
  if (typeof found === "object") return await loadFolders(data, found, options);
  const shards = await loadShards(data, options);
  if (shards !== undefined) return shards;
  if (found !== undefined) {
    throw new Error(
      `Cannot load images from ${data}: ${found}; expected train/CLASS/IMAGE.png or .jpg, and the same in test ` +
        `(or validation, valid, val). Move the files into such folders.`,
    );
  }
  throw new Error(
    `Cannot load images from ${data}: ${
      info === undefined ? "no such folder" : `no parquet file, and of CIFAR-10 ${ten.missing}`
    }, expected a folder with CIFAR-10 or CIFAR-100 in binary form, with parquet files or with image files ` +
      `(train/CLASS/IMAGE.png), or one of ${dataNames().join(", ")}. Name another folder.`,
  );
}

/**
 * Loads a data set to learn from and to test on, by name, or from whatever lies in a folder: the
 * official binary versions of CIFAR-10 and CIFAR-100, parquet files in the layout of the Hugging
 * Face hub (`train-00000-of-00001.parquet` and so on, with a part `test` or else `validation`), or image
 * files in folders (`train/CLASS/IMAGE.png`, see {@linkcode loadImageFolder}).
 *
 * @param options Which data, how large, and whom to tell.
 * @returns Training and test images of one size and with the same classes.
 * @throws {Error} If there is no such folder, its content is not understood, a shard is missing, or
 * something is damaged.
 * @throws {NetworkUnavailableError} If a named data set is needed and cannot be reached.
 *
 * @example
 * ```ts
 * import { loadImageSplits } from "@mutasesumele/toolkit/data";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const options = { syntheticTrainCount: 20, syntheticTestCount: 10, size: 16 };
 * const { train } = await loadImageSplits({ data: "synthetic", ...options });
 * assertEquals([train.count, train.height, train.synthetic], [20, 16, true]);
 * await assertRejects(() => loadImageSplits({ data: "no/such" }), Error, "beans");
 * ```
 */
export async function loadImageSplits(options: ImageSplitsOptions = {}): Promise<ImageSplits> {
  requireOptions("loadImageSplits", options, splitsKinds);
  const { data = "auto" } = options;
  if (PUBLISHED_SETS.some(({ name }) => name === data)) return (await loadShards(data, options))!;
  if (data === "cifar100-binary") return await loadHundred("auto", options);
  if (data === "auto" || data === "synthetic") return await loadTen(data, options);
  return await loadPath(data, options);
}
