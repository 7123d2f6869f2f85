/**
 * Flipped filters for kernels of a convolution that compute its input gradient too.
 *
 * With filters as they are, neighbouring output channels of that gradient lie a row of them apart: for 32 channels on an
 * H200, each load of neighbouring invocations met eight cache lines instead of one, and `conv2d_3x3_tiles` took 8.7
 * times as long as for the convolution itself. A dispatch takes some microseconds.
 *
 * @module
 */
import { flip_filters } from "../../../kernels/graphics/mod.ts";
import type { DeviceTraits, VariantCall } from "../../ir/lowering.ts";
import { ceilDivide, linearGrid } from "../kernel_grid.ts";
import type { CorrelationShape } from "./correlation_shape.ts";

/**
 * What makes the filters of an input gradient those of a convolution: `kernels/graphics/flip_filters.wgsl`.
 *
 * @param s The shape
 * @param traits What is known of the adapter
 * @returns What comes before the kernel of the convolution: nothing if the shape is not transposed
 */
export function flipFilters(
  { batch, in4, out4, kernelHeight, kernelWidth, transposed }: CorrelationShape,
  traits: DeviceTraits,
): Pick<VariantCall, "prepare"> {
  if (!transposed) return {};
  const taps = kernelHeight * kernelWidth;
  const grid = linearGrid(batch * taps * in4 * 4 * ceilDivide(out4, 4), traits);
  return {
    prepare: {
      kernel: "flip_filters",
      code: flip_filters,
      overrides: { batch, taps, in4, out4, ...grid.overrides },
      workgroups: grid.workgroups,
      elements: 16 * batch * taps * in4 * out4,
    },
  };
}
