/**
 * Sizes of a convolution and its gradients.
 *
 * @module
 */
import type { KernelShape } from "./kernel_variant.ts";

/** Sizes of images, filters and results, whichever of them is computed. */
export interface ConvolutionShape extends KernelShape {
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
}

/** Names of the sizes in the order in which tables have them. */
export const CONVOLUTION_FIELDS = [
  "batch",
  "images",
  "height",
  "width",
  "in4",
  "outHeight",
  "outWidth",
  "out4",
  "kernelHeight",
  "kernelWidth",
  "strideY",
  "strideX",
  "padTop",
  "padLeft",
] as const satisfies readonly (keyof ConvolutionShape)[];

/** The sizes that all kernels of a convolution take. */
export function commonSizes(s: ConvolutionShape): Readonly<Record<string, number>> {
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
