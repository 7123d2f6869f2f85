import { requireTensor } from "../ir/require_tensor.ts";
import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOneOf, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";

/** Options of {@linkcode resizeImages}. */
export interface ResizeOptions {
  /** Rows of the result. */
  readonly height: number;
  /** Columns of the result. */
  readonly width: number;
  /** How values between pixels are found; `"bilinear"` unless told. */
  readonly method?: "bilinear" | "nearest";
  /**
   * Whether a smaller result averages over all pixels that fall on one of its own (bilinear only);
   * false unless told.
   */
  readonly antialias?: boolean;
}

/** For every position of the result the positions it is made of, and their weights. */
interface Taps {
  readonly positions: readonly number[][];
  readonly weights: readonly number[][];
}

/**
 * Resizes images. Pixels are squares with their values at the centres, as in Pillow, `jax.image` and
 * PyTorch's `interpolate` without `align_corners`; `"nearest"` is PyTorch's `nearest-exact`.
 *
 * With antialiasing the triangle of linear interpolation is as wide as a pixel of the smaller image, and
 * what is left of it at the edges is normalised.
 *
 * @param images Images `[..., height, width, channels]`.
 * @param options Size of the result, method, and antialiasing.
 * @returns Images `[..., options.height, options.width, channels]`.
 * @throws {TypeError} If there are fewer than three axes.
 * @throws {RangeError} If the size is not whole and positive, or the images have no pixels.
 *
 * @example
 * ```ts
 * import { constant, resizeImages, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const row = constant([[[0], [4]]]);
 * assertEquals(valuesOf(resizeImages(row, { height: 1, width: 4 })), [0, 1, 3, 4]);
 * const nearest = resizeImages(row, { height: 1, width: 3, method: "nearest" });
 * assertEquals(valuesOf(nearest), [0, 4, 4]);
 * ```
 */
export function resizeImages(images: Tensor, options: ResizeOptions): Tensor {
  requireCall("resizeImages", arguments, 2);
  requireTensor("resize", images);
  requireOptions("resizeImages", options, {
    height: true,
    width: true,
    method: true,
    antialias: true,
  });
  const { height, width, method = "bilinear", antialias = false } = options;
  requireOneOf("resizeImages", ["method", method], ["bilinear", "nearest"]);
  if (images.rank < 3) {
    throw new TypeError(
      `Cannot resize ${formatAval(images)}: expected images [..., height, width, channels].`,
    );
  }
  const sizes = [height, width];
  const given = [images.shape.at(-3)!, images.shape.at(-2)!];
  if (sizes.some((size) => !Number.isInteger(size) || size < 1) || Math.min(...given) < 1) {
    throw new RangeError(
      `Cannot resize ${
        formatAval(images)
      } to ${height} x ${width}: expected whole sizes from 1, and ` +
        `images with pixels.`,
    );
  }
  return sizes.reduce((resized, size, k) => {
    const taps = method === "nearest"
      ? nearestTaps(given[k]!, size)
      : linearTaps(given[k]!, size, antialias);
    return interpolate(resized, images.rank - 3 + k, taps);
  }, images);
}

function nearestTaps(from: number, to: number): Taps {
  const positions = Array.from({ length: to }, (_, k) => [Math.floor((k + 0.5) * from / to)]);
  return { positions, weights: positions.map(() => [1]) };
}

/** A triangle around the centre of each result pixel, in pixels of the source. */
function linearTaps(from: number, to: number, antialias: boolean): Taps {
  const radius = antialias ? Math.max(1, from / to) : 1;
  const rows = Array.from({ length: to }, (_, k) => {
    const centre = (k + 0.5) * from / to - 0.5;
    const first = Math.max(0, Math.ceil(centre - radius));
    const last = Math.min(from - 1, Math.floor(centre + radius));
    const positions = Array.from({ length: last - first + 1 }, (_, j) => first + j);
    const weights = positions.map((at) => Math.max(0, 1 - Math.abs(at - centre) / radius));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { positions, weights: weights.map((weight) => weight / total) };
  });
  const most = Math.max(...rows.map(({ positions }) => positions.length));
  // Rows at the edges have fewer taps: they take their last pixel again, with weight 0.
  const fill = (list: readonly number[], value: number): number[] => [
    ...list,
    ...new Array<number>(most - list.length).fill(value),
  ];
  return {
    positions: rows.map(({ positions }) => fill(positions, positions.at(-1)!)),
    weights: rows.map(({ weights }) => fill(weights, 0)),
  };
}

/** Weighted sums of the elements along an axis. */
function interpolate(x: Tensor, axis: number, { positions, weights }: Taps): Tensor {
  const order = [axis, ...x.shape.map((_, k) => k).filter((k) => k !== axis)];
  const rows = ops.permute(x, order);
  const count = positions.length;
  const isIdentity = count === rows.shape[0] &&
    positions.every((row, k) => row.every((at, tap) => at === k || weights[k]![tap] === 0));
  if (isIdentity) return x;
  const parts = positions[0]!.map((_, tap) => {
    const indices = ops.literal(positions.map((row) => row[tap]!), [count], "i32");
    const taken = ops.gather(rows, indices);
    if (positions[0]!.length === 1) return taken;
    const weight = ops.literal(weights.map((row) => row[tap]!), [count]);
    return ops.mul(taken, ops.broadcast(weight, taken.shape, [0]));
  });
  return ops.permute(parts.reduce(ops.add), order.map((_, k) => order.indexOf(k)));
}
