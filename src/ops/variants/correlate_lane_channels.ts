/**
 * 3x3 convolution where loads are dear: the lanes of a subgroup share pixels.
 *
 * @module
 */
import { conv2d_3x3_lane_channels } from "../../../kernels/processors/mod.ts";
import { ceilDivide, LANES, linearGrid } from "../kernel_grid.ts";
import { commonSizes } from "./convolution_shape.ts";
import { type CorrelationShape, is3x3 } from "./correlation_shape.ts";
import type { KernelVariant } from "./kernel_variant.ts";

/** `kernels/processors/conv2d_3x3_lane_channels.wgsl`. */
export const correlateLaneChannels: KernelVariant<CorrelationShape> = {
  name: "conv2d_3x3_lane_channels",
  tolerance: 1e-5,
  fits: (s, { subgroupLanes }) => is3x3(s) && subgroupLanes >= LANES,
  plan: (s, traits) => {
    const tilesX = ceilDivide(s.outWidth, 8);
    const tilesY = ceilDivide(s.outHeight, 8);
    const groups = s.batch * ceilDivide(s.out4, 8) * s.images * tilesX * tilesY;
    const grid = linearGrid(groups * LANES, traits, LANES);
    return {
      kernel: "conv2d_3x3_lane_channels",
      code: conv2d_3x3_lane_channels,
      overrides: {
        ...commonSizes(s),
        transposed: s.transposed,
        tiles_x: tilesX,
        tiles_y: tilesY,
        groups_x: grid.overrides.groups_x,
      },
      workgroups: grid.workgroups,
      parts: 1,
    };
  },
};
