import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { resolveAxis } from "./axes.ts";
import { pad } from "./pad.ts";

/** Options of {@linkcode cumSum} and {@linkcode cumProd}. */
export interface CumulativeOptions {
  /** The axis along which is gone; 0 unless told. */
  readonly axis?: number;
  /** Whether to begin at the end; false unless told. */
  readonly reverse?: boolean;
  /** Whether each element is left out of its own result; false unless told. */
  readonly exclusive?: boolean;
}

/**
 * Sums of all elements up to each one, along an axis.
 *
 * Each of `log2(extent)` steps adds what stands twice as far away (Hillis and Steele, 1986): sums of long axes
 * are pairwise, which keeps their rounding errors small.
 *
 * @param x The tensor (`f32` or integers).
 * @param options The axis (default 0), the direction, and whether each element counts for itself.
 * @returns A tensor of the shape of `x`.
 * @throws {RangeError} If `x` has no such axis.
 *
 * @example
 * ```ts
 * import { constant, cumSum, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const x = constant([1, 2, 3]);
 * assertEquals(valuesOf(cumSum(x)), [1, 3, 6]);
 * assertEquals(valuesOf(cumSum(x, { exclusive: true })), [0, 1, 3]);
 * assertEquals(valuesOf(cumSum(x, { reverse: true })), [6, 5, 3]);
 * ```
 */
export function cumSum(x: Tensor, options: CumulativeOptions = {}): Tensor {
  requireCall("cumSum", arguments, 1, 2);
  requireOptions("cumSum", options, { axis: true, reverse: true, exclusive: true });
  return scan("sum up", x, options, { neutral: 0, join: ops.add });
}

/**
 * Products of all elements up to each one, along an axis; the derivative is right where elements are 0.
 *
 * @param x The tensor (`f32` or integers).
 * @param options The axis (default 0), the direction, and whether each element counts for itself.
 * @returns A tensor of the shape of `x`.
 * @throws {RangeError} If `x` has no such axis.
 *
 * @example
 * ```ts
 * import { constant, cumProd, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(cumProd(constant([1, 2, 3, 4]))), [1, 2, 6, 24]);
 * ```
 */
export function cumProd(x: Tensor, options: CumulativeOptions = {}): Tensor {
  requireCall("cumProd", arguments, 1, 2);
  requireOptions("cumProd", options, { axis: true, reverse: true, exclusive: true });
  return scan("multiply up", x, options, { neutral: 1, join: ops.mul });
}

interface Monoid {
  readonly neutral: number;
  readonly join: (earlier: Tensor, later: Tensor) => Tensor;
}

function scan(
  attempt: string,
  x: Tensor,
  { axis: given = 0, reverse = false, exclusive = false }: CumulativeOptions,
  { neutral, join }: Monoid,
): Tensor {
  const axis = resolveAxis(attempt, x, given);
  const extent = x.shape[axis]!;
  /** What stands `distance` elements before each element. */
  const shifted = (tensor: Tensor, distance: number): Tensor => {
    const kept = ops.slice(tensor, {
      start: x.shape.map((_, k) => k === axis && reverse ? distance : 0),
      shape: x.shape.map((size, k) => k === axis ? size - distance : size),
    });
    const widths = x.shape.map((_, k): [number, number] =>
      k !== axis ? [0, 0] : reverse ? [0, distance] : [distance, 0]
    );
    return pad(kept, widths, { value: neutral });
  };
  let total = exclusive && extent > 0 ? shifted(x, 1) : x;
  for (let distance = 1; distance < extent; distance *= 2) {
    total = join(shifted(total, distance), total);
  }
  return total;
}
