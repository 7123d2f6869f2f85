/**
 * Shapes of a convolution as its kernels see it.
 *
 * @module
 */
import type { KernelShape } from "./kernel_variant.ts";

/** The convolution that a kernel runs, forward or transposed. */
export interface CorrelationShape extends KernelShape {
  /** Sets of filters. */
  readonly batch: number;
  /** Images of each set. */
  readonly images: number;
  /** Height of the images. */
  readonly height: number;
  /** Width of the images. */
  readonly width: number;
  /** Vectors of four channels of the images. */
  readonly in4: number;
  /** Height of the result. */
  readonly outHeight: number;
  /** Width of the result. */
  readonly outWidth: number;
  /** Vectors of four channels of the result. */
  readonly out4: number;
  /** Height of the filters. */
  readonly kernelHeight: number;
  /** Width of the filters. */
  readonly kernelWidth: number;
  /** Rows from one result pixel to the next. */
  readonly strideY: number;
  /** Columns from one result pixel to the next. */
  readonly strideX: number;
  /** Zero rows above the images; negative to leave rows out. */
  readonly padTop: number;
  /** Zero columns left of the images; negative to leave columns out. */
  readonly padLeft: number;
  /** 1 if the filters are flipped and their channels exchanged, 0 if not. */
  readonly transposed: number;
}

/** Whether the filters are 3x3 and move by one. */
export function is3x3({ kernelHeight, kernelWidth, strideY, strideX }: CorrelationShape): boolean {
  return kernelHeight === 3 && kernelWidth === 3 && strideY === 1 && strideX === 1;
}

/** The sizes that all kernels of a convolution take. */
export function commonSizes(s: CorrelationShape): Readonly<Record<string, number>> {
  return {
    batch: s.batch,
    images: s.images,
    height: s.height,
    width: s.width,
    out_height: s.outHeight,
    out_width: s.outWidth,
    in4: s.in4,
    out4: s.out4,
    pad_top: s.padTop,
    pad_left: s.padLeft,
  };
}
