import type { Tensor } from "../ir/tensor.ts";
import { uniform } from "../random/mod.ts";
import {
  broadcastTo,
  convert,
  equal,
  less,
  logicalAnd,
  logicalOr,
  range,
  reshape,
  sum,
} from "../tensor/mod.ts";

/**
 * Chooses, for every image, a random subset of its patches.
 *
 * @param key The key, `u32[2]`.
 * @param options Number of images, patches of each, and how many of them are chosen.
 * @returns Truth values `bool[images, patches]`, true at exactly `chosen` patches of every image.
 */
export function choosePatches(
  key: Tensor,
  { images, patches, chosen }: {
    readonly images: number;
    readonly patches: number;
    readonly chosen: number;
  },
): Tensor {
  // The rank of a random score among the scores of its image; equal scores rank by position.
  const scores = uniform(key, [images, patches]);
  const own = reshape(scores, [images, patches, 1]);
  const other = reshape(scores, [images, 1, patches]);
  const position = range(patches);
  const earlier = less(position, reshape(position, [patches, 1]));
  const before = logicalOr(less(other, own), logicalAnd(equal(other, own), earlier));
  return less(sum(convert(before, "f32"), { axes: 2 }), chosen);
}

/**
 * Spreads one value for each patch over the pixels of the patch.
 *
 * @param values Values `[n, rows * columns]`.
 * @param options Rows and columns of patches, and the side of a patch in pixels.
 * @returns Values `[n, rows * side, columns * side, 1]`.
 */
export function spreadPatches(
  values: Tensor,
  { rows, columns, side }: {
    readonly rows: number;
    readonly columns: number;
    readonly side: number;
  },
): Tensor {
  const n = values.shape[0]!;
  const wide = broadcastTo(reshape(values, [n, rows, 1, columns, 1, 1]), [
    n,
    rows,
    side,
    columns,
    side,
    1,
  ]);
  return reshape(wide, [n, rows * side, columns * side, 1]);
}
