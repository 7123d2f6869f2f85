/**
 * 3x3 convolution with little work for many invocations: each computes 2x2 pixels of 4 channels from a slice of the
 * input channels, and a workgroup adds up the slices.
 *
 * For adapters with many more invocations than there are tiles of 4x4 pixels. 20 images of 4x4 pixels, 32 channels to
 * 32: 80 invocations of 8 steps of 1152 vector multiply-adds each (`conv2d_3x3`) took an H100 88 us (67 GFLOP/s); with
 * 8 slices there are 5120 of one step of 144. A processor, which has no idle invocations, loads 4 to 8 times as much
 * for nothing.
 *
 * @module
 */
import { conv2d_3x3_slices } from "../../../kernels/graphics/mod.ts";
import type { DeviceTraits } from "../../ir/lowering.ts";
import { ceilDivide, linearGrid } from "../kernel_grid.ts";
import { commonSizes } from "./convolution_shape.ts";
import { type CorrelationShape, is3x3 } from "./correlation_shape.ts";
import { flipFilters } from "./flip_filters.ts";
import type { WorkingVariant } from "./invocation_time.ts";
import type { VariantCall } from "./kernel_variant.ts";

/** Invocations of a workgroup: the kernel has room for the sums of so many. */
const WORKGROUP = 64;

/** Invocations beyond which nothing is gained by more of them: no adapter runs so many at once. */
const MANY = 2 ** 17;

/** Into how many slices the input channels may be divided. */
const SLICES = [1, 2, 4, 8] as const;

/** `kernels/graphics/conv2d_3x3_slices.wgsl` with each number of slices. */
export const correlateSlices: readonly WorkingVariant<CorrelationShape>[] = /* @__PURE__ */ SLICES
  .map((slices) => ({
    name: `conv2d_3x3_slices, ${slices}`,
    tolerance: 1e-5,
    fits: (s, { maxWorkgroupInvocations, maxWorkgroupStorage }) =>
      is3x3(s) && slices <= s.in4 && slices * tilesOf(s) <= MANY &&
      maxWorkgroupInvocations >= WORKGROUP && maxWorkgroupStorage >= 64 * WORKGROUP,
    plan: (s, traits) => plan(s, traits, slices),
    work: (s) => {
      // Adding up slices takes about as long as a step: of 20 images of 16x16 pixels and 32 channels, 4 slices took an
      // H200 17.8 us and 8 slices 21.8, of 8x8 pixels 22.1 and 18.3.
      const steps = ceilDivide(s.in4, slices) + Number(slices > 1);
      // 4 pixels, 9 taps, 4x4 channels; 16 pixels and 9 taps of 4 vectors.
      return { invocations: slices * tilesOf(s), operations: 576 * steps, loads: 4 * 52 * steps };
    },
  }));

/** Tiles of 2x2 pixels of 4 channels. */
function tilesOf(s: CorrelationShape): number {
  return s.batch * s.images * ceilDivide(s.outWidth, 2) * ceilDivide(s.outHeight, 2) * s.out4;
}

function plan(s: CorrelationShape, traits: DeviceTraits, slices: number): VariantCall {
  const groups = ceilDivide(slices * tilesOf(s), WORKGROUP);
  const grid = linearGrid(groups * WORKGROUP, traits, WORKGROUP);
  // Eight neighbours load filters of two vectors of output channels or fewer, each of which lies side by side.
  const inPlace = Math.min(8 / slices, s.out4) <= 2;
  return {
    kernel: "conv2d_3x3_slices",
    code: conv2d_3x3_slices,
    overrides: {
      ...commonSizes(s),
      TRANSPOSED: inPlace ? s.transposed : 0,
      SLICES: slices,
      tiles_x: ceilDivide(s.outWidth, 2),
      tiles_y: ceilDivide(s.outHeight, 2),
      groups_x: grid.overrides.groups_x,
    },
    workgroups: grid.workgroups,
    parts: 1,
    ...(inPlace ? {} : flipFilters(s, traits)),
  };
}
