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
 */
export function hvp<P, Rest extends unknown[]>(
  fn: (params: P, ...rest: Rest) => Tensor,
): (params: P, direction: P, ...rest: Rest) => P {
  return (params, direction, ...rest) => {
    const gradient = (point: P): P => grad(fn)(point, ...rest);
    return jvp<[P], P>(gradient, [params], [direction]).tangent;
  };
}
