/**
 * The filter gradient of a convolution as kernels see it.
 *
 * @module
 */
import { CONVOLUTION_FIELDS } from "./convolution_shape.ts";
import { filterGradientAny } from "./filter_gradient_any.ts";
import { type FilterGradientShape, filterSize } from "./filter_gradient_shape.ts";
import type { KernelOperation } from "./kernel_variant.ts";
import { inParts } from "./split_variant.ts";

/** The kernels of the filter gradient that every adapter can run; one more is one file and one line. */
export const filterGradient: KernelOperation<FilterGradientShape> = {
  name: "filter gradient",
  fields: CONVOLUTION_FIELDS,
  variants: /* @__PURE__ */ inParts(filterGradientAny),
  rule: () => filterGradientAny.name,
  size: (s) => filterSize(s),
};
