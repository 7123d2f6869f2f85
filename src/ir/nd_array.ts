/**
 * Plain arrays of the reference interpreter: row-major, `f32` held in float64.
 *
 * @module
 */
import { requireCall } from "./options.ts";
import { type Aval, type DType, formatAval, isShape, noDType, type Shape, sizeOf } from "./aval.ts";

/** Storage of the reference interpreter for each element type. */
export type NdData = Float64Array | Int32Array | Uint32Array | Uint8Array;

/** A row-major array on the host; `f32` elements are computed in float64. */
export interface NdArray extends Aval {
  /** The elements, row-major. */
  readonly data: NdData;
}

/** Allocates a zeroed array for the reference interpreter. */
export function zerosNd(shape: Shape, dtype: DType): NdArray {
  return { shape, dtype, data: allocate(dtype, sizeOf(shape)) };
}

/**
 * Wraps numbers (or a typed array, copied) as an array of the reference interpreter.
 *
 * @example
 * ```ts
 * import { ndArray } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { data } = ndArray({ shape: [2], dtype: "f32" }, [0.1, 0.2]);
 * assertEquals(data, Float64Array.of(0.1, 0.2));
 * ```
 */
export function ndArray(aval: Aval, values: ArrayLike<number>): NdArray {
  requireCall("ndArray", arguments, 2);
  if (!isShape(aval.shape) || noDType(aval.dtype) !== null) {
    throw new TypeError(
      `Cannot make an array: found ${formatAval(aval)}, expected { shape, dtype }.`,
    );
  }
  const size = sizeOf(aval.shape);
  if (values.length !== size) {
    throw new RangeError(
      `Cannot make ${formatAval(aval)}: found ${values.length} values, expected ${size}.`,
    );
  }
  const data = allocate(aval.dtype, size);
  data.set(values);
  return { shape: aval.shape, dtype: aval.dtype, data };
}

function allocate(dtype: DType, size: number): NdData {
  switch (dtype) {
    case "f32":
      return new Float64Array(size);
    case "i32":
      return new Int32Array(size);
    case "u32":
      return new Uint32Array(size);
    case "bool":
      return new Uint8Array(size);
  }
}

/**
 * Copies a strided view: element at multi-index `i` is `source.data[offset + sum(i * strides)]`.
 */
export function copyStrided(
  source: NdArray,
  shape: Shape,
  view: { readonly offset: number; readonly strides: readonly number[] },
): NdArray {
  const result = zerosNd(shape, source.dtype);
  const { data } = result;
  const inner = shape.length - 1;
  const length = shape[inner] ?? 1;
  const step = view.strides[inner] ?? 0;
  const counter = new Array<number>(shape.length).fill(0);
  let position = view.offset;
  for (let i = 0; i < data.length;) {
    for (let k = 0; k < length; k++) data[i++] = source.data[position + k * step]!;
    for (let axis = inner - 1; axis >= 0; axis--) {
      position += view.strides[axis]!;
      if (++counter[axis]! < shape[axis]!) break;
      position -= counter[axis]! * view.strides[axis]!;
      counter[axis] = 0;
    }
  }
  return result;
}
