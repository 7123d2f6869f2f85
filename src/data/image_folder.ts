import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { baseName } from "./base_name.ts";
import { decodeImage } from "./decode_image.ts";
import { type DecodedImage, withChannels } from "./decoded_image.ts";
import * as kinds from "./kinds.ts";
import { compactLabels, ImageCollector } from "./image_collector.ts";
import type { ImageDataset } from "./image_dataset.ts";
import { readRegularFile } from "./regular_file.ts";
import { resizeImage } from "./resize_image.ts";

/** Options of {@linkcode loadImageFolder}. */
export interface ImageFolderOptions {
  /** The folder that holds a folder for every class. */
  readonly path: string;
  /** Rows and columns to resize to; without it all images must have one size. */
  readonly size?: number;
  /** 3 for RGB (the default), 1 for grey. */
  readonly channels?: 1 | 3;
  /** Share of the shorter side that is kept when resizing; all of it unless told. */
  readonly cut?: number;
  /** Name of the data set; that of the folder unless told. */
  readonly name?: string;
  /** Most bytes of all images together, 4 GiB unless told; checked before they are allocated. */
  readonly mostBytes?: number;
  /** Ends loading between two images. */
  readonly signal?: AbortSignal;
}

/** Most bytes of one image file. */
const MOST_FILE = 2 ** 28;

const READABLE = /\.(?:png|jpe?g)$/i;
/** Images too, which are not read: leaving them out would be learning from other data than are there. */
const OTHERS = /\.(?:gif|bmp|webp|tiff?|avif|heic|jp2|ppm|pgm|jxl)$/i;

/** Names of the folders of the parts of a data set, the first that is there counts. */
const PARTS = {
  train: ["train", "training"],
  test: ["test", "testing", "validation", "valid", "val"],
} as const;

/** The folders of both parts. */
export interface ImageFolders {
  /** What to learn from. */
  readonly train: string;
  /** What to test on. */
  readonly test: string;
}

/** Sorted names of the folders and of the files in a folder; hidden ones are left out, links are followed. */
async function listFolder(path: string): Promise<{ folders: string[]; files: string[] }> {
  const [folders, files]: [string[], string[]] = [[], []];
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(path)) {
    if (name.startsWith(".")) continue;
    const folder = isSymlink ? (await Deno.stat(`${path}/${name}`)).isDirectory : isDirectory;
    (folder ? folders : files).push(name);
  }
  return { folders: folders.sort(), files: files.sort() };
}

/** Whether a folder has folders of images. */
async function hasClasses(path: string): Promise<boolean> {
  for (const name of (await listFolder(path)).folders) {
    for await (const entry of Deno.readDir(`${path}/${name}`)) {
      if (!entry.isDirectory && READABLE.test(entry.name)) return true;
    }
  }
  return false;
}

/**
 * Finds the parts of a data set of image files: `train` and `test` (or `validation`, `valid`, `val`), each with a
 * folder for every class.
 *
 * @param path A folder.
 * @returns The folders of both parts, `undefined` if there are no such images, or what is wrong with those that
 * are there, in words.
 */
export async function findImageFolders(path: string): Promise<ImageFolders | string | undefined> {
  const { folders, files } = await listFolder(path);
  const find = (names: readonly string[]) =>
    names.map((name) => folders.find((folder) => folder.toLowerCase() === name))
      .find((folder) => folder !== undefined);
  const [train, test] = [find(PARTS.train), find(PARTS.test)];
  if (train !== undefined && await hasClasses(`${path}/${train}`)) {
    if (test !== undefined) return { train: `${path}/${train}`, test: `${path}/${test}` };
    return `it has images in ${train}, and no images to test on`;
  }
  if (await hasClasses(path)) {
    return `its folders ${shown(folders)} hold images, and none is for a test`;
  }
  return files.some((name) => READABLE.test(name)) ? "it holds images without classes" : undefined;
}

function shown(names: readonly string[]): string {
  return names.slice(0, 5).join(", ") + (names.length > 5 ? ", ..." : "");
}

