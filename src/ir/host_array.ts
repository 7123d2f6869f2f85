/**
 * Arrays on the host.
 *
 * @module
 */
import { type Aval, formatAval, isShape, misfit, sizeOf } from "./aval.ts";

/** Numbers on the host: `Float32Array` for `f32`, `Int32Array`, `Uint32Array`; 0 or 1 for `bool`. */
export type HostData = Float32Array | Int32Array | Uint32Array | Uint8Array;

/** An array on the host. */
export interface HostArray extends Aval {
  /** The elements, row-major. */
  readonly data: HostData;
}

/**
 * Wraps numbers as a host array.
 *
 * @param values Row-major numbers.
 * @param shape Extents of the axes; default: one axis.
 * @param dtype Element type; default `f32`.
 * @returns The array; the numbers are copied unless they already have the right storage.
 * @throws {RangeError} If the shape is none, the number of values does not fit it, or the element
 *   type does not hold one of them: fractions and labels of 2^32 are not cut short.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hostArray } from "@mutasesumele/toolkit";
 *
 * assertEquals(hostArray([1, 2, 3, 4], [2, 2]).data, new Float32Array([1, 2, 3, 4]));
 * ```
 */
export function hostArray(
  values: ArrayLike<number>,
  shape: readonly number[] = [values.length],
  dtype: Aval["dtype"] = "f32",
): HostArray {
  if (!isShape(shape)) {
    throw new RangeError(
      `Cannot make ${
        formatAval({ shape, dtype })
      }: expected extents that are whole numbers from 0.`,
    );
  }
  if (values.length !== sizeOf(shape)) {
    throw new RangeError(
      `Cannot make ${formatAval({ shape, dtype })}: found ${values.length} values, ` +
        `expected ${sizeOf(shape)}.`,
    );
  }
  const data = hostData(values, dtype);
  const wrong = data === values ? null : misfit(values, dtype);
  if (wrong) throw new RangeError(`Cannot make ${formatAval({ shape, dtype })}: ${wrong}.`);
  return { shape, dtype, data };
}

/** Numbers in the host storage of an element type. */
export function hostData(values: ArrayLike<number>, dtype: Aval["dtype"]): HostData {
  const Storage = dtype === "f32"
    ? Float32Array
    : dtype === "i32"
    ? Int32Array
    : dtype === "u32"
    ? Uint32Array
    : Uint8Array;
  return values instanceof Storage ? values : Storage.from(values);
}
