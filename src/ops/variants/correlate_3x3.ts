/**
 * 3x3 convolution: an invocation computes 4x4 pixels of 8 channels, a workgroup shares filters.
 *
 * @module
 */
import { conv2d_3x3 } from "../../../kernels/processors/mod.ts";
import type { DeviceTraits } from "../../ir/lowering.ts";
import { ceilDivide, heavyWorkgroup, linearGrid } from "../kernel_grid.ts";
import { commonSizes } from "./convolution_shape.ts";
import { type CorrelationShape, is3x3 } from "./correlation_shape.ts";
import type { KernelVariant } from "./kernel_variant.ts";

/** Workgroup memory of one vector of input channels: 9 taps of 4 x 8 weights. */
const FILTER_BYTES = 9 * 32 * 4;

/** `kernels/processors/conv2d_3x3.wgsl`. */
export const correlate3x3: KernelVariant<CorrelationShape> = {
  name: "conv2d_3x3",
  tolerance: 1e-5,
  fits: is3x3,
  plan: (s, traits) => {
    const tilesX = ceilDivide(s.outWidth, 4);
    const tilesY = ceilDivide(s.outHeight, 4);
    const workgroup = heavyWorkgroup(traits);
    const groups = s.batch * ceilDivide(s.out4, 2) *
      ceilDivide(s.images * tilesX * tilesY, workgroup);
    const grid = linearGrid(groups * workgroup, traits, workgroup);
    const room = Math.floor(traits.maxWorkgroupStorage / FILTER_BYTES);
    const direct = s.in4 > room;
    return {
      kernel: "conv2d_3x3",
      code: conv2d_3x3,
      overrides: {
        ...commonSizes(s),
        transposed: s.transposed,
        tiles_x: tilesX,
        tiles_y: tilesY,
        MAX_IN4: direct ? 1 : filterRoom(s.in4, room, traits),
        DIRECT: direct ? 1 + s.transposed : 0,
        ...grid.overrides,
      },
      workgroups: grid.workgroups,
      parts: 1,
    };
  },
};

/** Little, where more workgroups run at once if they take less memory; else one kernel for all. */
function filterRoom(in4: number, room: number, { costs }: DeviceTraits): number {
  return costs.occupancy ? Math.min(room, 2 ** Math.ceil(Math.log2(in4))) : room;
}
