import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { type Axes, resolveAxes } from "./axes.ts";

/** Options of reductions. */
export interface ReduceOptions {
  /** The axes that are reduced; all of them unless told. */
  readonly axes?: Axes;
  /** Whether the reduced axes stay with extent 1. */
  readonly keepAxes?: boolean;
}

/** Options of {@linkcode variance}. */
export interface VarianceOptions extends ReduceOptions {
  /** Subtracted from the count: 0 (default) divides by `n`, 1 by `n - 1`. */
  readonly correction?: number;
}

function reduce(
  attempt: string,
  x: Tensor,
  { axes, keepAxes }: ReduceOptions,
  run: (x: Tensor, axes: readonly number[]) => Tensor,
): Tensor {
  const resolved = resolveAxes(attempt, x, axes);
  const result = run(x, resolved);
  if (!keepAxes) return result;
  return ops.reshape(result, x.shape.map((extent, k) => resolved.includes(k) ? 1 : extent));
}

function countOf(x: Tensor, axes: readonly number[]): number {
  return axes.reduce((count, axis) => count * x.shape[axis]!, 1);
}

function isInteger({ dtype }: Tensor): boolean {
  return dtype === "i32" || dtype === "u32";
}

/** Joins elements along axes by pairs, as often as there are halves: exact for integers. */
function fold(
  x: Tensor,
  axes: readonly number[],
  join: (a: Tensor, b: Tensor) => Tensor,
  neutral: number,
): Tensor {
  const kept = keptAxes(x, axes);
  const shape = kept.map((axis) => x.shape[axis]!);
  let rest = ops.reshape(ops.permute(x, [...kept, ...axes]), [...shape, countOf(x, axes)]);
  const part = (start: number, count: number): Tensor =>
    ops.slice(rest, { start: [...shape.map(() => 0), start], shape: [...shape, count] });
  for (let count = rest.shape.at(-1)!; count > 1; count = rest.shape.at(-1)!) {
    const half = Math.floor(count / 2);
    const joined = join(part(0, half), part(half, half));
    rest = count % 2 === 0 ? joined : ops.concat([joined, part(count - 1, 1)], kept.length);
  }
  return rest.shape.at(-1) === 0 ? ops.fill(neutral, shape, x.dtype) : ops.reshape(rest, shape);
}

/**
 * Adds up along axes.
 *
 * @param x The tensor (`f32` or integers).
 * @param options The axes, and whether they stay with extent 1.
 * @returns The sums; those of integers wrap around.
 * @throws {RangeError} If `x` has no such axis.
 *
 * @example
 * ```ts
 * import { constant, sum, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(sum(constant([[1, 2], [3, 4]]), { axes: -1 })), [3, 7]);
 * ```
 */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  requireCall("sum", arguments, 1, 2);
  requireOptions("sum", options, { axes: true, keepAxes: true });
  return reduce(
    "sum",
    x,
    options,
    (tensor, axes) => isInteger(tensor) ? fold(tensor, axes, ops.add, 0) : ops.sum(tensor, axes),
  );
}

/**
 * Multiplies along axes, by pairs; the derivative is right where elements are 0.
 *
 * @param x The tensor (`f32` or integers).
 * @param options The axes, and whether they stay with extent 1.
 * @returns The products; 1 where there is nothing to multiply.
 * @throws {RangeError} If `x` has no such axis.
 *
 * @example
 * ```ts
 * import { constant, prod, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(prod(constant([[1, 2], [3, 4]]), { axes: 1 })), [2, 12]);
 * ```
 */
export function prod(x: Tensor, options: ReduceOptions = {}): Tensor {
  requireCall("prod", arguments, 1, 2);
  requireOptions("prod", options, { axes: true, keepAxes: true });
  return reduce("multiply", x, options, (tensor, axes) => fold(tensor, axes, ops.mul, 1));
}

/**
 * Averages along axes.
 *
 * @param x The tensor (`f32`).
 * @param options The axes, and whether they stay with extent 1.
 * @returns The means.
 * @throws {RangeError} If `x` has no such axis.
 *
 * @example
 * ```ts
 * import { constant, mean, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(mean(constant([1, 2, 6]))), [3]);
 * ```
 */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  requireCall("mean", arguments, 1, 2);
  requireOptions("mean", options, { axes: true, keepAxes: true });
  return reduce("take the mean", x, options, (tensor, axes) => {
    const total = ops.sum(tensor, axes);
    return ops.mul(total, ops.like(total, 1 / countOf(tensor, axes)));
  });
}

/**
 * Variance along axes: the mean squared distance from the mean.
 *
 * @param x The tensor (`f32`).
 * @param options The axes, whether they stay, and the correction of the count.
 * @returns The variances.
 * @throws {RangeError} If `x` has no such axis, or fewer elements than the correction needs.
 *
 * @example
 * ```ts
 * import { constant, valuesOf, variance } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(variance(constant([1, 3]))), [1]);
 * assertEquals(valuesOf(variance(constant([1, 3]), { correction: 1 })), [2]);
 * ```
 */
