import type { Tensor } from "../ir/tensor.ts";
import { convert, expandDims, less, mul, range, repeat, reshape, sub } from "../tensor/mod.ts";

/** Rows of a picture of bars, and its least number of columns. */
const SIZE = 32;

/**
 * Draws numbers as bars that stand side by side, white on black.
 *
 * @param shares Numbers in `[0, 1]`, `[n, classes]`.
 * @returns Pictures `[n, 32, width, 1]`; all bars are equally wide, 1 pixel at least.
 */
export function barPictures(shares: Tensor): Tensor {
  const [n, classes] = shares.shape as [number, number];
  const height = reshape(range(SIZE, "f32"), [1, SIZE, 1]);
  // Row y, counted from the top, is lit where the bar reaches over its middle.
  const lit = less(sub(SIZE - 0.5, height), mul(expandDims(shares, 1), SIZE));
  const wide = Math.max(1, Math.floor(SIZE / classes));
  return reshape(convert(repeat(lit, wide, { axis: 2 }), "f32"), [n, SIZE, classes * wide, 1]);
}
