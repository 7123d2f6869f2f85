/**
 * Filter gradient with filters of width 3 where loads are dear: the lanes of a subgroup share pixels.
 *
 * @module
 */
import { conv2d_3x3_lane_filter_gradient } from "../../../kernels/processors/mod.ts";
import { ceilDivide, LANES } from "../kernel_grid.ts";
import { type FilterGradientShape, isRow3, planFilterGradient } from "./filter_gradient_shape.ts";
import type { SplitVariant } from "./split_variant.ts";

/** `kernels/processors/conv2d_3x3_lane_filter_gradient.wgsl`. */
export const filterGradientLanes: SplitVariant<FilterGradientShape> = {
  name: "conv2d_3x3_lane_filter_gradient",
  tolerance: 2e-5,
  fits: (s, { subgroupLanes }) => isRow3(s) && subgroupLanes >= LANES,
  plan: (s, traits, share) => {
    const rows = s.kernelHeight * s.in4;
    const slots = Math.min(LANES, rows);
    return planFilterGradient(s, {
      kernel: "conv2d_3x3_lane_filter_gradient",
      code: conv2d_3x3_lane_filter_gradient,
      blocks: LANES * s.batch * ceilDivide(rows, slots) * ceilDivide(s.out4, LANES),
      columns: ceilDivide(s.width, 2),
      workgroup: LANES,
      overrides: { SLOTS: slots },
    }, { traits, share });
  },
};
