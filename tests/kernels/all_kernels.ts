/**
 * All kernels by name, as they are embedded.
 *
 * @module
 */
import * as always from "../../kernels/mod.ts";
import * as graphics from "../../kernels/graphics/mod.ts";
import * as measured from "../../kernels/measured/mod.ts";
import * as processors from "../../kernels/processors/mod.ts";

/** WGSL by name. */
export const KERNELS: Readonly<Record<string, string>> = {
  ...always,
  ...graphics,
  ...measured,
  ...processors,
};
