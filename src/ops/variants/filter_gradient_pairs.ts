/**
 * Filter gradient with filters of width 3 for many invocations at once: each computes three taps of 4 x 4 channels.
 *
 * A quarter of the results of `conv2d_3x3_filter_gradient`, whose 192 sums are more registers than Intel's and some of
 * AMD's GPUs give an invocation (Mesa's ACO for RDNA 3 spills 353); so there are four times as many invocations, and
 * fewer parts to add up.
 *
 * @module
 */
import { conv2d_3x3_pairs_filter_gradient } from "../../../kernels/graphics/mod.ts";
import { ceilDivide, heavyWorkgroup } from "../kernel_grid.ts";
import { type FilterGradientShape, isRow3, planFilterGradient } from "./filter_gradient_shape.ts";
import type { SplitVariant } from "./split_variant.ts";

/** `kernels/graphics/conv2d_3x3_pairs_filter_gradient.wgsl`. */
export const filterGradientPairs: SplitVariant<FilterGradientShape> = {
  name: "conv2d_3x3_pairs_filter_gradient",
  tolerance: 2e-5,
  fits: isRow3,
  plan: (s, traits, share) => {
    const workgroup = heavyWorkgroup(traits);
    return planFilterGradient(s, {
      kernel: "conv2d_3x3_pairs_filter_gradient",
      code: conv2d_3x3_pairs_filter_gradient,
      blocks: s.batch * s.kernelHeight * s.in4 * s.out4,
      columns: ceilDivide(s.outWidth, 4),
      workgroup,
      overrides: { WORKGROUP: workgroup },
    }, { traits, share });
  },
};
