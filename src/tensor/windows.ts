import { describe } from "../ir/describe.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";

/** Height and width. */
export type Size = readonly [height: number, width: number];

/** `[top, left, bottom, right]`. */
export type Sides = readonly [top: number, left: number, bottom: number, right: number];

/**
 * Zeros around images: none (`"valid"`), as many as make the result `ceil(size / stride)`
 * (`"same"`, the odd one below and right), a number for all sides, or
 * `[top, left, bottom, right]`.
 */
export type Padding = "valid" | "same" | number | Sides;

/** How windows lie on images. */
export interface Windows {
  /** Height and width of a window, in taps. */
  readonly kernel: Size;
  /** Steps from one window to the next. */
  readonly stride: Size;
  /** Steps from one tap to the next. */
  readonly dilation: Size;
}

/**
 * Resolves a padding to the zeros on each side.
 *
 * @param padding The padding.
 * @param geometry Height and width of images and filters, and the strides.
 * @returns `[top, left, bottom, right]`.
 */
export function resolvePadding(
  padding: Padding,
  { input, kernel, stride }: {
    readonly input: Size;
    readonly kernel: Size;
    readonly stride: Size;
  },
): Sides {
  if (padding === "valid") return [0, 0, 0, 0];
  if (typeof padding === "number") return [padding, padding, padding, padding];
  if (padding !== "same") {
    if (Array.isArray(padding) && padding.length === 4) return padding;
    throw new TypeError(
      `Cannot pad images by ${
        describe(padding)
      }: expected 'same', 'valid', a number of pixels or ` +
        `[top, left, bottom, right].`,
    );
  }
  const [vertical, horizontal] = [0, 1].map((k) =>
    Math.max(0, (Math.ceil(input[k]! / stride[k]!) - 1) * stride[k]! + kernel[k]! - input[k]!)
  );
  const [top, left] = [Math.floor(vertical! / 2), Math.floor(horizontal! / 2)];
  return [top, left, vertical! - top, horizontal! - left];
}

/** A number for both axes, or one for each. */
export function pairOf(value: number | Size): Size {
  return typeof value === "number" ? [value, value] : value;
}

/**
 * Checks the numbers that describe windows.
 *
 * @param attempt What is being done, for the error: "convolve".
 * @param given `positive`: named numbers that must be whole and at least 1; `padding`: zeros on each
 *   side, whole and at least 0.
 * @throws {RangeError} If one is not.
 */
export function requireWindows(
  attempt: string,
  { positive, padding }: {
    readonly positive: Readonly<Record<string, readonly number[]>>;
    readonly padding: readonly number[];
  },
): void {
  for (const [name, values] of Object.entries(positive)) {
    if (values.every?.((value) => Number.isInteger(value) && value >= 1)) continue;
    throw new RangeError(
      `Cannot ${attempt} with ${name} [${values}]: expected whole numbers from 1.`,
    );
  }
  if (!padding.every((width) => Number.isInteger(width) && width >= 0)) {
    throw new RangeError(
      `Cannot ${attempt} with padding [${padding}]: expected whole numbers from 0.`,
    );
  }
}

/** Pixels that a window with spread taps reaches over. */
export function reachOf(kernel: Size, dilation: Size): Size {
  return [dilation[0] * (kernel[0] - 1) + 1, dilation[1] * (kernel[1] - 1) + 1];
}

/** Number of windows that fit along height and width; below 1 where none does. */
export function countWindows(input: Size, { kernel, stride, dilation }: Windows): Size {
  const reach = reachOf(kernel, dilation);
  return [
    Math.floor((input[0] - reach[0]) / stride[0]) + 1,
    Math.floor((input[1] - reach[1]) / stride[1]) + 1,
  ];
}

/**
 * Every tap of all windows at once.
 *
 * @param x Images `[n, height, width, channels]`, already padded.
 * @param windows How the windows lie; at least one fits.
 * @returns For each tap, row by row, its images `[n, rows, columns, channels]`.
 */
export function tapsOf(x: Tensor, windows: Windows): Tensor[] {
  const { kernel, stride, dilation } = windows;
  const [n, height, width, channels] = x.shape;
  const [rows, columns] = countWindows([height!, width!], windows);
  return Array.from({ length: kernel[0] * kernel[1] }, (_, tap) => {
    const [row, column] = [Math.floor(tap / kernel[1]), tap % kernel[1]];
    return ops.slice(x, {
      start: [0, row * dilation[0], column * dilation[1], 0],
      shape: [n!, rows, columns, channels!],
      stride: [1, ...stride, 1],
    });
  });
}

/** Images `[n, height, width, channels]` with zeros around them. */
export function padSides(x: Tensor, [top, left, bottom, right]: Sides): Tensor {
  return ops.pad(x, { low: [0, top, left, 0], high: [0, bottom, right, 0] });
}
