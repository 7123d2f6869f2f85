/**
 * Shapes of a convolution, as its kernels see them.
 *
 * @module
 */

/**
 * Shapes of a batched 2-D convolution: images `[batch, images, height, width, inChannels]`, filters
 * `[batch, kernelHeight, kernelWidth, inChannels, outChannels]`.
 */
export interface Conv2dGeometry {
  /** Number of filter sets, each with its own images. */
  readonly batch: number;
  /** Images for each filter set. */
  readonly images: number;
  /** Height of the images in pixels. */
  readonly height: number;
  /** Width of the images in pixels. */
  readonly width: number;
  /** Channels of the images. */
  readonly inChannels: number;
  /** Channels of the result. */
  readonly outChannels: number;
  /** Height of the filters in pixels. */
  readonly kernelHeight: number;
  /** Width of the filters in pixels. */
  readonly kernelWidth: number;
  /** Rows from one result pixel to the next. */
  readonly strideY: number;
  /** Columns from one result pixel to the next. */
  readonly strideX: number;
  /** Zero rows above the images. */
  readonly padTop: number;
  /** Zero columns left of the images. */
  readonly padLeft: number;
  /** Zero rows below the images. */
  readonly padBottom: number;
  /** Zero columns right of the images. */
  readonly padRight: number;
}

/**
 * Height of a convolution's result.
 *
 * @param geometry The convolution
 * @returns Height in pixels
 */
export function outHeight(geometry: Conv2dGeometry): number {
  const { height, padTop, padBottom, kernelHeight, strideY } = geometry;
  return Math.floor((height + padTop + padBottom - kernelHeight) / strideY) + 1;
}

/**
 * Width of a convolution's result.
 *
 * @param geometry The convolution
 * @returns Width in pixels
 */
export function outWidth(geometry: Conv2dGeometry): number {
  const { width, padLeft, padRight, kernelWidth, strideX } = geometry;
  return Math.floor((width + padLeft + padRight - kernelWidth) / strideX) + 1;
}
