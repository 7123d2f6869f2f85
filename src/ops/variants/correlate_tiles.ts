/**
 * 3x3 convolution for many invocations at once: each computes 4x4 pixels of 4 channels, neighbours the same pixels.
 *
 * Compared with `conv2d_3x3`, whose invocations compute 8 channels and whose neighbours are far apart: a quarter of the
 * instructions, and none of 46 registers spilled (AMD's RDNA 2, compiled by Mesa's ACO).
 *
 * @module
 */
import { conv2d_3x3_tiles } from "../../../kernels/graphics/mod.ts";
import { ceilDivide, heavyWorkgroup, linearGrid } from "../kernel_grid.ts";
import { commonSizes } from "./convolution_shape.ts";
import { type CorrelationShape, is3x3 } from "./correlation_shape.ts";
import { flipFilters } from "./flip_filters.ts";
import type { WorkingVariant } from "./invocation_time.ts";

/** `kernels/graphics/conv2d_3x3_tiles.wgsl`. */
export const correlateTiles: WorkingVariant<CorrelationShape> = {
  name: "conv2d_3x3_tiles",
  tolerance: 1e-5,
  fits: is3x3,
  plan: (s, traits) => {
    const grid = linearGrid(tilesOf(s), traits, heavyWorkgroup(traits));
    return {
      kernel: "conv2d_3x3_tiles",
      code: conv2d_3x3_tiles,
      overrides: {
        ...commonSizes(s),
        tiles_x: ceilDivide(s.outWidth, 4),
        tiles_y: ceilDivide(s.outHeight, 4),
        ...grid.overrides,
      },
      workgroups: grid.workgroups,
      parts: 1,
      ...flipFilters(s, traits),
    };
  },
  work: (s) => {
    const steps = 3 * s.in4;
    // 16 pixels, 3 taps, 4x4 channels; 4 rows of 6 pixels and 3 taps of 4 vectors.
    return { invocations: tilesOf(s), operations: 768 * steps, loads: 4 * 36 * steps };
  },
};

/** Tiles of 4x4 pixels of 4 channels. */
function tilesOf(s: CorrelationShape): number {
  return s.batch * s.images * ceilDivide(s.outWidth, 4) * ceilDivide(s.outHeight, 4) * s.out4;
}
