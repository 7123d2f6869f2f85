/**
 * The convolution of images with filters as kernels see it: forward, or the input gradient at stride 1.
 *
 * @module
 */
import { correlateAny } from "./correlate_any.ts";
import { CONVOLUTION_FIELDS } from "./convolution_shape.ts";
import type { CorrelationShape } from "./correlation_shape.ts";
import type { KernelOperation } from "./kernel_variant.ts";

/** The kernels of the convolution that every adapter can run; one more is one file and one line. */
export const correlation: KernelOperation<CorrelationShape> = {
  name: "convolution",
  fields: /* @__PURE__ */ [CONVOLUTION_FIELDS, "transposed"].flat(),
  variants: [correlateAny],
  rule: () => correlateAny.name,
  size: (s) => 4 * s.batch * s.images * s.outHeight * s.outWidth * s.out4,
};
