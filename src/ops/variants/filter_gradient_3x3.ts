/**
 * Filter gradient with filters of width 3: an invocation computes three taps of 8 x 8 channels, or 4 x 16 of few.
 *
 * @module
 */
import { conv2d_3x3_filter_gradient } from "../../../kernels/processors/mod.ts";
import { ceilDivide, heavyWorkgroup } from "../kernel_grid.ts";
import { type FilterGradientShape, isRow3, planFilterGradient } from "./filter_gradient_shape.ts";
import type { SplitVariant } from "./split_variant.ts";

/** `kernels/processors/conv2d_3x3_filter_gradient.wgsl`. */
export const filterGradient3x3: SplitVariant<FilterGradientShape> = {
  name: "conv2d_3x3_filter_gradient",
  tolerance: 2e-5,
  fits: isRow3,
  plan: (s, traits, share) => {
    const workgroup = heavyWorkgroup(traits);
    const narrow = s.in4 === 1;
    return planFilterGradient(s, {
      kernel: "conv2d_3x3_filter_gradient",
      code: conv2d_3x3_filter_gradient,
      blocks: s.batch * s.kernelHeight * ceilDivide(s.in4, narrow ? 1 : 2) *
        ceilDivide(s.out4, narrow ? 4 : 2),
      columns: s.outWidth,
      workgroup,
      overrides: { NARROW: narrow ? 1 : 0, WORKGROUP: workgroup },
    }, { traits, share });
  },
};
