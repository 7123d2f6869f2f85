import { requireTensor } from "../../ir/require_tensor.ts";
import { formatAval } from "../../ir/aval.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { reshape, slice } from "../../tensor/mod.ts";

/** A random change of images `[n, height, width, channels]`, drawn from a key `u32[2]`. */
export type Augment = (images: Tensor, key: Tensor) => Tensor;

/** Extents of a batch of images. */
export interface BatchExtents {
  /** Number of images. */
  readonly n: number;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
  /** Channels. */
  readonly channels: number;
}

/**
 * Extents of a batch of images.
 *
 * @param attempt What is being done, for the error: "crop".
 * @param images Images `f32[n, height, width, channels]`.
 * @param channels The number of channels that is needed, if any.
 * @returns The extents.
 * @throws {TypeError} If it is no batch of such images.
 */
export function extentsOf(attempt: string, images: Tensor, channels?: number): BatchExtents {
  requireTensor(attempt, images);
  const [n, height, width, found] = images.shape;
  if (
    images.rank !== 4 || images.dtype !== "f32" || (channels !== undefined && channels !== found)
  ) {
    throw new TypeError(
      `Cannot ${attempt} ${formatAval(images)}: expected images f32[n, height, width, ` +
        `${channels ?? "channels"}].`,
    );
  }
  return { n: n!, height: height!, width: width!, channels: found! };
}

/**
 * Column `k` of one draw for each image, ready to be broadcast over images.
 *
 * @param draws Numbers `[n, columns]`.
 * @param k The column.
 * @returns The numbers, `[n, 1, 1, 1]`.
 */
export function perImage(draws: Tensor, k: number): Tensor {
  return reshape(slice(draws, [null, k]), [draws.shape[0]!, 1, 1, 1]);
}

/**
 * Throws unless a number is a probability.
 *
 * @param attempt What is being done, for the error.
 * @param probability The number.
 * @throws {RangeError} If it is not within `[0, 1]`.
 */
export function requireProbability(attempt: string, probability: number): void {
  if (!(probability >= 0 && probability <= 1)) {
    throw new RangeError(
      `Cannot ${attempt} with probability ${probability}: expected a number from 0 to 1.`,
    );
  }
}
