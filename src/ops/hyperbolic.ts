/**
 * Hyperbolic functions and their inverses, but for `tanh`.
 *
 * On devices they are made of exponential and logarithm with the 1 taken off, so that they are accurate near 0
 * too; large arguments go through half of them, which does not overflow before the result does.
 *
 * @module
 */
import type { Emitter, Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { keepNan } from "../ir/wgsl_numbers.ts";
import { add, sub } from "./add.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { expHelper, expm1Helper, log1pHelper, logHelper } from "./exp_log_wgsl.ts";
import { like } from "./fill.ts";
import { div, mul } from "./mul.ts";
import { oneMinusSquare } from "./one_minus_square.ts";
import { rsqrt } from "./sqrt.ts";

/** What differs between the functions of this file. */
interface Hyperbolic {
  readonly name: string;
  readonly compute: (x: number) => number;
  /** Derivative at `x`. */
  readonly slope: (x: Tensor) => Tensor;
  /** Statements of the WGSL function of `x` and `s = |x|`, which is not NaN. */
  body(emitter: Emitter, real: string): string;
}

function defineHyperbolic({ name, compute, slope, body }: Hyperbolic): Primitive<null> {
  return defineElementwise<null>({
    name,
    arity: 1,
    dtype: /* @__PURE__ */ sameDType("f32"),
    compute: (_, x) => compute(x),
    jvp: ({ inputs: [x] }, [t]) => t ? mul(t, slope(x!)) : null,
    transpose: "not linear",
    cost: 30,
    wgsl: ([x], emitter) => {
      const real = emitter.type("f32");
      const full = `${name}_${real === "f32" ? "scalar" : "vector"}`;
      const lines = body(emitter, real);
      emitter.helper(full, `fn ${full}(x: ${real}) -> ${real} {\n  let s = abs(x);\n${lines}\n}`);
      return keepNan(`${full}(${x})`, x!, emitter);
    },
  });
}

/** `value` with the sign of `x`. */
function signed(value: string, real: string): string {
  return `  return select(${value}, -${value}, x < ${real}(0.0));`;
}

/** Hyperbolic sine. */
export const sinhP: Primitive<null> = /* @__PURE__ */ defineHyperbolic({
  name: "sinh",
  compute: Math.sinh,
  slope: (x) => cosh(x),
  body: (emitter, real) =>
    `  let e = ${expm1Helper(emitter)}(min(s, ${real}(20.0)));
  let half = ${expHelper(emitter)}(0.5 * s);
  let y = select(0.5 * (e + e / (e + 1.0)), (0.5 * half) * half, s > ${real}(20.0));
${signed("y", real)}`,
});

/** Hyperbolic cosine. */
export const coshP: Primitive<null> = /* @__PURE__ */ defineHyperbolic({
  name: "cosh",
  compute: Math.cosh,
  slope: (x) => sinh(x),
  body: (emitter, real) =>
    `  let e = ${expHelper(emitter)}(min(s, ${real}(20.0)));
  let half = ${expHelper(emitter)}(0.5 * s);
  return select(0.5 * (e + 1.0 / e), (0.5 * half) * half, s > ${real}(20.0));`,
});

/** Inverse hyperbolic sine. */
export const asinhP: Primitive<null> = /* @__PURE__ */ defineHyperbolic({
  name: "asinh",
  compute: Math.asinh,
  slope: (x) => rsqrt(add(mul(x, x), like(x, 1))),
  body: (emitter, real) =>
    `  let t = min(s, ${real}(1e9));
  let z = t * t;
  let near = ${log1pHelper(emitter)}(t + z / (1.0 + sqrt(1.0 + z)));
  let y = select(near, ${logHelper(emitter)}(s) + 0.6931472, s > ${real}(1e9));
${signed("y", real)}`,
});

/** Inverse hyperbolic cosine; NaN below 1. Its derivative at 1 is infinite. */
export const acoshP: Primitive<null> = /* @__PURE__ */ defineHyperbolic({
  name: "acosh",
  compute: Math.acosh,
  slope: (x) => mul(rsqrt(sub(x, like(x, 1))), rsqrt(add(x, like(x, 1)))),
  body: (emitter, real) =>
    `  let t = clamp(x - 1.0, ${real}(0.0), ${real}(1e9));
  let near = ${log1pHelper(emitter)}(t + sqrt(t * (t + 2.0)));
  let y = select(near, ${logHelper(emitter)}(s) + 0.6931472, s > ${real}(1e9));
  return select(${emitter.literal(NaN, "f32")}, y, x >= ${real}(1.0));`,
});

/** Inverse hyperbolic tangent; infinite at -1 and 1, NaN outside. */
export const atanhP: Primitive<null> = /* @__PURE__ */ defineHyperbolic({
  name: "atanh",
  compute: Math.atanh,
  slope: (x) => div(like(x, 1), oneMinusSquare(x)),
  body: (emitter, real) =>
    `  let t = min(s, ${real}(0.99999994));
  let near = 0.5 * ${log1pHelper(emitter)}(2.0 * t / (1.0 - t));
  let edge = select(near, ${emitter.literal(Infinity, "f32")}, s == ${real}(1.0));
  let y = select(edge, ${emitter.literal(NaN, "f32")}, s > ${real}(1.0));
${signed("y", real)}`,
});

/** Hyperbolic sine, elementwise. */
export function sinh(x: Tensor): Tensor {
  return apply(sinhP, null, [x]);
}

/** Hyperbolic cosine, elementwise. */
export function cosh(x: Tensor): Tensor {
  return apply(coshP, null, [x]);
}

/** Inverse hyperbolic sine, elementwise. */
export function asinh(x: Tensor): Tensor {
  return apply(asinhP, null, [x]);
}

/** Inverse hyperbolic cosine, elementwise. */
export function acosh(x: Tensor): Tensor {
  return apply(acoshP, null, [x]);
}

/** Inverse hyperbolic tangent, elementwise. */
export function atanh(x: Tensor): Tensor {
  return apply(atanhP, null, [x]);
}
