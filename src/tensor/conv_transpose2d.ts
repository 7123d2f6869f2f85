import { formatAval } from "../ir/aval.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";

/** Options of {@linkcode convTranspose2d}. */
export interface ConvTranspose2dOptions {
  /** Pixels of the result between those of the input, one number or both; 1 unless told. */
  readonly stride?: number | readonly [number, number];
  /** Pixels that are cut off all sides of the result; 0 unless told. */
  readonly padding?: number;
  /** Rows and columns added below and right of the result; 0 unless told. */
  readonly outputPadding?: number;
}

/**
 * Transposed convolution: the linear map that is the transpose of {@linkcode conv2d} with the same
 * filters, stride and padding. It enlarges images where the stride is above 1.
 *
 * The result has height `(height - 1) stride - 2 padding + kernelHeight + outputPadding`, as
 * PyTorch's `conv_transpose2d`; the width likewise.
 *
 * Source: Dumoulin and Visin, arXiv 1603.07285, section 4.
 *
 * @param x Images `[n, height, width, inChannels]`.
 * @param w Filters `[kernelHeight, kernelWidth, outChannels, inChannels]`.
 * @param options Stride and paddings.
 * @returns Images `[n, outHeight, outWidth, outChannels]`.
 * @throws {TypeError} If the operands do not fit each other.
 * @throws {RangeError} If a stride or padding is no whole number, nothing is left of the result, or
 *   the output padding is not below the stride.
 *
 * @example
 * ```ts
 * import { convTranspose2d, ones, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const y = convTranspose2d(ones([1, 2, 2, 1]), ones([2, 2, 1, 1]));
 * assertEquals(valuesOf(y), [1, 2, 1, 2, 4, 2, 1, 2, 1]);
 * ```
 */
export function convTranspose2d(
  x: Tensor,
  w: Tensor,
  options: ConvTranspose2dOptions = {},
): Tensor {
  if (x.rank !== 4 || w.rank !== 4 || x.shape[3] !== w.shape[3]) {
    throw new TypeError(
      `Cannot convolve ${formatAval(x)} with the transpose of ${formatAval(w)}: expected images ` +
        `[n, height, width, inChannels] and filters [kernelHeight, kernelWidth, outChannels, ` +
        `inChannels].`,
    );
  }
  const { stride = 1, padding = 0, outputPadding = 0 } = options;
  const steps = typeof stride === "number" ? [stride, stride] as const : stride;
  const kernel = [w.shape[0]!, w.shape[1]!] as const;
  const extent = (k: 0 | 1): number =>
    (x.shape[k + 1]! - 1) * steps[k] - 2 * padding + kernel[k] + outputPadding;
  const input = [extent(0), extent(1)] as const;
  const whole = [...steps, padding, outputPadding].every((n) => Number.isInteger(n) && n >= 0);
  if (!whole || outputPadding >= Math.min(...steps) || Math.min(...input) < 1) {
    throw new RangeError(
      `Cannot convolve ${formatAval(x)} with the transpose of filters [${kernel}], stride ` +
        `[${steps}], padding ${padding} and output padding ${outputPadding}: expected whole ` +
        `numbers, strides from 1, an output padding below them, and a result, found [${input}].`,
    );
  }
  const result = ops.conv2dInputGrad(
    ops.reshape(w, [1, ...w.shape]),
    ops.reshape(x, [1, ...x.shape]),
    { input, kernel, stride: steps, padding: [padding, padding, padding, padding] },
  );
  return ops.reshape(result, result.shape.slice(1));
}
