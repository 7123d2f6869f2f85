import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { crop } from "./image.ts";
import { padEdges } from "./pad.ts";
import {
  countWindows,
  type Padding,
  padSides,
  pairOf,
  requireWindows,
  resolvePadding,
  type Sides,
  type Size,
  tapsOf,
  type Windows,
} from "./windows.ts";

/** Options of {@linkcode maxPool2d} and {@linkcode avgPool2d}. */
export interface PoolOptions {
  /** Height and width of a window, one number or both; 2 unless told. */
  readonly window?: number | Size;
  /** Step between windows, one number or both; the size of the window unless told. */
  readonly stride?: number | Size;
  /** Room around the images, less than a window on each side; `"valid"` unless told. */
  readonly padding?: Padding;
}

/** Options of {@linkcode avgPool2d}. */
export interface AvgPoolOptions extends PoolOptions {
  /** Whether the padding counts as zeros (as in PyTorch); false unless told: only pixels are averaged. */
  readonly countPadding?: boolean;
}

/** Everything about a pooling, resolved. */
interface Pooling extends Windows {
  readonly padding: Sides;
  /** Whether windows neither overlap nor leave gaps, and lie within the images. */
  readonly tiles: boolean;
}

function poolingOf(attempt: string, images: Tensor, options: PoolOptions): Pooling {
  const kernel = pairOf(options.window ?? 2);
  const stride = pairOf(options.stride ?? kernel);
  if (images.rank !== 4) {
    throw new TypeError(
      `Cannot ${attempt} ${formatAval(images)}: expected images [n, height, width, channels].`,
    );
  }
  const input = [images.shape[1]!, images.shape[2]!] as const;
  const padding = resolvePadding(options.padding ?? "valid", { input, kernel, stride });
  requireWindows(attempt, { positive: { window: kernel, stride }, padding });
  const windows = { kernel, stride, dilation: [1, 1] as const };
  const [top, left, bottom, right] = padding;
  if (Math.max(top, bottom) >= kernel[0] || Math.max(left, right) >= kernel[1]) {
    throw new RangeError(
      `Cannot ${attempt} with padding [${padding}]: expected less than the window [${kernel}], so that ` +
        `every window sees a pixel.`,
    );
  }
  const padded = [input[0] + top + bottom, input[1] + left + right] as const;
  if (Math.min(...countWindows(padded, windows)) < 1) {
    throw new RangeError(
      `Cannot ${attempt} ${
        formatAval(images)
      }: a window of [${kernel}] is larger than the images. ` +
        `Use larger images or fewer pooling layers.`,
    );
  }
  const tiles = kernel.every((size, k) => size === stride[k]) &&
    padding.every((width) => width === 0);
  return { ...windows, padding, tiles };
}

/** Images as `[n, rows, height, columns, width, channels]` of the windows, the rest cut off. */
function tilesOf(images: Tensor, { kernel: [height, width] }: Pooling): Tensor {
  const [n, fullHeight, fullWidth, channels] = images.shape;
  const [rows, columns] = [Math.floor(fullHeight! / height), Math.floor(fullWidth! / width)];
  const whole = crop(images, { top: 0, left: 0, height: rows * height, width: columns * width });
  return ops.reshape(whole, [n!, rows, height, columns, width, channels!]);
}

/** Folds the taps of all windows, along width first: as many steps as a window has rows and columns. */
function foldWindows(
  padded: Tensor,
  { kernel: [height, width], stride, dilation }: Pooling,
  fold: (a: Tensor, b: Tensor) => Tensor,
): Tensor {
  const rows = tapsOf(padded, { kernel: [1, width], stride: [1, stride[1]], dilation }).reduce(
    fold,
  );
  return tapsOf(rows, { kernel: [height, 1], stride: [stride[0], 1], dilation }).reduce(fold);
}

/**
 * Largest value of every window. Padding never wins.
 *
 * @param images Images `[n, height, width, channels]`.
 * @param options Window, stride and padding; without the last two, windows do not overlap and rests of
 *   odd sizes are cut off.
 * @returns Images `[n, rows, columns, channels]`, `rows = floor((height + top + bottom - window) / stride) + 1`,
 *   NaN where a window has one; the derivative goes to the first of the largest values, or to the first NaN.
 * @throws {RangeError} If the window is larger than the images, or the padding not smaller than the window.
 *
 * @example
 * ```ts
 * import { constant, maxPool2d, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const image = constant([[[[1], [-2], [-3]], [[4], [-5], [-6]]]]);
 * assertEquals(valuesOf(maxPool2d(image)), [4]);
 * assertEquals(valuesOf(maxPool2d(image, { stride: 1, padding: [0, 0, 0, 1] })), [4, -2, -3]);
 * ```
 */
export function maxPool2d(images: Tensor, options: PoolOptions = {}): Tensor {
  requireCall("maxPool2d", arguments, 1, 2);
  requireOptions("maxPool2d", options, { window: true, stride: true, padding: true });
  const pooling = poolingOf("max-pool", images, options);
  if (pooling.tiles) return ops.reduceMax(tilesOf(images, pooling), [2, 4]);
  // A pixel of the edge lies in every window that its copies lie in: copies change no maximum, and unlike
  // minus infinity they are never a value that a derivative meets.
  const [top, left, bottom, right] = pooling.padding;
  const padded = padEdges(images, [[0, 0], [top, bottom], [left, right], [0, 0]]);
  return foldWindows(padded, pooling, ops.maximum);
}

/**
 * Mean of every window.
 *
 * @param images Images `[n, height, width, channels]`.
 * @param options Window, stride and padding; without the last two, windows do not overlap and rests of
 *   odd sizes are cut off. `countPadding`: whether the padding counts as zeros.
 * @returns Images `[n, rows, columns, channels]`, `rows = floor((height + top + bottom - window) / stride) + 1`.
 * @throws {RangeError} If the window is larger than the images, or the padding not smaller than the window.
 *
 * @example
 * ```ts
 * import { avgPool2d, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const image = constant([[[[1], [2]], [[4], [3]]]]);
 * assertEquals(valuesOf(avgPool2d(image)), [2.5]);
 * assertEquals(valuesOf(avgPool2d(image, { padding: 1, countPadding: true })), [0.25, 0.5, 1, 0.75]);
 * assertEquals(valuesOf(avgPool2d(image, { padding: 1 })), [1, 2, 4, 3]);
 * ```
 */
export function avgPool2d(images: Tensor, options: AvgPoolOptions = {}): Tensor {
  requireCall("avgPool2d", arguments, 1, 2);
  requireOptions("avgPool2d", options, {
    window: true,
    stride: true,
    padding: true,
    countPadding: true,
  });
  const pooling = poolingOf("average-pool", images, options);
  const { kernel, padding, tiles } = pooling;
  const total = tiles
    ? ops.sum(tilesOf(images, pooling), [2, 4])
    : foldWindows(padSides(images, padding), pooling, ops.add);
  if (options.countPadding || padding.every((width) => width === 0)) {
    return ops.mul(total, ops.like(total, 1 / (kernel[0] * kernel[1])));
  }
  const ones = ops.fill(1, [1, images.shape[1]!, images.shape[2]!, 1]);
  const counts = foldWindows(padSides(ones, padding), pooling, ops.add);
  const [, rows, columns] = counts.shape;
  const spread = ops.broadcast(ops.reshape(counts, [rows!, columns!]), total.shape, [1, 2]);
  return ops.div(total, spread);
}
