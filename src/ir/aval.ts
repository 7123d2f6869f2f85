/**
 * Abstract values: what is known of a tensor before any number is computed.
 *
 * @module
 */

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

/** Whether every extent is a whole number from 0. */
export function isShape(shape: Shape): boolean {
  return shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
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
  const [words, holds] = RANGES[dtype];
  for (let at = 0; at < values.length; at++) {
    if (!holds(values[at]!)) return `found ${values[at]} at position ${at}, expected ${words}`;
  }
  return null;
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

/** Writes an abstract value as `f32[2, 3]`. */
export function formatAval(aval: Aval): string {
  return `${aval.dtype}[${aval.shape.join(", ")}]`;
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
