/**
 * Shapes of a convolution as its kernels see it.
 *
 * @module
 */
import type { ConvolutionShape } from "./convolution_shape.ts";

/** The convolution that a kernel runs, forward or transposed. */
export interface CorrelationShape extends ConvolutionShape {
  /** 1 if the filters are flipped and their channels exchanged, 0 if not. */
  readonly transposed: number;
}

/** Whether the filters are 3x3 and move by one. */
export function is3x3({ kernelHeight, kernelWidth, strideY, strideX }: CorrelationShape): boolean {
  return kernelHeight === 3 && kernelWidth === 3 && strideY === 1 && strideX === 1;
}
