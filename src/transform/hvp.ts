/**
 * Hessian-vector products, forward over reverse.
 *
 * @module
 */
import { describe } from "../ir/describe.ts";
import { requireCall } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { jvp } from "./jvp.ts";
import { grad } from "./vjp.ts";

/**
 * Product of the Hessian of a scalar function with a direction: `jvp(grad(fn))(x; v) = H v`.
 *
 * @param fn Returns an `f32` scalar; its first argument is a tree of tensors.
 * @param options There are none: the first argument varies.
 * @returns A function of the first argument, a direction of its structure, and the other
 *   arguments; it returns `H v`, of the same structure.
 * @throws {TypeError} If there is an option.
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
  options: Readonly<Record<string, never>> = {},
): (params: P, direction: P, ...rest: Rest) => P {
  requireCall("hvp", arguments, 1, 2);
  if (typeof options !== "object" || options === null || Object.keys(options).length > 0) {
    throw new TypeError(
      `Cannot call hvp(): found ${
        describe(options)
      } for its options, expected none: the first argument varies. Put the one that is to vary first: ` +
        `hvp((y, x) => fn(x, y)).`,
    );
  }
  return (params, direction, ...rest) => {
    const gradient = (point: P): P => grad(fn)(point, ...rest);
    return jvp<[P], P>(gradient, [params], [direction]).tangent;
  };
}