/** Paths of the images of a class, sorted. */
async function imagesOf(path: string): Promise<string[]> {
  const { folders, files } = await listFolder(path);
  const wrong = files.find((name) => OTHERS.test(name)) ?? folders[0];
  if (wrong !== undefined) {
    throw new Error(
      `Cannot load the images in ${path}: found ${wrong}, expected JPEG and PNG files in the folder of their ` +
        `class. ${folders.length > 0 ? "Move what lies deeper" : "Convert it to one of the two"}.`,
    );
  }
  const images = files.filter((name) => READABLE.test(name));
  if (images.length > 0) return images.map((name) => `${path}/${name}`);
  throw new Error(
    `Cannot load the images in ${path}: no JPEG or PNG file, expected some in the folder of every class. ` +
      `Remove the folder if it is no class.`,
  );
}

/** Reads one image and brings it into the wanted form. */
async function readImage(
  file: string,
  { size, channels, cut }: {
    readonly size: number | undefined;
    readonly channels: 1 | 3;
    readonly cut: number;
  },
): Promise<DecodedImage> {
  const bytes = await readRegularFile(file, MOST_FILE);
  try {
    const image = await decodeImage(bytes);
    return withChannels(size === undefined ? image : resizeImage(image, size, cut), channels);
  } catch (cause) {
    throw new Error(`Cannot use ${file}. ${(cause as Error).message}`, { cause });
  }
}

/**
 * Loads images from a folder that has a folder for every class, `CLASS/IMAGE.png` or `.jpg`, as `ImageFolder` of
 * torchvision and `imagefolder` of the Hugging Face hub read them.
 *
 * Classes and images are sorted by name, so they lie class by class. Images keep the orientation their EXIF data
 * ask for. Hidden files and files that are no images are passed over.
 *
 * @param options Folder, and the wanted size.
 * @returns Images `[count, height, width, channels]` with labels.
 * @throws {RangeError} If the images take more than `mostBytes`.
 * @throws {Error} If there is no class, a class has no image, a folder lies in that of a class, or an image cannot be
 * used: damaged, of another format, or of another size where none is asked for; the message names the file.
 * @throws {Deno.errors.NotFound} If there is no such folder.
 *
 * @example
 * ```ts
 * import { loadImageFolder } from "@mutasesumele/toolkit/data";
 * import { assertRejects } from "@std/assert";
 *
 * const path = await Deno.makeTempDir();
 * await assertRejects(() => loadImageFolder({ path, size: 32 }), Error, "no folder");
 * await Deno.remove(path);
 * ```
 */
export async function loadImageFolder(options: ImageFolderOptions): Promise<ImageDataset> {
  requireOptions("loadImageFolder", options, {
    path: is.name,
    size: is.optional(is.count),
    channels: is.optional(is.oneOf(1, 3)),
    cut: is.optional(is.number),
    name: is.optional(is.name),
    mostBytes: is.optional(is.positive),
    signal: is.optional(kinds.signal),
  });
  const { path, size, channels = 3, cut = 1, mostBytes = 2 ** 32, signal } = options;
  const { folders: classNames } = await listFolder(path);
  if (classNames.length === 0) {
    throw new Error(
      `Cannot load images from ${path}: no folder in it, expected one for every class. Name another folder.`,
    );
  }
  const files: { readonly file: string; readonly label: number }[] = [];
  for (const [label, name] of classNames.entries()) {
    for (const file of await imagesOf(`${path}/${name}`)) files.push({ file, label });
  }
  const less = "Pass a smaller size, or raise mostBytes.";
  const collector = new ImageCollector({ count: files.length, channels, mostBytes, less });
  for (const { file, label } of files) {
    signal?.throwIfAborted();
    const { height, width, pixels } = await readImage(file, { size, channels, cut });
    collector.add({ height, width, images: pixels, labels: [label] }, file);
  }
  const { images, labels, height, width } = collector;
  const name = options.name ?? baseName(path, "images");
  return {
    ...{ name, images, height, width, channels, classNames },
    labels: compactLabels(labels, classNames),
    count: files.length,
    source: "folder",
    provenance: `${name}: ${files.length} images of ${classNames.length} classes from ${path}` +
      (size === undefined ? "" : `, resized to ${size} x ${size}`),
    synthetic: false,
  };
}
