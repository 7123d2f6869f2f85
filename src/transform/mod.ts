/** Transformations of tensor functions. @module */
export type { ArgumentOptions, Chosen, Positions } from "./arguments.ts";
export * from "./call.ts";
export * from "./custom_jvp.ts";
export * from "./hvp.ts";
export * from "./jacobian.ts";
export * from "./jvp.ts";
export * from "./trace.ts";
export * from "./vjp.ts";
export * from "./vmap.ts";
export type { VmapAxes } from "./vmap_axes.ts";
export * from "./simplify.ts";
export * from "./align_channels.ts";
export * from "./inline_calls.ts";
