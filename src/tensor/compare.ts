import { formatAval } from "../ir/aval.ts";
import { requireCall } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import {
  broadcastOperands,
  broadcastShapes,
  broadcastTo,
  formatOperand,
  type Operand,
} from "./operand.ts";

/**
 * Compares elementwise, with broadcasting: `a == b`.
 *
 * @param a Left operand.
 * @param b Right operand.
 * @returns Where `a == b` holds, as `bool`.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, equal, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(equal(constant([1, 2, 3]), 2)), [0, 1, 0]);
 * ```
 */
export function equal(a: Operand, b: Operand): Tensor {
  requireCall("equal", arguments, 2);
  const [x, y] = broadcastOperands("compare", [a, b]);
  return ops.equal(x!, y!);
}

/**
 * Compares elementwise, with broadcasting: `a < b`.
 *
 * @param a Left operand.
 * @param b Right operand.
 * @returns Where `a < b` holds, as `bool`.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, less, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(less(constant([1, 2, 3]), 2)), [1, 0, 0]);
 * ```
 */
export function less(a: Operand, b: Operand): Tensor {
  requireCall("less", arguments, 2);
  const [x, y] = broadcastOperands("compare", [a, b]);
  return ops.less(x!, y!);
}

/**
 * Compares elementwise, with broadcasting: `a <= b`.
 *
 * @param a Left operand.
 * @param b Right operand.
 * @returns Where `a <= b` holds, as `bool`.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, lessEqual, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(lessEqual(constant([1, 2, 3]), 2)), [1, 1, 0]);
 * ```
 */
export function lessEqual(a: Operand, b: Operand): Tensor {
  requireCall("lessEqual", arguments, 2);
  const [x, y] = broadcastOperands("compare", [a, b]);
  return ops.lessEqual(x!, y!);
}

/**
 * Compares elementwise, with broadcasting: `a > b`.
 *
 * @param a Left operand.
 * @param b Right operand.
 * @returns Where `a > b` holds, as `bool`.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, greater, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(greater(constant([1, 2, 3]), 2)), [0, 0, 1]);
 * ```
 */
export function greater(a: Operand, b: Operand): Tensor {
  requireCall("greater", arguments, 2);
  const [x, y] = broadcastOperands("compare", [a, b]);
  return ops.greater(x!, y!);
}

/**
 * Compares elementwise, with broadcasting: `a >= b`.
 *
 * @param a Left operand.
 * @param b Right operand.
 * @returns Where `a >= b` holds, as `bool`.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, greaterEqual, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(greaterEqual(constant([1, 2, 3]), 2)), [0, 1, 1]);
 * ```
 */
export function greaterEqual(a: Operand, b: Operand): Tensor {
  requireCall("greaterEqual", arguments, 2);
  const [x, y] = broadcastOperands("compare", [a, b]);
  return ops.greaterEqual(x!, y!);
}

/**
 * Compares elementwise, with broadcasting: `a != b`.
 *
 * @param a Left operand.
 * @param b Right operand.
 * @returns Where `a != b` holds, as `bool`.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, notEqual, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(notEqual(constant([1, 2, 3]), 2)), [1, 0, 1]);
 * ```
 */
export function notEqual(a: Operand, b: Operand): Tensor {
  requireCall("notEqual", arguments, 2);
  const [x, y] = broadcastOperands("compare", [a, b]);
  return ops.not(ops.equal(x!, y!));
}

/**
 * Combines truth values elementwise, with broadcasting.
 *
 * @param a Truth values (`bool`).
 * @param b Truth values (`bool`).
 * @returns Where both are true.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, logicalAnd, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(logicalAnd(constant([1, 1, 0], { dtype: "bool" }), constant([1, 0, 0], { dtype: "bool" }))), [1, 0, 0]);
 * ```
 */
export function logicalAnd(a: Operand, b: Operand): Tensor {
  requireCall("logicalAnd", arguments, 2);
  const [x, y] = broadcastOperands("combine", [a, b]);
  return ops.and(x!, y!);
}

/**
 * Combines truth values elementwise, with broadcasting.
 *
 * @param a Truth values (`bool`).
 * @param b Truth values (`bool`).
 * @returns Where at least one is true.
 * @throws {TypeError} If the element types differ or the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { constant, logicalOr, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(logicalOr(constant([1, 1, 0], { dtype: "bool" }), constant([1, 0, 0], { dtype: "bool" }))), [1, 1, 0]);
 * ```
 */
export function logicalOr(a: Operand, b: Operand): Tensor {
  requireCall("logicalOr", arguments, 2);
  const [x, y] = broadcastOperands("combine", [a, b]);
  return ops.or(x!, y!);
}

/**
 * Negates truth values.
 *
 * @param x Truth values (`bool`).
 * @returns Where `x` is false.
 *
 * @example
 * ```ts
 * import { constant, logicalNot, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(logicalNot(constant([1, 0], { dtype: "bool" }))), [0, 1]);
 * ```
 */
export function logicalNot(x: Tensor): Tensor {
  requireCall("logicalNot", arguments, 1);
  return ops.not(x);
}

/**
 * Chooses between two operands elementwise, with broadcasting.
 *
 * Both are computed everywhere; the derivative of the one that is not chosen is 0.
 *
 * @param condition Truth values (`bool`).
 * @param a Taken where the condition is true.
 * @param b Taken where it is false.
 * @returns A tensor of the common shape.
 * @throws {TypeError} If the condition is not `bool` or the operands do not fit.
 *
 * @example
 * ```ts
 * import { constant, greater, valuesOf, where } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const x = constant([-1, 2]);
 * assertEquals(valuesOf(where(greater(x, 0), x, 0)), [0, 2]);
 * ```
 */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  requireCall("where", arguments, 3);
  const attempt = "choose between";
  if (condition.dtype !== "bool") {
    throw new TypeError(
      `Cannot ${attempt} tensors by a condition ${formatAval(condition)}: expected bool. ` +
        `Compare it with something, for example notEqual(condition, 0).`,
    );
  }
  const [x, y] = broadcastOperands(attempt, [a, b]);
  const shape = broadcastShapes([condition.shape, x!.shape]);
  if (shape === null) {
    throw new TypeError(
      `Cannot ${attempt} ${formatOperand(a)} and ${formatOperand(b)} by ${
        formatAval(condition)
      }: the shapes do not broadcast.`,
    );
  }
  return ops.select(
    broadcastTo(condition, shape),
    broadcastTo(x!, shape),
    broadcastTo(y!, shape),
  );
}
