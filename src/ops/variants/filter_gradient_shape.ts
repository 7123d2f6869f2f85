/**
 * Shapes of the filter gradient of a convolution as its kernels see it.
 *
 * @module
 */
import type { DeviceTraits } from "../../ir/lowering.ts";
import { chooseParts, linearGrid } from "../kernel_grid.ts";
import { commonSizes, type ConvolutionShape } from "./convolution_shape.ts";
import type { VariantCall } from "./kernel_variant.ts";

/** The filter gradient of images and cotangents: these have the sizes of the result. */
export type FilterGradientShape = ConvolutionShape;

/** Whether the filters are three columns wide and move by one. */
export function isRow3({ kernelWidth, strideY, strideX }: FilterGradientShape): boolean {
  return kernelWidth === 3 && strideY === 1 && strideX === 1;
}

/** Elements of the filters. */
export function filterSize(s: FilterGradientShape): number {
  return 16 * s.batch * s.kernelHeight * s.kernelWidth * s.in4 * s.out4;
}

/** A kernel of the filter gradient, the constants that only it has, and how it divides the work. */
export interface FilterGradientKernel extends Pick<VariantCall, "kernel" | "code" | "overrides"> {
  /** Invocations of one part. */
  readonly blocks: number;
  /** Loop iterations along one image row. */
  readonly columns: number;
  /** Invocations of a workgroup. */
  readonly workgroup: number;
}

/** Lays a kernel out over parts of the image rows, `share` times as many as usual. */
export function planFilterGradient(
  s: FilterGradientShape,
  { kernel, code, blocks, columns, workgroup, overrides }: FilterGradientKernel,
  { traits, share }: { readonly traits: DeviceTraits; readonly share: number },
): VariantCall {
  const rows = s.images * s.outHeight;
  const sum = { steps: rows, iterationsPerStep: columns + 1, blocks, size: filterSize(s) };
  const { parts, stepsPerPart } = chooseParts(sum, traits, share);
  const grid = linearGrid(blocks * parts, traits, workgroup);
  return {
    kernel,
    code,
    overrides: {
      ...commonSizes(s),
      kernel_y: s.kernelHeight,
      parts,
      part_rows: stepsPerPart,
      groups_x: grid.overrides.groups_x,
      ...overrides,
    },
    workgroups: grid.workgroups,
    parts,
  };
}
