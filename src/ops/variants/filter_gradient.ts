/**
 * The filter gradient of a convolution as kernels see it.
 *
 * @module
 */
import type { DeviceTraits } from "../../ir/lowering.ts";
import { CONVOLUTION_FIELDS } from "./convolution_shape.ts";
import { filterGradient3x3 } from "./filter_gradient_3x3.ts";
import { filterGradientAny } from "./filter_gradient_any.ts";
import { type FilterGradientShape, filterSize } from "./filter_gradient_shape.ts";
import type { KernelOperation } from "./kernel_variant.ts";
import { inParts } from "./split_variant.ts";

/** The kernels of the filter gradient that every adapter can run; one more is one file and one line. */
export const filterGradient: KernelOperation<FilterGradientShape> = {
  name: "filter gradient",
  fields: CONVOLUTION_FIELDS,
  variants: /* @__PURE__ */ [
    /* @__PURE__ */ inParts(filterGradientAny),
    /* @__PURE__ */ inParts(filterGradient3x3),
  ].flat(),
  rule,
  size: (s) => filterSize(s),
};

function rule(s: FilterGradientShape, traits: DeviceTraits): string {
  return filterGradient3x3.fits(s, traits) ? filterGradient3x3.name : filterGradientAny.name;
}
