/**
 * 3x3 convolution by Winograd's `F(2x2, 3x3)` of pixels and filters that are rounded to float16, scaled so that none is
 * too large or too small for that: half as much workgroup memory and half as many of its loads.
 *
 * @module
 */
import { conv2d_3x3_half } from "../../../kernels/measured/mod.ts";
import type { KernelVariant } from "../../ir/lowering.ts";
import { type CorrelationShape, is3x3 } from "./correlation_shape.ts";
import { planWinograd } from "./correlate_winograd.ts";

/** Invocations of a workgroup. */
const WORKGROUP = 256;

/** Bytes of workgroup memory. */
const STORAGE = 1024 * 8 + 8 * 4;

/** `kernels/measured/conv2d_3x3_half.wgsl`. Adapters may round to float16 towards zero. */
export const correlateHalf: KernelVariant<CorrelationShape> = {
  name: "conv2d_3x3_half",
  tolerance: 4e-3,
  fits: (s, { halfPrecision, maxWorkgroupInvocations, maxWorkgroupStorage }) =>
    halfPrecision === true && is3x3(s) && maxWorkgroupInvocations >= WORKGROUP &&
    maxWorkgroupStorage >= STORAGE,
  plan: (s, traits) =>
    planWinograd(s, traits, {
      kernel: "conv2d_3x3_half",
      code: conv2d_3x3_half,
      ...{ side: 2, tiles: 32, out4: 8, workgroup: WORKGROUP, storage: STORAGE },
    }),
};
