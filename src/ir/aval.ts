/**
 * Abstract values: what is known of a tensor before any number is computed.
 *
 * @module
 */
import { describe } from "./describe.ts";

/** Element types. On a device each takes four bytes; `bool` is stored as `u32` 0 or 1. */
export type DType = "f32" | "i32" | "u32" | "bool";

/** Extents of the axes, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Shape and element type of a tensor. */
export interface Aval {
  /** Extents of the axes, outermost first. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;
}

/** Whether something is a list of extents that are whole numbers from 0. */
export function isShape(shape: Shape): boolean {
  return Array.isArray(shape) &&
    shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
}

/** What each element type holds, in words, and whether it holds a number. */
const RANGES: Readonly<Record<DType, readonly [string, (value: number) => boolean]>> = {
  f32: [
    "a number up to 3.4e38 or an infinity",
    (value) => !Number.isFinite(value) || Number.isFinite(Math.fround(value)),
  ],
  i32: ["a whole number from -2^31 to 2^31 - 1", (value) => value === (value | 0)],
  u32: ["a whole number from 0 to 2^32 - 1", (value) => value === (value >>> 0)],
  bool: ["0 or 1", (value) => value === 0 || value === 1],
};

/**
 * Says which number an element type does not hold.
 *
 * @param values The numbers.
 * @param dtype The element type; `f32` holds NaN and infinities, and rounds.
 * @returns What was found and expected, or `null` if it holds all of them.
 */
export function misfit(values: ArrayLike<number>, dtype: DType): string | null {
  const wrong = noDType(dtype);
  if (wrong !== null) return wrong;
  const [words, holds] = RANGES[dtype];
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    if (typeof value === "number" && holds(value)) continue;
    return `found ${describe(value)} at position ${at}, expected ${words}`;
  }
  return null;
}

/** What other libraries call element types. */
const CALLED: Readonly<Record<string, DType>> = {
  ...{ float32: "f32", float: "f32", float64: "f32", number: "f32" },
  ...{ int32: "i32", int: "i32", uint32: "u32", uint: "u32", boolean: "bool" },
};

/**
 * Says what is wrong with an element type.
 *
 * @param dtype What was given for one.
 * @returns What was found and expected, or `null` if it is one.
 */
export function noDType(dtype: unknown): string | null {
  if (Object.hasOwn(RANGES, dtype as string)) return null;
  const meant = typeof dtype === "string" ? CALLED[dtype.toLowerCase()] : undefined;
  return `found the element type '${dtype}', expected 'f32', 'i32', 'u32' or 'bool'` +
    (meant === undefined ? "" : `; '${meant}' is meant`);
}

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Whether two shapes have the same extents. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** Whether two abstract values have the same shape and element type. */
export function sameAval(a: Aval, b: Aval): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

/**
 * Writes an abstract value as `f32[2, 3]`.
 *
 * @example
 * ```ts
 * import { formatAval } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatAval({ shape: [2, 3], dtype: "f32" }), "f32[2, 3]");
 * ```
 */
export function formatAval(aval: Aval): string {
  if (aval?.dtype === undefined) return describe(aval);
  const { shape, dtype } = aval;
  return `${dtype}[${Array.isArray(shape) ? shape.join(", ") : `shape ${shape}`}]`;
}

/** Row-major strides of a shape, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}
