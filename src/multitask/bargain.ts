import type { Tensor } from "../ir/tensor.ts";
import {
  add,
  clip,
  div,
  dot,
  exp,
  expandDims,
  eye,
  full,
  matmul,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  reshape,
  rsqrt,
  square,
  sub,
} from "../tensor/mod.ts";
import { checkpoint } from "../transform/call.ts";
import { solvePositive } from "./linear_algebra.ts";

/** How hard the end is. */
const POWER = 8;
/** Longest step of a logarithm. */
const LONGEST = 3;

/**
 * Makes a solver of `C b = k b^-p` for `b > 0`, the minimum of a convex function.
 *
 * Opposed gradients have no finite solution: `b` ends about `largest` times where a task alone has
 * it, smoothly, by a term `(b / end)^8` in the equations `b (C b) = k b^(1-p)`, relative to their right sides.
 *
 * Newton steps in the logarithms, of bounded length: `b` stays positive, and numbers of very
 * different size are reached in few steps.
 *
 * @param options The power `p` above 0, the end (below a third of it its term is below 1e-4), and
 *   the number of Newton steps.
 * @returns A function of cosines `C`, `[n, n]`, and scales `k > 0`, `[n]`, to the solution `[n]`.
 */
export function bargain(
  { power, largest, iterations }: {
    readonly power: number;
    readonly largest: number;
    readonly iterations: number;
  },
): (cosines: Tensor, scales: Tensor) => Tensor {
  const step = newtonStep(power, largest);
  return (cosines, scales) => {
    // In units of each task's solution alone; then of gradients that are all like their mean.
    const alone = pow(scales, 1 / (1 + power));
    const even = div(dot(alone, matmul(cosines, alone)), dot(alone, alone));
    const start = minimum(pow(maximum(even, 1e-6), -1 / (1 + power)), largest / 2);
    let units: Tensor = mul(full(scales.shape, { value: 1 }), start);
    for (let iteration = 0; iteration < iterations; iteration++) {
      units = step(units, alone, cosines);
    }
    return mul(units, alone);
  };
}

/**
 * One step to the minimum of `v' C v / 2 - sum a^2 phi(x) + sum a^2 (x / largest)^POWER / POWER`,
 * where `v = a x` and `phi' = x^-p`.
 *
 * With `x = e^y`; its system, of which the part of the Hessian that may be negative is left out, is
 * divided by `a` on both sides.
 */
function newtonStep(
  power: number,
  largest: number,
): (x: Tensor, a: Tensor, cosines: Tensor) => Tensor {
  return checkpoint((x: Tensor, a: Tensor, cosines: Tensor): Tensor => {
    const end = pow(mul(x, 1 / largest), POWER);
    const gain = pow(x, 1 - power);
    const slope = add(mul(x, matmul(cosines, mul(a, x))), mul(a, sub(end, gain)));
    // A diagonal of ones, as the solver wants it.
    const own = add(mul(gain, power), mul(end, POWER - 1));
    const scale = mul(x, rsqrt(add(square(x), own)));
    const curvature = add(
      mul(mul(cosines, scale), expandDims(scale, 1)),
      mul(eye(x.shape[0]!), sub(1, square(scale))),
    );
    const right = expandDims(mul(slope, div(scale, x)), 1);
    const solved = reshape(solvePositive(curvature, right), x.shape);
    const direction = neg(div(mul(solved, div(scale, x)), a));
    return mul(x, exp(clip(direction, { low: -LONGEST, high: LONGEST })));
  });
}
