import { requireTensor } from "../ir/require_tensor.ts";
import { formatAval } from "../ir/aval.ts";
import { requireCall } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { flip, slice } from "./slice.ts";
import { transpose } from "./shape.ts";

/** A window of an image, in pixels. */
export interface CropWindow {
  /** First row. */
  readonly top: number;
  /** First column. */
  readonly left: number;
  /** Number of rows. */
  readonly height: number;
  /** Number of columns. */
  readonly width: number;
}

function requireImages(attempt: string, images: Tensor): void {
  if (images.rank < 3) {
    throw new TypeError(
      `Cannot ${attempt} ${formatAval(images)}: expected images [..., height, width, channels].`,
    );
  }
}

/**
 * Turns images by quarter turns, counter-clockwise.
 *
 * @param images Images `[..., height, width, channels]`.
 * @param turns Number of quarter turns; negative turns clockwise.
 * @returns The turned images; height and width are exchanged for odd turns.
 * @throws {TypeError} If there are fewer than three axes.
 *
 * @example
 * ```ts
 * import { constant, rotate90, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const image = constant([[[1], [2]], [[3], [4]]]);
 * assertEquals(valuesOf(rotate90(image, 1)), [2, 4, 1, 3]);
 * ```
 */
export function rotate90(images: Tensor, turns: number): Tensor {
  requireCall("rotate90", arguments, 2);
  requireTensor("rotate", images);
  requireImages("rotate", images);
  if (!Number.isInteger(turns)) {
    throw new RangeError(`Cannot rotate by ${turns} quarter turns: expected a whole number.`);
  }
  const turn = ((turns % 4) + 4) % 4;
  if (turn === 0) return images;
  if (turn === 2) return flip(images, [-3, -2]);
  const order = images.shape.map((_, axis) => axis);
  [order[images.rank - 3], order[images.rank - 2]] = [images.rank - 2, images.rank - 3];
  return flip(transpose(images, order), turn === 1 ? -3 : -2);
}

/**
 * Cuts a window out of images.
 *
 * @param images Images `[..., height, width, channels]`.
 * @param window The window, in pixels.
 * @returns Images `[..., window.height, window.width, channels]`.
 * @throws {RangeError} If the window leaves the images.
 *
 * @example
 * ```ts
 * import { constant, crop, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const image = constant([[[1], [2]], [[3], [4]]]);
 * assertEquals(valuesOf(crop(image, { top: 0, left: 1, height: 2, width: 1 })), [2, 4]);
 * ```
 */
export function crop(images: Tensor, window: CropWindow): Tensor {
  requireCall("crop", arguments, 2);
  requireTensor("crop", images);
  requireImages("crop", images);
  const { top, left, height, width } = window;
  const [rows, columns] = [images.shape.at(-3)!, images.shape.at(-2)!];
  const whole = [top, left, height, width].every((n) => Number.isInteger(n) && n >= 0);
  if (!whole || top + height > rows || left + width > columns) {
    throw new RangeError(
      `Cannot crop ${
        formatAval(images)
      }: found a window of ${height} x ${width} at row ${top} and ` +
        `column ${left}, expected one inside of ${rows} x ${columns}.`,
    );
  }
  return slice(images, [
    ...new Array<null>(images.rank - 3).fill(null),
    [top, top + height],
    [left, left + width],
  ]);
}
