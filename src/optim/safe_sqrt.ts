import type { Tensor } from "../ir/tensor.ts";
import { greater, sqrt, where } from "../tensor/mod.ts";

/** Square root with derivative 0 at 0, so that a gradient of 0 does not make NaN in its derivative. */
export function safeSqrt(x: Tensor): Tensor {
  const positive = greater(x, 0);
  return where(positive, sqrt(where(positive, x, 1)), 0);
}
