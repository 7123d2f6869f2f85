/**
 * Filter gradient of 3x3 filters by Winograd's minimal filtering: a workgroup shares pixels and cotangents.
 *
 * `F(3x3, 2x2)` has 16 multiplications of 36 (Lavin and Gray 2016, arXiv 1509.09308). For adapters whose invocations
 * share what is loaded: the barriers cost a processor more than the multiplications.
 *
 * @module
 */
import { conv2d_3x3_winograd_filter_gradient } from "../../../kernels/measured/mod.ts";
import { ceilDivide, chooseParts, linearGrid } from "../kernel_grid.ts";
import { commonSizes } from "./convolution_shape.ts";
import { type FilterGradientShape, filterSize, isRow3 } from "./filter_gradient_shape.ts";
import type { SplitVariant } from "./split_variant.ts";

/** Invocations of a workgroup, which has 32 x 32 channels. */
const WORKGROUP = 256;

/** Bytes of workgroup memory. */
const STORAGE = 1024 * 16;

/** Tiles of one step, and the loop iterations of other kernels that one takes as long as: 64 multiply-adds each. */
const STEP = { tiles: 4, iterations: 4 } as const;

/** `kernels/measured/conv2d_3x3_winograd_filter_gradient.wgsl`. */
export const filterGradientWinograd: SplitVariant<FilterGradientShape> = {
  name: "conv2d_3x3_winograd_filter_gradient",
  tolerance: 2e-5,
  fits: (s, { maxWorkgroupInvocations, maxWorkgroupStorage }) =>
    isRow3(s) && s.kernelHeight === 3 && maxWorkgroupInvocations >= WORKGROUP &&
    maxWorkgroupStorage >= STORAGE,
  plan: (s, traits, share) => {
    const tilesX = ceilDivide(s.outWidth, 2);
    const tilesY = ceilDivide(s.outHeight, 2);
    const groups = s.batch * ceilDivide(s.in4, 8) * ceilDivide(s.out4, 8);
    const { parts, stepsPerPart } = chooseParts(
      {
        steps: ceilDivide(s.images * tilesX * tilesY, STEP.tiles),
        iterationsPerStep: STEP.iterations,
        blocks: WORKGROUP * groups,
        size: filterSize(s),
      },
      traits,
      share,
    );
    const grid = linearGrid(WORKGROUP * groups * parts, traits, WORKGROUP);
    return {
      kernel: "conv2d_3x3_winograd_filter_gradient",
      code: conv2d_3x3_winograd_filter_gradient,
      overrides: {
        ...commonSizes(s),
        tiles_x: tilesX,
        tiles_y: tilesY,
        parts,
        part_steps: stepsPerPart,
        groups_x: grid.overrides.groups_x,
      },
      workgroups: grid.workgroups,
      parts,
    };
  },
};
