/**
 * Arrays on the host.
 *
 * @module
 */
import { type Aval, formatAval, isShape, misfit, noDType, sizeOf } from "./aval.ts";
import { describe } from "./describe.ts";
import { flattenNumbers, type NestedNumbers } from "./nested_numbers.ts";
import { requireCall } from "./options.ts";

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
 * @param values Row-major numbers, nested arrays of them, or one number.
 * @param shape Extents of the axes; default: those of the nesting, one axis for a plain list.
 * @param dtype Element type; default `f32`.
 * @returns The array; the numbers are copied unless they already have the right storage.
 * @throws {TypeError} If the values are no numbers, nested arrays are ragged, or there is no such type.
 * @throws {RangeError} If the shape is none, the number of values does not fit it, or the element
 *   type does not hold one of them: fractions and labels of 2^32 are not cut short.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hostArray } from "@mutasesumele/toolkit";
 *
 * assertEquals(hostArray([1, 2, 3, 4], [2, 2]).data, new Float32Array([1, 2, 3, 4]));
 * assertEquals(hostArray([[1, 2], [3, 4]]), hostArray([1, 2, 3, 4], [2, 2]));
 * ```
 */
export function hostArray(
  values: NestedNumbers | ArrayLike<number>,
  shape?: readonly number[],
  dtype: Aval["dtype"] = "f32",
): HostArray {
  requireCall("hostArray", arguments, 1, 3);
  const wrongType = noDType(dtype);
  if (wrongType !== null) throw new TypeError(`Cannot make a host array: ${wrongType}.`);
  const flat = flattenNumbers("make a host array", values);
  const { numbers } = flat;
  const wanted = shape ?? flat.shape;
  const aval = { shape: wanted, dtype };
  if (!isShape(wanted)) {
    const found = Array.isArray(wanted) ? formatAval(aval) : `the shape ${describe(wanted)}`;
    throw new RangeError(
      `Cannot make a host array: found ${found}, expected an array of extents that are whole numbers ` +
        `from 0. The order is hostArray(values, shape, dtype).`,
    );
  }
  if (numbers.length !== sizeOf(wanted)) {
    throw new RangeError(
      `Cannot make ${formatAval(aval)}: found ${numbers.length} values, expected ${
        sizeOf(wanted)
      }.`,
    );
  }
  if (dtype !== "bool" && isStorage(numbers, dtype)) return { shape: wanted, dtype, data: numbers };
  const wrong = misfit(numbers, dtype);
  if (wrong) throw new RangeError(`Cannot make ${formatAval(aval)}: ${wrong}.`);
  return { shape: wanted, dtype, data: hostData(numbers, dtype) };
}

/** What stores the elements of each type on the host. */
const STORAGES = {
  f32: Float32Array,
  i32: Int32Array,
  u32: Uint32Array,
  bool: Uint8Array,
} as const;

/** Whether numbers have the host storage of an element type. */
export function isStorage(numbers: unknown, dtype: Aval["dtype"]): numbers is HostData {
  return numbers instanceof STORAGES[dtype];
}

/** Numbers in the host storage of an element type. */
export function hostData(values: ArrayLike<number>, dtype: Aval["dtype"]): HostData {
  return isStorage(values, dtype) ? values : STORAGES[dtype].from(values);
}
