/** The denominator of inverse functions' derivatives. @module */
import type { Tensor } from "../ir/tensor.ts";
import { add, sub } from "./add.ts";
import { like } from "./fill.ts";
import { stopGradient } from "./identity.ts";
import { mul } from "./mul.ts";

/**
 * `1 - x^2`. Its value is that of `(1 - x)(1 + x)`, which does not cancel near 1, and its derivatives are
 * those of `1 - x^2`, which do not cancel near 0: the difference of both, 0 but for rounding, is a constant.
 */
export function oneMinusSquare(x: Tensor): Tensor {
  const one = like(x, 1);
  const square = sub(one, mul(x, x));
  const product = mul(sub(one, x), add(one, x));
  return add(square, stopGradient(sub(product, square)));
}
