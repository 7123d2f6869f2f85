/** Error function. @module */
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { keepNan } from "../ir/wgsl_numbers.ts";
import { neg } from "./add.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { exp } from "./exp_log.ts";
import { expHelper } from "./exp_log_wgsl.ts";
import { like } from "./fill.ts";
import { mul } from "./mul.ts";

/**
 * Error function `erf(x) = 2/sqrt(pi) * integral of e^(-t^2) from 0 to x`.
 *
 * Devices use the Taylor series below 0.5, and else the fit of Press et al. (Numerical Recipes,
 * section 6.2) to the complement `1 - erf`, which is right to 1.2e-7 of its size.
 */
export const erfP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "erf",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => erf64(x),
  jvp: ({ inputs: [x] }, [t]) =>
    t ? mul(t, mul(like(x!, 2 / Math.sqrt(Math.PI)), exp(neg(mul(x!, x!))))) : null,
  transpose: "not linear",
  cost: 20,
  wgsl: ([x], emitter) => {
    const type = emitter.type("f32");
    const name = type === "f32" ? "erf_scalar" : "erf_vector";
    const exp = expHelper(emitter);
    emitter.helper(
      name,
      `fn ${name}(x: ${type}) -> ${type} {
  let t = 1.0 / (1.0 + 0.5 * abs(x));
  let fit = 1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)))))));
  let far = 1.0 - t * ${exp}(t * fit - 1.26551223 - x * x);
  let z = x * x;
  let series = 1.0 - z * (1.0 / 3.0 - z * (0.1 - z * (1.0 / 42.0 - z * (1.0 / 216.0 - z / 1320.0))));
  return select(select(far, -far, x < ${type}(0.0)), 1.1283792 * x * series, abs(x) < ${type}(0.5));
}`,
    );
    return keepNan(`${name}(${x})`, x!, emitter);
  },
});

/** Float64 error function: power series near zero, continued fraction elsewhere. */
function erf64(x: number): number {
  const a = Math.abs(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; n < 80; n++) {
      term *= -a * a / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * 2 / Math.sqrt(Math.PI) * sum;
  }
  let fraction = 0;
  for (let k = 80; k > 0; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

/** Error function, elementwise. */
export function erf(x: Tensor): Tensor {
  return apply(erfP, null, [x]);
}
