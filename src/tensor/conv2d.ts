import { formatAval } from "../ir/aval.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";

/**
 * Zeros around images: none (`"valid"`), as many as make the result `ceil(size / stride)`
 * (`"same"`, the odd one below and right), a number for all sides, or
 * `[top, left, bottom, right]`.
 */
export type Padding = "valid" | "same" | number | readonly [number, number, number, number];

/** Options of {@linkcode conv2d}. */
export interface Conv2dOptions {
  /** Step along height and width, one number or both; 1 unless told. */
  readonly stride?: number | readonly [number, number];
  /** Zeros around the images; `"valid"` unless told. */
  readonly padding?: Padding;
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
    readonly input: readonly [number, number];
    readonly kernel: readonly [number, number];
    readonly stride: readonly [number, number];
  },
): [number, number, number, number] {
  if (padding === "valid") return [0, 0, 0, 0];
  if (typeof padding === "number") return [padding, padding, padding, padding];
  if (padding !== "same") return [...padding];
  const [vertical, horizontal] = [0, 1].map((k) =>
    Math.max(0, (Math.ceil(input[k]! / stride[k]!) - 1) * stride[k]! + kernel[k]! - input[k]!)
  );
  const [top, left] = [Math.floor(vertical! / 2), Math.floor(horizontal! / 2)];
  return [top, left, vertical! - top, horizontal! - left];
}

/**
 * Convolution of images with filters (a cross-correlation, as in all of deep learning).
 *
 * @param x Images `[n, height, width, inChannels]`.
 * @param w Filters `[kernelHeight, kernelWidth, inChannels, outChannels]`.
 * @param options Stride and padding.
 * @returns Images `[n, outHeight, outWidth, outChannels]`.
 * @throws {TypeError} If the operands do not fit each other.
 *
 * @example
 * ```ts
 * import { conv2d, ones, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const y = conv2d(ones([1, 3, 3, 1]), ones([3, 3, 1, 1]), { padding: 1 });
 * assertEquals(valuesOf(y), [4, 6, 4, 6, 9, 6, 4, 6, 4]);
 * ```
 */
export function conv2d(x: Tensor, w: Tensor, options: Conv2dOptions = {}): Tensor {
  if (x.rank !== 4 || w.rank !== 4 || x.shape[3] !== w.shape[2]) {
    throw new TypeError(
      `Cannot convolve ${formatAval(x)} with ${formatAval(w)}: expected images ` +
        `[n, height, width, inChannels] and filters [kernelHeight, kernelWidth, inChannels, ` +
        `outChannels].`,
    );
  }
  const { stride = 1 } = options;
  const input = [x.shape[1]!, x.shape[2]!] as const;
  const kernel = [w.shape[0]!, w.shape[1]!] as const;
  const steps = typeof stride === "number" ? [stride, stride] as const : stride;
  const padding = resolvePadding(options.padding ?? "valid", { input, kernel, stride: steps });
  if (![...steps, ...padding].every(Number.isInteger) || Math.min(...steps) < 1) {
    throw new RangeError(
      `Cannot convolve with stride [${steps}] and padding [${padding}]: expected whole numbers, ` +
        `strides from 1.`,
    );
  }
  const result = ops.conv2d(ops.reshape(x, [1, ...x.shape]), ops.reshape(w, [1, ...w.shape]), {
    input,
    kernel,
    stride: steps,
    padding,
  });
  return ops.reshape(result, result.shape.slice(1));
}
