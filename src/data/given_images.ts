/**
 * Data sets of images that are in memory already.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { describe, isPromise } from "../ir/describe.ts";
import { flattenNumbers, type NestedNumbers } from "../ir/nested_numbers.ts";
import type { ImageDataset } from "./image_dataset.ts";

/**
 * Images as they may be given: numbers nested as `[n, height, width, channels]` or `[n, height, width]`; numbers in a
 * row with their shape (a `HostArray`, for example); or one image after the other, as `decodeImage` and the
 * `getImageData` of a canvas return them (of its four channels the last, opacity, is left out).
 */
export type GivenImages =
  | readonly NestedNumbers[]
  | { readonly data: ArrayLike<number>; readonly shape: readonly number[] }
  | readonly {
    readonly width: number;
    readonly height: number;
    readonly channels?: number;
    readonly pixels?: ArrayLike<number>;
    readonly data?: ArrayLike<number>;
  }[];

/** Options of {@linkcode imageDataset}. */
export interface ImageDatasetOptions {
  /** The images: whole numbers from 0 to 255, or `Float32Array`s of numbers from 0 to 1, unless `white` is told. */
  readonly images: GivenImages;
  /**
   * The number that stands for white: 1 for numbers from 0 to 1, such as those of a mask, 255 for those of bytes. Unless
   * told, 1 in a `Float32Array` and 255 elsewhere; an array of zeros and ones, which may be either, is refused.
   */
  readonly white?: 1 | 255;
  /** Class of every image: a number from 0, or a name. */
  readonly labels: readonly (number | string)[] | ArrayLike<number>;
  /**
   * Name of every class; `"0"`, `"1"`, ... up to the largest label unless told. Where labels are names, those that
   * occur, in the order of the alphabet.
   */
  readonly classNames?: readonly string[];
  /** Short name for tables and file names; `images` unless told. */
  readonly name?: string;
}

/** Pixels and extents. */
interface Pixels {
  readonly bytes: Uint8Array;
  readonly shape: readonly [count: number, height: number, width: number, channels: number];
}

/**
 * Makes a data set of images and labels in memory, for everything that takes one: `splitDataset`, `packImages`,
 * `ImageTraining`, episodes.
 *
 * @param options Images, labels, names of the classes.
 * @returns The data set; its pixels are bytes, to which fractions are rounded.
 * @throws {TypeError} If images or labels are of no known form.
 * @throws {RangeError} If images differ in size, there are not as many labels as images, a pixel is beyond its range,
 *   or a label has no class.
 *
 * @example
 * ```ts
 * import { imageDataset } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const images = [[[0, 255], [255, 0]], [[10, 20], [30, 40]], [[1, 2], [3, 4]]];
 * const set = imageDataset({ images, labels: ["dog", "cat", "dog"] });
 * assertEquals([set.count, set.height, set.width, set.channels], [3, 2, 2, 1]);
 * assertEquals(set.classNames, ["cat", "dog"]);
 * assertEquals([...set.labels], [1, 0, 1]);
 * ```
 */
export function imageDataset(options: ImageDatasetOptions): ImageDataset {
  requireOptions("imageDataset", options, {
    images: true,
    white: is.optional(is.oneOf(1, 255)),
    labels: is.list,
    classNames: is.optional(is.listOf(is.text)),
    name: is.optional(is.name),
  });
  const { name = "images" } = options;
  const { bytes, shape: [count, height, width, channels] } = pixelsOf(options);
  const { labels, classNames } = classesOf(options, count);
  return {
    name,
    images: bytes,
    labels,
    count,
    height,
    width,
    channels,
    classNames,
    source: "arrays",
    provenance: `${count} images of ${height} x ${width} x ${channels} given as arrays, ` +
      `${classNames.length} classes`,
    synthetic: false,
  };
}

/** The number that stands for white, if it is told. */
type White = 1 | 255 | undefined;

