/**
 * Convolution with filters of any size and stride: an invocation computes 8 pixels of 8 channels.
 *
 * @module
 */
import { conv2d } from "../../../kernels/mod.ts";
import { ceilDivide, heavyWorkgroup, linearGrid } from "../kernel_grid.ts";
import { commonSizes } from "./convolution_shape.ts";
import type { CorrelationShape } from "./correlation_shape.ts";
import type { KernelVariant } from "./kernel_variant.ts";

/** `kernels/conv2d.wgsl`. */
export const correlateAny: KernelVariant<CorrelationShape> = {
  name: "conv2d",
  tolerance: 1e-5,
  fits: () => true,
  plan: (s, traits) => {
    const tiles = ceilDivide(s.images * s.outHeight * s.outWidth, 8);
    const grid = linearGrid(
      s.batch * tiles * ceilDivide(s.out4, 2),
      traits,
      heavyWorkgroup(traits),
    );
    return {
      kernel: "conv2d",
      code: conv2d,
      overrides: {
        ...commonSizes(s),
        kernel_y: s.kernelHeight,
        kernel_x: s.kernelWidth,
        stride_y: s.strideY,
        stride_x: s.strideX,
        TRANSPOSED: s.transposed,
        ...grid.overrides,
      },
      workgroups: grid.workgroups,
      parts: 1,
    };
  },
};
