/**
 * 3x3 convolution where loads are dear: the lanes of a subgroup share filters.
 *
 * @module
 */
import { conv2d_3x3_lane_tiles } from "../../../kernels/processors/mod.ts";
import { ceilDivide, LANES, linearGrid } from "../kernel_grid.ts";
import { commonSizes } from "./convolution_shape.ts";
import { type CorrelationShape, is3x3 } from "./correlation_shape.ts";
import type { KernelVariant } from "./kernel_variant.ts";

/** `kernels/processors/conv2d_3x3_lane_tiles.wgsl`. */
export const correlateLaneTiles: KernelVariant<CorrelationShape> = {
  name: "conv2d_3x3_lane_tiles",
  tolerance: 1e-5,
  fits: (s, { subgroupLanes }) => is3x3(s) && subgroupLanes >= LANES,
  plan: (s, traits) => {
    const tilesX = ceilDivide(s.outWidth, 4);
    const tilesY = ceilDivide(s.outHeight, 4);
    const groups = s.batch * ceilDivide(s.out4, 2) *
      ceilDivide(s.images * tilesX * tilesY, LANES);
    const grid = linearGrid(groups * LANES, traits, LANES);
    return {
      kernel: "conv2d_3x3_lane_tiles",
      code: conv2d_3x3_lane_tiles,
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
