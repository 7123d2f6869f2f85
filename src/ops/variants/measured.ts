/**
 * Kernels that no rule takes: whether an adapter gains by them is measured (`deno task profile TARGET --kernels`). Only
 * who measures loads them, and whose table names one.
 *
 * They multiply less and add more, by Winograd's minimal filtering: there what is not finite makes the whole tile so that reads it,
 * up to four pixels away, where the other kernels keep it to the pixels under the filter. One of these has pixels and filters of
 * half precision, for those who open their engine with `halfPrecision`.
 *
 * @module
 */
import type { KernelSet } from "../../ir/lowering.ts";
import { correlateHalf } from "./correlate_half.ts";
import { correlateWinograd } from "./correlate_winograd.ts";
import { filterGradientWinograd } from "./filter_gradient_winograd.ts";
import { inParts } from "./split_variant.ts";

/** All of them; one more is one file and one line. */
export const measured: KernelSet = {
  name: "measured",
  operations: {
    "convolution": { variants: [...correlateWinograd, correlateHalf] },
    "filter gradient": { variants: inParts(filterGradientWinograd) },
  },
};
