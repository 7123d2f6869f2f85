/**
 * Kernels that add up slices of the input channels: no rule takes them, but adapters with many invocations are measured
 * to be faster with them.
 *
 * @module
 */
import type { KernelSet } from "../../ir/lowering.ts";
import { correlateSlices } from "./correlate_slices.ts";

/** All kernels with slices. */
export const slices: KernelSet = {
  name: "slices",
  operations: { "convolution": { variants: correlateSlices } },
};
