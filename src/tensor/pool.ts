import { formatAval } from "../ir/aval.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { crop } from "./image.ts";

/** Options of {@linkcode maxPool2d} and {@linkcode avgPool2d}. */
export interface PoolOptions {
  /** Height and width of a window, and the step between windows; 2 unless told. */
  readonly window?: number;
}

/** Images as `[n, rows, window, columns, window, channels]`, rests of odd sizes cut off. */
function windows(attempt: string, images: Tensor, window: number): Tensor {
  const [n, height, width, channels] = images.shape;
  if (images.rank !== 4 || !Number.isInteger(window) || window < 1) {
    throw new TypeError(
      `Cannot ${attempt} ${formatAval(images)} with a window of ${window}: expected images ` +
        `[n, height, width, channels] and a whole window from 1.`,
    );
  }
  const [rows, columns] = [Math.floor(height! / window), Math.floor(width! / window)];
  if (rows === 0 || columns === 0) {
    throw new RangeError(
      `Cannot ${attempt} ${formatAval(images)}: a window of ${window} is larger than the images. ` +
        `Use larger images or fewer pooling layers.`,
    );
  }
  const whole = crop(images, { top: 0, left: 0, height: rows * window, width: columns * window });
  return ops.reshape(whole, [n!, rows, window, columns, window, channels!]);
}

/**
 * Largest value of every square window; windows do not overlap, rests of odd sizes are cut off.
 *
 * @param images Images `[n, height, width, channels]`.
 * @param options Size of the window.
 * @returns Images `[n, floor(height / window), floor(width / window), channels]`, NaN where a window
 *   has one; the derivative goes to the first of the largest values, or to the first NaN.
 * @throws {RangeError} If the window is larger than the images.
 *
 * @example
 * ```ts
 * import { constant, maxPool2d, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(maxPool2d(constant([[[[1], [2]], [[4], [3]]]]))), [4]);
 * ```
 */
export function maxPool2d(images: Tensor, { window = 2 }: PoolOptions = {}): Tensor {
  return ops.reduceMax(windows("max-pool", images, window), [2, 4]);
}

/**
 * Mean of every square window; windows do not overlap, rests of odd sizes are cut off.
 *
 * @param images Images `[n, height, width, channels]`.
 * @param options Size of the window.
 * @returns Images `[n, floor(height / window), floor(width / window), channels]`.
 * @throws {RangeError} If the window is larger than the images.
 *
 * @example
 * ```ts
 * import { avgPool2d, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(avgPool2d(constant([[[[1], [2]], [[4], [3]]]]))), [2.5]);
 * ```
 */
export function avgPool2d(images: Tensor, { window = 2 }: PoolOptions = {}): Tensor {
  const total = ops.sum(windows("average-pool", images, window), [2, 4]);
  return ops.mul(total, ops.like(total, 1 / (window * window)));
}
