/**
 * 3x3 convolution of few channels where loads are dear: the lanes of a subgroup share pixels, each has one channel.
 *
 * @module
 */
import { conv2d_3x3_lane_strips } from "../../../kernels/processors/mod.ts";
import { ceilDivide, LANES, linearGrid } from "../kernel_grid.ts";
import { commonSizes } from "./convolution_shape.ts";
import type { CorrelationShape } from "./correlation_shape.ts";
import type { KernelVariant } from "./kernel_variant.ts";
import { divide, fitsStrips } from "./strips.ts";

/** `kernels/processors/conv2d_3x3_lane_strips.wgsl`. */
export const correlateLaneStrips: KernelVariant<CorrelationShape> = {
  name: "conv2d_3x3_lane_strips",
  tolerance: 1e-5,
  fits: fitsStrips,
  plan: (s, traits) => {
    const { across, along, length } = divide(s.outWidth, s.outHeight);
    const groups = s.batch * ceilDivide(s.out4, 2) * s.images * across * along;
    const grid = linearGrid(groups * LANES, traits, LANES);
    const { in4: _, ...sizes } = commonSizes(s);
    return {
      kernel: "conv2d_3x3_lane_strips",
      code: conv2d_3x3_lane_strips,
      overrides: {
        ...sizes,
        IN4: s.in4,
        transposed: s.transposed,
        strips_x: across,
        strips_y: along,
        strip_rows: length,
        groups_x: grid.overrides.groups_x,
      },
      workgroups: grid.workgroups,
      parts: 1,
    };
  },
};
