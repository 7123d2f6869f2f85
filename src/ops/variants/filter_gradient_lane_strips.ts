/**
 * Filter gradient of 3x3 filters of few channels where loads are dear: the lanes of a subgroup share pixels, each has
 * all weights of one channel.
 *
 * @module
 */
import { conv2d_3x3_lane_strips_filter_gradient } from "../../../kernels/processors/mod.ts";
import { ceilDivide, chooseParts, heavyWorkgroup, LANES, linearGrid } from "../kernel_grid.ts";
import { commonSizes } from "./convolution_shape.ts";
import { type FilterGradientShape, filterSize } from "./filter_gradient_shape.ts";
import type { SplitVariant } from "./split_variant.ts";
import { divide, fitsStrips } from "./strips.ts";

/** `kernels/processors/conv2d_3x3_lane_strips_filter_gradient.wgsl`. */
export const filterGradientLaneStrips: SplitVariant<FilterGradientShape> = {
  name: "conv2d_3x3_lane_strips_filter_gradient",
  tolerance: 2e-5,
  fits: fitsStrips,
  plan: (s, traits, share) => {
    const { across, along, length } = divide(s.outHeight, s.outWidth);
    const groups = s.batch * ceilDivide(s.out4, 2);
    const { parts, stepsPerPart } = chooseParts(
      {
        steps: s.images * across * along,
        iterationsPerStep: length + 2,
        // A workgroup keeps as much busy as one of the kernels whose invocations do not share anything.
        blocks: heavyWorkgroup(traits) * groups,
        size: filterSize(s),
      },
      traits,
      share,
    );
    const grid = linearGrid(LANES * groups * parts, traits, LANES);
    const { in4: _, ...sizes } = commonSizes(s);
    return {
      kernel: "conv2d_3x3_lane_strips_filter_gradient",
      code: conv2d_3x3_lane_strips_filter_gradient,
      overrides: {
        ...sizes,
        IN4: s.in4,
        in4: s.in4,
        strips_x: along,
        strips_y: across,
        strip_columns: length,
        parts,
        part_strips: stepsPerPart,
        groups_x: grid.overrides.groups_x,
      },
      workgroups: grid.workgroups,
      parts,
    };
  },
};
