import { formatAval } from "../../ir/aval.ts";
import { requireCall } from "../../ir/options.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { equal, flip, logicalOr, reshape, transpose, where } from "../../tensor/mod.ts";
import { extentsOf } from "./augment.ts";

/**
 * Turns every image by its own number of quarter turns, counter-clockwise.
 *
 * @param images Square images `[n, size, size, channels]`.
 * @param turns Numbers `i32[n]` from 0 to 3.
 * @returns Images of the same shape.
 * @throws {TypeError} If the images are not square or there is not one number for each.
 *
 * @example
 * ```ts
 * import { constant, rotateQuarterTurns, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const image = constant([[[[1], [2]], [[3], [4]]]]);
 * const turns = constant([1], { dtype: "i32" });
 * assertEquals(valuesOf(rotateQuarterTurns(image, turns)), [2, 4, 1, 3]);
 * ```
 */
export function rotateQuarterTurns(images: Tensor, turns: Tensor): Tensor {
  requireCall("rotateQuarterTurns", arguments, 2);
  const { n, height, width } = extentsOf("rotate", images);
  if (height !== width || turns.dtype !== "i32" || turns.rank !== 1 || turns.shape[0] !== n) {
    throw new TypeError(
      `Cannot rotate ${formatAval(images)} by ${formatAval(turns)}: expected square images and ` +
        `i32[${n}] turns. Crop the images to squares.`,
    );
  }
  const turn = reshape(turns, [n, 1, 1, 1]);
  const is = (a: number, b: number): Tensor => logicalOr(equal(turn, a), equal(turn, b));
  // 1: transpose, upside down. 2: upside down, mirror. 3: transpose, mirror.
  const transposed = where(is(1, 3), transpose(images, [0, 2, 1, 3]), images);
  const turned = where(is(1, 2), flip(transposed, 1), transposed);
  return where(is(2, 3), flip(turned, 2), turned);
}
