/**
 * 3x3 convolution by Winograd's minimal filtering: fewer multiplications, tiles and filters shared by a workgroup.
 *
 * `F(2x2, 3x3)` has 16 multiplications of 36, `F(4x4, 3x3)` 36 of 144 (Lavin and Gray 2016, arXiv 1509.09308); the
 * transforms between take up some of that. For adapters whose invocations share what is loaded: the barriers cost a
 * processor more than the multiplications.
 *
 * @module
 */
import { conv2d_3x3_winograd_2x2, conv2d_3x3_winograd_4x4 } from "../../../kernels/measured/mod.ts";
import type { DeviceTraits, KernelVariant, VariantCall } from "../../ir/lowering.ts";
import { ceilDivide, linearGrid } from "../kernel_grid.ts";
import { commonSizes } from "./convolution_shape.ts";
import { type CorrelationShape, is3x3 } from "./correlation_shape.ts";
import { flipFilters } from "./flip_filters.ts";

/** A kernel, and what a workgroup of it computes. */
export interface WinogradKernel extends Pick<VariantCall, "kernel" | "code"> {
  /** Side of a tile of the result. */
  readonly side: number;
  /** Tiles of a workgroup. */
  readonly tiles: number;
  /** Vectors of output channels of a workgroup. */
  readonly out4: number;
  /** Invocations of a workgroup. */
  readonly workgroup: number;
  /** Bytes of workgroup memory. */
  readonly storage: number;
}

/** `kernels/measured/conv2d_3x3_winograd_2x2.wgsl` and `kernels/measured/conv2d_3x3_winograd_4x4.wgsl`. */
export const correlateWinograd: readonly KernelVariant<CorrelationShape>[] = /* @__PURE__ */ [
  /* @__PURE__ */ variant(1e-5, {
    kernel: "conv2d_3x3_winograd_2x2",
    code: conv2d_3x3_winograd_2x2,
    ...{ side: 2, tiles: 32, out4: 8, workgroup: 256, storage: 1024 * 16 },
  }),
  /* @__PURE__ */ variant(1e-5, {
    kernel: "conv2d_3x3_winograd_4x4",
    code: conv2d_3x3_winograd_4x4,
    ...{ side: 4, tiles: 8, out4: 4, workgroup: 144, storage: 864 * 16 },
  }),
];

function variant(tolerance: number, kernel: WinogradKernel): KernelVariant<CorrelationShape> {
  return {
    name: kernel.kernel,
    tolerance,
    fits: (s, { maxWorkgroupInvocations, maxWorkgroupStorage }) =>
      is3x3(s) && maxWorkgroupInvocations >= kernel.workgroup &&
      maxWorkgroupStorage >= kernel.storage,
    plan: (s, traits) => planWinograd(s, traits, kernel),
  };
}

/**
 * Lays a kernel out.
 *
 * @param s The shape
 * @param traits What is known of the adapter
 * @param kernel The kernel
 * @returns The kernel on the shape
 */
export function planWinograd(
  s: CorrelationShape,
  traits: DeviceTraits,
  { kernel, code, side, tiles, out4, workgroup }: WinogradKernel,
): VariantCall {
  const tilesX = ceilDivide(s.outWidth, side);
  const tilesY = ceilDivide(s.outHeight, side);
  const groups = s.batch * ceilDivide(s.out4, out4) * ceilDivide(s.images * tilesX * tilesY, tiles);
  const grid = linearGrid(groups * workgroup, traits, workgroup);
  return {
    kernel,
    code,
    overrides: {
      ...commonSizes(s),
      tiles_x: tilesX,
      tiles_y: tilesY,
      groups_x: grid.overrides.groups_x,
    },
    workgroups: grid.workgroups,
    parts: 1,
    ...flipFilters(s, traits),
  };
}
