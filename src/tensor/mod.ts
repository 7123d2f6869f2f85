/**
 * Functions of tensors, with broadcasting, negative axes and numbers as operands.
 *
 * @module
 */
export * from "./activations.ts";
export * from "./arithmetic.ts";
export * from "./arrange.ts";
export * from "./attention.ts";
export type { Axes } from "./axes.ts";
export * from "./compare.ts";
export * from "./conv2d.ts";
export * from "./conv_transpose2d.ts";
export * from "./conv_transpose2d.ts";
export * from "./create.ts";
export * from "./cumulative.ts";
export * from "./diagonal.ts";
export * from "./einsum.ts";
export * from "./hyperbolic.ts";
export * from "./image.ts";
export * from "./join.ts";
export * from "./linear_algebra.ts";
export * from "./matmul.ts";
export { broadcastTo, type Operand } from "./operand.ts";
export * from "./non_finite.ts";
export { pad, type PadMode, type PadOptions, type PadWidths } from "./pad.ts";
export * from "./pool.ts";
export * from "./reduce.ts";
export * from "./resize.ts";
export * from "./rounding.ts";
export * from "./scatter.ts";
export * from "./shape.ts";
export * from "./slice.ts";
export * from "./softmax.ts";
export * from "./sort.ts";
export * from "./standardize.ts";
export { take, takeAlong, takeAt, takeRows } from "./take.ts";
export * from "./trigonometry.ts";
export * from "./unary.ts";
export * from "./values_of.ts";
export type { Padding, Sides, Size } from "./windows.ts";
