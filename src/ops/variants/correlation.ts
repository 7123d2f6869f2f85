/**
 * The convolution of images with filters as kernels see it: forward, or the input gradient at stride 1.
 *
 * @module
 */
import type { DeviceTraits } from "../../ir/lowering.ts";
import { ceilDivide, LANES, usesLanes } from "../kernel_grid.ts";
import { correlateAny } from "./correlate_any.ts";
import { correlate3x3 } from "./correlate_3x3.ts";
import { correlateLaneChannels } from "./correlate_lane_channels.ts";
import { correlateLaneStrips } from "./correlate_lane_strips.ts";
import { correlateLaneTiles } from "./correlate_lane_tiles.ts";
import { correlateSlices } from "./correlate_slices.ts";
import { CONVOLUTION_FIELDS } from "./convolution_shape.ts";
import type { CorrelationShape } from "./correlation_shape.ts";
import type { KernelOperation } from "./kernel_variant.ts";
import { divide, prefersStrips } from "./strips.ts";

/** All kernels of the convolution; one more is one file and one line. */
export const correlation: KernelOperation<CorrelationShape> = {
  name: "convolution",
  fields: /* @__PURE__ */ [CONVOLUTION_FIELDS, "transposed"].flat(),
  variants: /* @__PURE__ */ [
    correlateAny,
    correlate3x3,
    correlateLaneChannels,
    correlateLaneTiles,
    correlateLaneStrips,
    correlateSlices,
  ].flat(),
  rule,
  size: (s) => 4 * s.batch * s.images * s.outHeight * s.outWidth * s.out4,
};

function rule(s: CorrelationShape, traits: DeviceTraits): string {
  if (!correlate3x3.fits(s, traits)) return correlateAny.name;
  if (!usesLanes(traits)) return correlate3x3.name;
  const few = ceilDivide(s.outWidth, 4) * ceilDivide(s.outHeight, 4);
  const many = 4 * ceilDivide(s.outWidth, 8) * ceilDivide(s.outHeight, 8);
  // Of few channels a strip takes half the time for a pixel.
  const strips = divide(s.outWidth, s.outHeight);
  if (correlateLaneStrips.fits(s, traits) && prefersStrips(s, strips, 2 * 16 * few)) {
    return correlateLaneStrips.name;
  }
  // Sharing pixels is half as fast again, but wastes parts of larger tiles and of 32 channels.
  const wide = 2 * many * fillUp(s.out4, LANES) <= 3 * few * fillUp(s.out4, 2);
  return wide ? correlateLaneChannels.name : correlateLaneTiles.name;
}

/** `count` rounded up to a multiple of `unit`. */
function fillUp(count: number, unit: number): number {
  return unit * ceilDivide(count, unit);
}
