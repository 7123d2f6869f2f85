import { type Aval, type DType, type Shape, sizeOf } from "../ir/aval.ts";
import { flattenNumbers, type NestedNumbers } from "../ir/nested_numbers.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { equal as rawEqual } from "../ops/compare.ts";
import { convert as rawConvert } from "../ops/convert.ts";
import { fill, iota } from "../ops/fill.ts";
import { literal } from "../ops/source.ts";

export type { NestedNumbers };

/**
 * Makes a tensor of numbers that are known while a program is traced.
 *
 * @param values A number, nested arrays, or a typed array (one axis unless `shape` is given).
 * @param options Shape (default: that of the nesting) and element type (default: `f32`).
 * @returns A tensor that holds the values.
 * @throws {TypeError} If nested arrays differ in length or the values do not fill the shape.
 *
 * @example
 * ```ts
 * import { constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const x = constant([[1, 2], [3, 4]]);
 * assertEquals(x.shape, [2, 2]);
 * assertEquals(valuesOf(x), [1, 2, 3, 4]);
 * ```
 */
export function constant(
  values: NestedNumbers | ArrayLike<number>,
  options: { readonly shape?: Shape; readonly dtype?: DType } = {},
): Tensor {
  requireCall("constant", arguments, 1, 2);
  requireOptions("constant", options, { shape: true, dtype: true });
  requireOptions("constant", options, { shape: true, dtype: true });
  const { numbers, shape } = flattenNumbers("make a constant", values);
  const wanted = options.shape ?? shape;
  if (!Array.isArray(wanted) || sizeOf(wanted) !== numbers.length) {
    throw new TypeError(
      `Cannot make a constant of shape [${wanted}]: found ${numbers.length} values, ` +
        `expected ${sizeOf(wanted)}.`,
    );
  }
  return literal(numbers, wanted, options.dtype ?? "f32");
}

/**
 * Makes a tensor whose elements are all equal.
 *
 * @param shape Its shape.
 * @param options The value (default 0) and the element type (default `f32`).
 * @returns A tensor of the given shape.
 *
 * @example
 * ```ts
 * import { full, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(full([2], { value: 7 })), [7, 7]);
 * ```
 */
export function full(
  shape: Shape,
  options: { readonly value?: number; readonly dtype?: DType } = {},
): Tensor {
  requireCall("full", arguments, 1, 2);
  requireOptions("full", options, { value: true, dtype: true });
  return fill(options.value ?? 0, shape, options.dtype ?? "f32");
}

/**
 * Makes a tensor of zeros.
 *
 * @param shape Its shape.
 * @param dtype Its element type.
 * @returns A tensor of the given shape.
 *
 * @example
 * ```ts
 * import { valuesOf, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(zeros([3])), [0, 0, 0]);
 * ```
 */
export function zeros(shape: Shape, dtype: DType = "f32"): Tensor {
  requireCall("zeros", arguments, 1, 2);
  return fill(0, shape, dtype);
}

/**
 * Makes a tensor of ones.
 *
 * @param shape Its shape.
 * @param dtype Its element type.
 * @returns A tensor of the given shape.
 *
 * @example
 * ```ts
 * import { ones, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(ones([3])), [1, 1, 1]);
 * ```
 */
export function ones(shape: Shape, dtype: DType = "f32"): Tensor {
  requireCall("ones", arguments, 1, 2);
  return fill(1, shape, dtype);
}

/**
 * Makes zeros of the shape and element type of another tensor.
 *
 * @param x The tensor, or its shape and type.
 * @returns A tensor of zeros.
 *
 * @example
 * ```ts
 * import { ones, valuesOf, zerosLike } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(zerosLike(ones([2]))), [0, 0]);
 * ```
 */
export function zerosLike(x: Aval): Tensor {
  requireCall("zerosLike", arguments, 1);
  return fill(0, x.shape, x.dtype);
}

/**
 * Makes ones of the shape and element type of another tensor.
 *
 * @param x The tensor, or its shape and type.
 * @returns A tensor of ones.
 *
 * @example
 * ```ts
 * import { onesLike, valuesOf, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(onesLike(zeros([2]))), [1, 1]);
 * ```
 */
export function onesLike(x: Aval): Tensor {
  requireCall("onesLike", arguments, 1);
  return fill(1, x.shape, x.dtype);
}

/**
 * Counts 0, 1, 2, ...
 *
 * @param count How many numbers.
 * @param dtype Element type; `i32` unless told.
 * @returns The numbers `[count]`.
 *
 * @example
 * ```ts
 * import { range, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(range(4)), [0, 1, 2, 3]);
 * ```
 */
export function range(count: number, dtype: DType = "i32"): Tensor {
  requireCall("range", arguments, 1, 2);
  return iota([count], [0], dtype);
}

/**
 * Makes an identity matrix.
 *
 * @param size Rows and columns.
 * @param dtype Element type; `bool` makes a mask of the diagonal.
 * @returns The matrix `[size, size]`.
 *
 * @example
 * ```ts
 * import { eye, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(eye(2)), [1, 0, 0, 1]);
 * ```
 */
export function eye(size: number, dtype: DType = "f32"): Tensor {
  requireCall("eye", arguments, 1, 2);
  const shape = [size, size];
  return rawConvert(rawEqual(iota(shape, [0]), iota(shape, [1])), dtype);
}
