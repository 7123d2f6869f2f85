import { requireCall } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { broadcastOperands, type Operand } from "./operand.ts";

/**
 * Arc tangent, elementwise.
 *
 * @param x The tensor (`f32`).
 * @returns Angles in radians, from -pi/2 to pi/2.
 *
 * @example
 * ```ts
 * import { atan, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(atan(constant([0]))).map((value) => value + 0), [0]);
 * ```
 */
export function atan(x: Tensor): Tensor {
  requireCall("atan", arguments, 1);
  return ops.atan(x);
}

/**
 * Arc sine, elementwise.
 *
 * @param x The tensor (`f32`).
 * @returns Angles in radians, from -pi/2 to pi/2; NaN where `|x| > 1`.
 *
 * @example
 * ```ts
 * import { asin, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(asin(constant([0]))).map((value) => value + 0), [0]);
 * ```
 */
export function asin(x: Tensor): Tensor {
  requireCall("asin", arguments, 1);
  return ops.asin(x);
}

/**
 * Arc cosine, elementwise.
 *
 * @param x The tensor (`f32`).
 * @returns Angles in radians, from 0 to pi; NaN where `|x| > 1`.
 *
 * @example
 * ```ts
 * import { acos, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(acos(constant([1]))).map((value) => value + 0), [0]);
 * ```
 */
export function acos(x: Tensor): Tensor {
  requireCall("acos", arguments, 1);
  return ops.acos(x);
}

/**
 * Tangent of angles in radians, elementwise.
 *
 * @param x The tensor (`f32`).
 * @returns `sin(x) / cos(x)`.
 *
 * @example
 * ```ts
 * import { constant, tan, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(tan(constant([0]))), [0]);
 * ```
 */
export function tan(x: Tensor): Tensor {
  requireCall("tan", arguments, 1);
  return ops.div(ops.sin(x), ops.cos(x));
}

/**
 * Angles of the points `(x, y)`, elementwise, with broadcasting.
 *
 * @param y Second coordinates.
 * @param x First coordinates.
 * @returns Angles in radians, from -pi to pi; their derivative at the origin is NaN.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { atan2, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(valuesOf(atan2(constant([1]), -1))[0]!, 3 * Math.PI / 4, 1e-6);
 * ```
 */
export function atan2(y: Operand, x: Operand): Tensor {
  requireCall("atan2", arguments, 2);
  const [b, a] = broadcastOperands("take the angle of", [y, x]);
  return ops.atan2(b!, a!);
}