function pixelsOf({ images, white }: Pick<ImageDatasetOptions, "images" | "white">): Pixels {
  if (isShaped(images)) return shaped(images.data, { shape: images.shape, white });
  if (Array.isArray(images) && images.length > 0 && isPicture(images[0])) {
    return pictures(images as Extract<GivenImages, readonly { readonly width: number }[]>, white);
  }
  if (!Array.isArray(images)) {
    throw new TypeError(
      `Cannot make a data set: found ${describe(images)} for 'images', expected nested numbers ` +
        `[n, height, width, channels], { data, shape }, or an array of images { width, height, data }. A ` +
        `typed array needs its shape: { data, shape: [n, height, width, channels] }.`,
    );
  }
  const [first] = images as readonly unknown[];
  if (
    first !== undefined && typeof first !== "number" && !Array.isArray(first) &&
    !ArrayBuffer.isView(first)
  ) {
    throw new TypeError(
      `Cannot make a data set: found ${describe(first)} as the first image, expected its pixels. ${
        isPromise(first)
          ? "Await all of them: await Promise.all(images)."
          : "decodeOnPlatform(file), or decodeImage(bytes) of the entry /data, makes pixels of a picture's file."
      }`,
    );
  }
  const { numbers, shape } = flattenNumbers("make a data set", images as NestedNumbers[]);
  return shaped(numbers, { shape, white });
}

function isShaped(images: unknown): images is { data: ArrayLike<number>; shape: number[] } {
  return typeof images === "object" && images !== null && "data" in images && "shape" in images;
}

function isPicture(image: unknown): boolean {
  return typeof image === "object" && image !== null && "width" in image && "height" in image;
}

function shaped(
  data: ArrayLike<number>,
  { shape, white }: { readonly shape: readonly number[]; readonly white: White },
): Pixels {
  if (!Array.isArray(shape)) {
    throw new TypeError(
      `Cannot make a data set: found ${describe(shape)} for the shape of the images, expected ` +
        `[n, height, width, channels].`,
    );
  }
  const [count, height, width, channels = 1] = shape;
  const whole = shape.every((extent) => Number.isSafeInteger(extent) && extent >= 1);
  if ((shape.length !== 3 && shape.length !== 4) || !whole) {
    throw new RangeError(
      `Cannot make a data set: found images of shape [${shape.join(", ")}], expected ` +
        `[n, height, width, channels] or [n, height, width] with at least one image.`,
    );
  }
  if (channels !== 1 && channels !== 3) {
    const first = shape[1] === 1 || shape[1] === 3;
    throw new RangeError(
      `Cannot make a data set: found images of ${channels} channels (shape [${
        shape.join(", ")
      }]), expected 1 (grey) or 3 (RGB) in the last place.${
        first ? " Are the channels the second axis? Bring them to the end." : ""
      }`,
    );
  }
  const size = count! * height! * width! * channels;
  if (data.length !== size) {
    throw new RangeError(
      `Cannot make a data set: found ${data.length} numbers for images of shape [${
        shape.join(", ")
      }], expected ${size}.`,
    );
  }
  const bytes = bytesOf(data, white);
  if (white === undefined && Array.isArray(data)) requireMeant(bytes);
  return { bytes, shape: [count!, height!, width!, channels] };
}

/** One byte a number: whole numbers as they are, fractions as shares of white. */
function bytesOf(data: ArrayLike<number>, white: White): Uint8Array {
  const floats = data instanceof Float32Array || data instanceof Float64Array;
  const most = white ?? (floats ? 1 : 255);
  if (data instanceof Uint8Array && most === 255) return data.slice();
  const rounded = floats || most === 1;
  const bytes = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at++) {
    const value = data[at]!;
    const valid = typeof value === "number" && value >= 0 && value <= most &&
      (rounded || Number.isInteger(value));
    if (!valid) {
      throw new RangeError(
        `Cannot make a data set: found the pixel ${describe(value)} at position ${at}, expected ${
          rounded ? `0 to ${most}` : "a whole number from 0 to 255"
        }${white === undefined && floats ? " in an array of floats" : ""}. ${
          white !== undefined
            ? `'white' is ${white}.`
            : floats
            ? "Divide by the largest value, tell that white is 255 ({ white: 255 }), or give bytes: " +
              "Uint8ClampedArray.from(pixels)."
            : "Numbers from 0 to 1 are taken in a Float32Array with its shape, { data, shape }, or where it is " +
              "told that 1 is white: { white: 1 }."
        }`,
      );
    }
    bytes[at] = rounded ? Math.round(255 * value / most) : value;
  }
  return bytes;
}

