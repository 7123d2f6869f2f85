import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import {
  type ConvGeometry,
  groupFilters,
  groupImages,
  inGroups,
  requireGeometry,
  sizeOfImages,
  spreadFilters,
  ungroupImages,
} from "./conv2d_groups.ts";
import {
  countWindows,
  type Padding,
  padSides,
  pairOf,
  reachOf,
  resolvePadding,
  type Size,
  tapsOf,
  type Windows,
} from "./windows.ts";

/** Options of {@linkcode conv2d}. */
export interface Conv2dOptions {
  /** Step along height and width, one number or both; 1 unless told. */
  readonly stride?: number | Size;
  /** Zeros around the images; `"valid"` unless told. */
  readonly padding?: Padding;
  /** Distance of neighbouring taps of a filter, one number or both; 1 unless told. */
  readonly dilation?: number | Size;
  /** Groups of channels, each convolved on its own; 1 unless told. */
  readonly groups?: number;
}

/**
 * Convolution of images with filters (a cross-correlation, as in all of deep learning).
 *
 * With groups, the `g`-th group of output channels sees only the `g`-th group of input channels; as
 * many groups as input channels make it depthwise. Filters with a dilation reach over
 * `dilation * (kernel - 1) + 1` pixels (Yu and Koltun, arXiv 1511.07122).
 *
 * @param x Images `[n, height, width, inChannels]`.
 * @param w Filters `[kernelHeight, kernelWidth, inChannels / groups, outChannels]`.
 * @param options Stride, padding, dilation and groups.
 * @returns Images `[n, outHeight, outWidth, outChannels]`.
 * @throws {TypeError} If the operands do not fit each other.
 * @throws {RangeError} If an option is not a whole number in its range, or the channels do not divide into
 *   groups.
 *
 * @example
 * ```ts
 * import { conv2d, ones, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const y = conv2d(ones([1, 3, 3, 1]), ones([3, 3, 1, 1]), { padding: 1 });
 * assertEquals(valuesOf(y), [4, 6, 4, 6, 9, 6, 4, 6, 4]);
 * assertEquals(valuesOf(conv2d(ones([1, 3, 3, 1]), ones([2, 2, 1, 1]), { dilation: 2 })), [4]);
 * const depthwise = conv2d(ones([1, 2, 2, 3]), ones([2, 2, 1, 6]), { groups: 3 });
 * assertEquals(depthwise.shape, [1, 1, 1, 6]);
 * ```
 */
export function conv2d(x: Tensor, w: Tensor, options: Conv2dOptions = {}): Tensor {
  requireCall("conv2d", arguments, 2, 3);
  requireOptions("conv2d", options, { stride: true, padding: true, dilation: true, groups: true });
  const { groups = 1 } = options;
  requireTensor("convolve", x);
  requireTensor("convolve", w);
  if (x.rank !== 4 || w.rank !== 4 || x.shape[3] !== w.shape[2]! * groups) {
    throw new TypeError(
      `Cannot convolve ${formatAval(x)} with ${formatAval(w)}${
        inGroups(groups)
      }: expected images ` +
        `[n, height, width, inChannels] and filters [kernelHeight, kernelWidth, inChannels${
          groups === 1 ? "" : " / groups"
        }, outChannels].`,
    );
  }
  const stride = pairOf(options.stride ?? 1);
  const dilation = pairOf(options.dilation ?? 1);
  const input = sizeOfImages(x);
  const kernel = reachOf([w.shape[0]!, w.shape[1]!], dilation);
  const padding = resolvePadding(options.padding ?? "valid", { input, kernel, stride });
  const geometry = { stride, dilation, padding, groups };
  requireGeometry("convolve", geometry, w.shape[3]!);
  if (groups > 1 && w.shape[2] === 1) return depthwise(x, w, geometry);
  const isSpread = dilation.some((step) => step > 1);
  if (isSpread && stride.every((step) => step === 1)) return convolvePhases(x, w, geometry);
  const filters = groupFilters(spreadFilters(w, dilation), groups);
  const params = { input, kernel, stride, padding };
  return ungroupImages(ops.conv2d(groupImages(x, groups), filters, params));
}

/**
 * Depthwise convolution as a sum over taps: with one input channel for each output there is nothing for
 * a matrix product to share, and one fused kernel reads every pixel once for each tap.
 */
function depthwise(
  x: Tensor,
  w: Tensor,
  { stride, dilation, padding, groups }: ConvGeometry,
): Tensor {
  const kernel = [w.shape[0]!, w.shape[1]!] as const;
  const padded = padSides(x, padding);
  const windows = { kernel, stride, dilation };
  requireFit(x, padded, windows);
  const each = w.shape[3]! / groups;
  const filters = ops.reshape(w, [kernel[0] * kernel[1], groups, each]);
  const products = tapsOf(padded, windows).map((images, tap) => {
    const shape = [...images.shape, each];
    const weights = ops.slice(filters, { start: [tap, 0, 0], shape: [1, groups, each] });
    return ops.mul(
      ops.broadcast(images, shape, [0, 1, 2, 3]),
      ops.broadcast(ops.reshape(weights, [groups, each]), shape, [3, 4]),
    );
  });
  const total = products.reduce((sum, product) => ops.add(sum, product));
  return ops.reshape(total, [...total.shape.slice(0, 3), groups * each]);
}

/**
 * Dilated convolution of stride 1 by phases: pixels that are `dilation` apart are images of their own, and
 * filters without holes slide over them.
 */
function convolvePhases(
  x: Tensor,
  w: Tensor,
  { dilation: [dy, dx], padding, groups }: ConvGeometry,
): Tensor {
  const kernel = [w.shape[0]!, w.shape[1]!] as const;
  const padded = padSides(x, padding);
  const windows = { kernel, stride: [1, 1] as const, dilation: [dy, dx] as const };
  requireFit(x, padded, windows);
  const [n, height, width, channels] = padded.shape;
  const [rows, columns] = [Math.ceil(height! / dy), Math.ceil(width! / dx)];
  const whole = padSides(padded, [0, 0, rows * dy - height!, columns * dx - width!]);
  const phases = ops.reshape(
    ops.permute(ops.reshape(whole, [n!, rows, dy, columns, dx, channels!]), [0, 2, 4, 1, 3, 5]),
    [n! * dy * dx, rows, columns, channels!],
  );
  const params = {
    input: [rows, columns] as const,
    kernel,
    stride: [1, 1] as const,
    padding: [0, 0, 0, 0] as const,
  };
  const y = ungroupImages(
    ops.conv2d(groupImages(phases, groups), groupFilters(w, groups), params),
  );
  const [, yRows, yColumns, outChannels] = y.shape;
  const apart = ops.reshape(y, [n!, dy, dx, yRows!, yColumns!, outChannels!]);
  const together = ops.reshape(ops.permute(apart, [0, 3, 1, 4, 2, 5]), [
    n!,
    yRows! * dy,
    yColumns! * dx,
    outChannels!,
  ]);
  const shape = [n!, ...countWindows([height!, width!], windows), outChannels!];
  return ops.slice(together, { start: [0, 0, 0, 0], shape });
}

function requireFit(x: Tensor, padded: Tensor, windows: Windows): void {
  if (Math.min(...countWindows(sizeOfImages(padded), windows)) >= 1) return;
  throw new TypeError(
    `Cannot convolve ${formatAval(x)}: a window of [${
      reachOf(windows.kernel, windows.dilation)
    }] does not fit images of [${sizeOfImages(padded)}], padding included.`,
  );
}
