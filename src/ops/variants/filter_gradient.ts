/**
 * The filter gradient of a convolution as kernels see it.
 *
 * @module
 */
import type { DeviceTraits } from "../../ir/lowering.ts";
import { LANES, usesLanes } from "../kernel_grid.ts";
import { CONVOLUTION_FIELDS } from "./convolution_shape.ts";
import { filterGradient3x3 } from "./filter_gradient_3x3.ts";
import { filterGradientAny } from "./filter_gradient_any.ts";
import { filterGradientLaneStrips } from "./filter_gradient_lane_strips.ts";
import { filterGradientLanes } from "./filter_gradient_lanes.ts";
import { type FilterGradientShape, filterSize } from "./filter_gradient_shape.ts";
import { inParts, type KernelOperation } from "./kernel_variant.ts";
import { divide, prefersStrips } from "./strips.ts";

/** All kernels of the filter gradient; one more is one file and one line. */
export const filterGradient: KernelOperation<FilterGradientShape> = {
  name: "filter gradient",
  fields: CONVOLUTION_FIELDS,
  variants: /* @__PURE__ */ [
    /* @__PURE__ */ inParts(filterGradientAny),
    /* @__PURE__ */ inParts(filterGradient3x3),
    /* @__PURE__ */ inParts(filterGradientLanes),
    /* @__PURE__ */ inParts(filterGradientLaneStrips),
  ].flat(),
  rule,
  size: (s) => filterSize(s),
};

function rule(s: FilterGradientShape, traits: DeviceTraits): string {
  if (!filterGradient3x3.fits(s, traits)) return filterGradientAny.name;
  if (!usesLanes(traits)) return filterGradient3x3.name;
  if (2 * s.out4 > LANES) return filterGradientLanes.name;
  // Of few channels a strip takes a third of the time for a pixel.
  const strips = divide(s.outHeight, s.outWidth);
  const pixels = s.outHeight * s.outWidth;
  return filterGradientLaneStrips.fits(s, traits) && prefersStrips(s, strips, 3 * pixels)
    ? filterGradientLaneStrips.name
    : filterGradient3x3.name;
}