/** Throws where all pixels are 0 and 1: nobody could tell a mask from a very dark picture. */
function requireMeant(bytes: Uint8Array): void {
  if (!bytes.includes(1) || bytes.some((value) => value > 1)) return;
  throw new RangeError(
    "Cannot make a data set: found only the pixels 0 and 1 in an array of whole numbers, expected 0 to 255, or " +
      "to be told which of them is white. Add { white: 1 } if ones are white, as in a mask, or { white: 255 } if " +
      "they are nearly black.",
  );
}

function pictures(
  images: Extract<GivenImages, readonly { readonly width: number }[]>,
  white: White,
): Pixels {
  const parts = images.map((image, k) => {
    const { width, height, pixels, data = pixels } = image ?? {};
    const size = width * height;
    const channels = image.channels ?? (data === undefined ? 0 : data.length / size);
    if (data === undefined || ![1, 3, 4].includes(channels) || data.length !== size * channels) {
      throw new RangeError(
        `Cannot make a data set: image ${k} of ${width} x ${height} has ${
          data?.length ?? "no"
        } numbers, expected ${size} (grey), ${3 * size} (RGB) or ${4 * size} (RGBA).`,
      );
    }
    return { data, shape: [1, height, width, channels === 4 ? 3 : channels], channels };
  });
  const [first] = parts;
  const odd = parts.findIndex(({ shape }) => shape.join() !== first!.shape.join());
  if (odd >= 0) {
    const words = ([, height, width, channels]: number[]) => `${height} x ${width} x ${channels}`;
    throw new RangeError(
      `Cannot make a data set: image ${odd} is ${words(parts[odd]!.shape)}, the first one ` +
        `${words(first!.shape)}, expected one size. Bring them to it by resizeImage().`,
    );
  }
  const [, height, width, channels] = first!.shape as [number, number, number, number];
  const bytes = new Uint8Array(parts.length * height * width * channels);
  parts.forEach(({ data, channels: given }, k) => {
    const all = bytesOf(data, white);
    const own = given === 4 ? all.filter((_, at) => at % 4 !== 3) : all;
    bytes.set(own, k * own.length);
  });
  if (white === undefined && parts.every(({ data }) => Array.isArray(data))) requireMeant(bytes);
  return { bytes, shape: [parts.length, height, width, channels] };
}

function classesOf(
  { labels, classNames }: ImageDatasetOptions,
  count: number,
): { readonly labels: Int32Array; readonly classNames: readonly string[] } {
  if (typeof labels !== "object" || labels === null || typeof labels.length !== "number") {
    throw new TypeError(
      `Cannot make a data set: found ${
        describe(labels)
      } for 'labels', expected an array of numbers ` +
        `or of names.`,
    );
  }
  if (labels.length !== count) {
    throw new RangeError(
      `Cannot make a data set: found ${labels.length} labels for ${count} images, expected one each.`,
    );
  }
  const given: readonly (number | string)[] = Array.from<number | string>(labels);
  const least = given.reduce<number>((less, label) => Math.min(less, Number(label)), Infinity);
  if (classNames === undefined && count > 1 && least > 0 && given.every(Number.isInteger)) {
    throw new RangeError(
      `Cannot make a data set: found labels from ${least}, expected classes from 0. Subtract ${least}, or name ` +
        `all classes by 'classNames' if this set has none of the first.`,
    );
  }
  const names = classNames ??
    (given.every((label) => typeof label === "string")
      ? [...new Set(given as string[])].sort()
      : Array.from({ length: 1 + given.reduce<number>(largest, 0) }, (_, k) => String(k)));
  if (new Set(names).size !== names.length) {
    throw new RangeError(`Cannot make a data set: found a class twice in ${names.join(", ")}.`);
  }
  const numbers = given.map((label, k) => {
    const number = typeof label === "string" ? names.indexOf(label) : label;
    if (Number.isInteger(number) && number >= 0 && number < names.length) return number;
    throw new RangeError(
      `Cannot make a data set: image ${k} has the label ${describe(label)}, expected ${
        typeof label === "string" ? `one of ${names.join(", ")}` : `0 to ${names.length - 1}`
      }.`,
    );
  });
  return { labels: Int32Array.from(numbers), classNames: names };
}

function largest(most: number, label: number | string): number {
  return Number.isInteger(label) && (label as number) < 2 ** 20
    ? Math.max(most, label as number)
    : most;
}
