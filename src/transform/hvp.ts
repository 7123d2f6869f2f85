/**
 * Hessian-vector products, forward over reverse.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import { jvp } from "./jvp.ts";
import { grad } from "./vjp.ts";

/**
 * Product of the Hessian of a scalar function with a direction: `jvp(grad(fn))(x; v) = H v`.
 *
 * @param fn Returns an `f32` scalar; its first argument is a tree of tensors.
 * @returns A function of the first argument, a direction of its structure, and the other
 *   arguments; it returns `H v`, of the same structure.
 *
 * @example
 * ```ts
 * import { constant, hvp, mul, sum, type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * // The Hessian of the sum of cubes is 6 x on the diagonal.
 * const cubes = (x: Tensor) => sum(mul(x, mul(x, x)));
 * assertEquals(valuesOf(hvp(cubes)(constant([1, 2]), constant([1, 10]))), [6, 120]);
 * ```
 */
export function hvp<P, Rest extends unknown[]>(
  fn: (params: P, ...rest: Rest) => Tensor,
): (params: P, direction: P, ...rest: Rest) => P {
  return (params, direction, ...rest) => {
    const gradient = (point: P): P => grad(fn)(point, ...rest);
    return jvp<[P], P>(gradient, [params], [direction]).tangent;
  };
}
