/**
 * Filter gradient with filters of any size and stride: an invocation computes 8 x 8 channels of one tap.
 *
 * @module
 */
import { conv2d_filter_gradient } from "../../../kernels/mod.ts";
import { ceilDivide, heavyWorkgroup } from "../kernel_grid.ts";
import { type FilterGradientShape, planFilterGradient } from "./filter_gradient_shape.ts";
import type { SplitVariant } from "./split_variant.ts";

/** `kernels/conv2d_filter_gradient.wgsl`. */
export const filterGradientAny: SplitVariant<FilterGradientShape> = {
  name: "conv2d_filter_gradient",
  tolerance: 2e-5,
  fits: () => true,
  plan: (s, traits, share) => {
    const workgroup = heavyWorkgroup(traits);
    return planFilterGradient(s, {
      kernel: "conv2d_filter_gradient",
      code: conv2d_filter_gradient,
      blocks: s.batch * s.kernelHeight * s.kernelWidth * ceilDivide(s.in4, 2) *
        ceilDivide(s.out4, 2),
      columns: s.outWidth,
      workgroup,
      overrides: {
        kernel_x: s.kernelWidth,
        stride_y: s.strideY,
        stride_x: s.strideX,
        WORKGROUP: workgroup,
      },
    }, { traits, share });
  },
};
