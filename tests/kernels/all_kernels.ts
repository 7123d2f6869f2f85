/**
 * All kernels by name, as they are embedded.
 *
 * @module
 */
import * as always from "../../kernels/mod.ts";
import * as lanes from "../../kernels/lanes/mod.ts";
import * as measured from "../../kernels/measured/mod.ts";

/** WGSL by name. */
export const KERNELS: Readonly<Record<string, string>> = { ...always, ...lanes, ...measured };
