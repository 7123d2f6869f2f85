import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import type { Conv2dOptions } from "./conv2d.ts";
import {
  groupFilters,
  groupImages,
  inGroups,
  requireGeometry,
  sizeOfImages,
  spreadFilters,
  ungroupImages,
} from "./conv2d_groups.ts";
import { pairOf, reachOf, resolvePadding, type Size } from "./windows.ts";

/** Options of {@linkcode convTranspose2d}. */
export interface ConvTranspose2dOptions extends Conv2dOptions {
  /** Rows and columns more than the least result, below `stride`; 0 unless told. */
  readonly outputPadding?: number | Size;
}

/**
 * Transposed convolution: the gradient of {@linkcode conv2d} with respect to its images, with the same
 * options, as a map of its own (PyTorch's `conv_transpose2d`). It enlarges images where the stride is
 * above 1.
 *
 * Source: Dumoulin and Visin, arXiv 1603.07285, section 4.
 *
 * @param x Images `[n, height, width, inChannels]`.
 * @param w Filters `[kernelHeight, kernelWidth, outChannels / groups, inChannels]`: those of the
 *   convolution that is transposed.
 * @param options As of `conv2d`; `"same"` gives `size * stride`, and `"valid"` the least result that has
 *   room for every window; both paddings are cut off. `outputPadding` adds rows and columns at the end.
 * @returns Images `[n, outHeight, outWidth, outChannels]`, with
 *   `outHeight = (height - 1) * stride + dilation * (kernelHeight - 1) + 1 - top - bottom + outputPadding`.
 * @throws {TypeError} If the operands do not fit each other.
 * @throws {RangeError} If an option is not a whole number in its range, or nothing is left of the result.
 *
 * @example
 * ```ts
 * import { constant, convTranspose2d, ones, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const x = constant([[[[1], [2]]]]);
 * assertEquals(valuesOf(convTranspose2d(x, ones([1, 3, 1, 1]), { stride: 2 })), [1, 1, 3, 2, 2]);
 * ```
 */
export function convTranspose2d(
  x: Tensor,
  w: Tensor,
  options: ConvTranspose2dOptions = {},
): Tensor {
  requireCall("convTranspose2d", arguments, 2, 3);
  requireOptions("convTranspose2d", options, {
    stride: true,
    padding: true,
    dilation: true,
    groups: true,
    outputPadding: true,
  });
  const attempt = "convolve backwards";
  const { groups = 1 } = options;
  if (x.rank !== 4 || w.rank !== 4 || x.shape[3] !== w.shape[3]) {
    throw new TypeError(
      `Cannot ${attempt} ${formatAval(x)} with ${formatAval(w)}${
        inGroups(groups)
      }: expected images ` +
        `[n, height, width, inChannels] and filters [kernelHeight, kernelWidth, outChannels${
          groups === 1 ? "" : " / groups"
        }, inChannels].`,
    );
  }
  const stride = pairOf(options.stride ?? 1);
  const dilation = pairOf(options.dilation ?? 1);
  const extra = pairOf(options.outputPadding ?? 0);
  const [height, width] = sizeOfImages(x);
  const kernel = reachOf([w.shape[0]!, w.shape[1]!], dilation);
  const same = [height * stride[0], width * stride[1]] as const;
  const padding = resolvePadding(options.padding ?? "valid", { input: same, kernel, stride });
  requireGeometry(attempt, { stride, dilation, padding, groups }, x.shape[3]!);
  const isSame = options.padding === "same";
  const most = isSame ? [1, 1] : stride;
  if (extra.some((rows, k) => !Number.isInteger(rows) || rows < 0 || rows >= most[k]!)) {
    throw new RangeError(
      `Cannot ${attempt} with output padding [${extra}]: expected ${
        isSame ? "none beside padding 'same'" : `whole numbers from 0, below the stride [${stride}]`
      }.`,
    );
  }
  const least = [
    (height - 1) * stride[0] + kernel[0] - padding[0] - padding[2],
    (width - 1) * stride[1] + kernel[1] - padding[1] - padding[3],
  ] as const;
  // A window smaller than its stride leaves pixels between and behind that no window sees.
  const input = isSame ? same : [least[0] + extra[0], least[1] + extra[1]] as const;
  if (input.some((size) => size < 1)) {
    throw new RangeError(
      `Cannot ${attempt} ${
        formatAval(x)
      } with padding [${padding}]: found [${input}] pixels of a ` +
        `result, expected at least one.`,
    );
  }
  const filters = groupFilters(spreadFilters(w, dilation), groups);
  const params = { input, kernel, stride, padding };
  return ungroupImages(ops.conv2dInputGrad(filters, groupImages(x, groups), params));
}