export function variance(x: Tensor, options: VarianceOptions = {}): Tensor {
  requireCall("variance", arguments, 1, 2);
  requireOptions("variance", options, { axes: true, keepAxes: true, correction: true });
  const { correction = 0 } = options;
  return reduce("take the variance", x, options, (tensor, axes) => {
    const count = countOf(tensor, axes);
    if (count - correction <= 0) {
      throw new RangeError(
        `Cannot take the variance of ${count} elements: expected more than the correction ` +
          `${correction}.`,
      );
    }
    const centre = ops.broadcast(mean(tensor, { axes }), tensor.shape, keptAxes(tensor, axes));
    const distance = ops.sub(tensor, centre);
    const total = ops.sum(ops.mul(distance, distance), axes);
    return ops.mul(total, ops.like(total, 1 / (count - correction)));
  });
}

/** A reduction that has no value where there is nothing to choose from. */
function choose(
  attempt: string,
  x: Tensor,
  options: ReduceOptions,
  apply: (x: Tensor, axes: readonly number[]) => Tensor,
): Tensor {
  return reduce(attempt, x, options, (tensor, axes) => {
    if (countOf(tensor, axes) === 0) {
      throw new RangeError(
        `Cannot ${attempt} of ${formatAval(tensor)} along axes [${axes}]: found an extent of 0, ` +
          `expected at least one element to choose from.`,
      );
    }
    return apply(tensor, axes);
  });
}

function keptAxes(x: Tensor, axes: readonly number[]): number[] {
  return x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
}

/**
 * Largest element along axes; the derivative goes to the first of the largest, or to the first NaN.
 *
 * @param x The tensor (`f32` or integers).
 * @param options The axes, and whether they stay with extent 1.
 * @returns The largest elements, NaN where one is.
 * @throws {RangeError} If `x` has no such axis, or an axis has no elements.
 *
 * @example
 * ```ts
 * import { constant, max, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(max(constant([[1, 5], [4, 3]]), { axes: 1 })), [5, 4]);
 * ```
 */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  requireCall("max", arguments, 1, 2);
  requireOptions("max", options, { axes: true, keepAxes: true });
  return choose(
    "take the maximum",
    x,
    options,
    (tensor, axes) =>
      isInteger(tensor) ? fold(tensor, axes, ops.maximum, 0) : ops.reduceMax(tensor, axes),
  );
}

/**
 * Smallest element along axes; the derivative goes to the first of the smallest, or to the first NaN.
 *
 * @param x The tensor (`f32` or integers).
 * @param options The axes, and whether they stay with extent 1.
 * @returns The smallest elements, NaN where one is.
 * @throws {RangeError} If `x` has no such axis, or an axis has no elements.
 *
 * @example
 * ```ts
 * import { constant, min, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(min(constant([[1, 5], [4, 3]]), { axes: 1 })), [1, 3]);
 * ```
 */
export function min(x: Tensor, options: ReduceOptions = {}): Tensor {
  requireCall("min", arguments, 1, 2);
  requireOptions("min", options, { axes: true, keepAxes: true });
  return choose(
    "take the minimum",
    x,
    options,
    (tensor, axes) =>
      isInteger(tensor)
        ? fold(tensor, axes, ops.minimum, 0)
        : ops.neg(ops.reduceMax(ops.neg(tensor), axes)),
  );
}

/**
 * Position of the first largest element along axes, or of the first NaN where there is one.
 *
 * @param x The tensor (`f32` or integers).
 * @param options The axes, and whether they stay with extent 1.
 * @returns Row-major positions within the axes, as `i32`.
 * @throws {RangeError} If `x` has no such axis, or an axis has no elements.
 *
 * @example
 * ```ts
 * import { argMax, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(argMax(constant([[1, 5], [4, 3]]), { axes: -1 })), [1, 0]);
 * ```
 */
export function argMax(x: Tensor, options: ReduceOptions = {}): Tensor {
  requireCall("argMax", arguments, 1, 2);
  requireOptions("argMax", options, { axes: true, keepAxes: true });
  return choose(
    "find the largest element",
    x,
    options,
    (tensor, axes) => isInteger(tensor) ? integerArgMax(tensor, axes) : ops.argMax(tensor, axes),
  );
}

/** The least position at which the largest integer stands. */
function integerArgMax(x: Tensor, axes: readonly number[]): Tensor {
  const largest = ops.broadcast(fold(x, axes, ops.maximum, 0), x.shape, keptAxes(x, axes));
  const position = ops.iota(x.shape, axes);
  const nowhere = ops.like(position, 2 ** 31 - 1);
  return fold(ops.select(ops.equal(x, largest), position, nowhere), axes, ops.minimum, 0);
}
