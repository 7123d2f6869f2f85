/**
 * Exponential and natural logarithm, and both with the 1 taken off, accurate near 0.
 *
 * @module
 */
import type { Emitter, Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { keepNan } from "../ir/wgsl_numbers.ts";
import { add } from "./add.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { like } from "./fill.ts";
import { div, mul } from "./mul.ts";

/** Exponential function. */
export const expP: Primitive<null> = defineElementwise<null>({
  name: "exp",
  arity: 1,
  dtype: sameDType("f32"),
  compute: (_, x) => Math.exp(x),
  jvp: ({ outputs: [y] }, [t]) => t ? mul(t, y!) : null,
  transpose: "not linear",
  cost: 8,
  wgsl: ([x]) => `exp(${x})`,
});

/** Natural logarithm. */
export const logP: Primitive<null> = defineElementwise<null>({
  name: "log",
  arity: 1,
  dtype: sameDType("f32"),
  compute: (_, x) => Math.log(x),
  jvp: ({ inputs: [x] }, [t]) => t ? div(t, x!) : null,
  transpose: "not linear",
  cost: 8,
  wgsl: ([x]) => `log(${x})`,
});

/** `e^x - 1`, accurate near 0. */
export const expm1P: Primitive<null> = defineElementwise<null>({
  name: "expm1",
  arity: 1,
  dtype: sameDType("f32"),
  compute: (_, x) => Math.expm1(x),
  jvp: ({ inputs: [x] }, [t]) => t ? mul(t, exp(x!)) : null,
  transpose: "not linear",
  cost: 20,
  wgsl: ([x], emitter) => keepNan(`${expm1Helper(emitter)}(${x})`, x!, emitter),
});

/** `ln(1 + x)`, accurate near 0. */
export const log1pP: Primitive<null> = defineElementwise<null>({
  name: "log1p",
  arity: 1,
  dtype: sameDType("f32"),
  compute: (_, x) => Math.log1p(x),
  jvp: ({ inputs: [x] }, [t]) => t ? div(t, add(x!, like(x!, 1))) : null,
  transpose: "not linear",
  cost: 20,
  wgsl: ([x], emitter) => `${log1pHelper(emitter)}(${x})`,
});

/**
 * Declares the WGSL function `e^x - 1` of numbers and infinities, and returns its name.
 *
 * With `x = k ln 2 + r` it is `2^k (e^r - 1) + (2^k - 1)`; the series of `e^r - 1` does not cancel.
 * Below -104 the result is -1, from 89 on infinite.
 */
export function expm1Helper(emitter: Emitter): string {
  const [real, integer] = [emitter.type("f32"), emitter.type("i32")];
  const name = real === "f32" ? "expm1_scalar" : "expm1_vector";
  emitter.helper(
    name,
    `fn ${name}(x: ${real}) -> ${real} {
  let inside = clamp(x, ${real}(-104.0), ${real}(89.0));
  let k = round(inside * 1.442695);
  let r = (inside - k * 0.693359375) + k * 2.1219444e-4;
  let p = r + r * r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r / 5040.0)))));
  // 2^k may exceed the greatest number, its half does not; k is at least -150, where 2^k is nothing.
  let half = bitcast<${real}>((max(${integer}(k), ${integer}(-125)) + ${integer}(126)) << ${
      emitter.type("u32")
    }(23u));
  return select(((half - 0.5) + p * half) * 2.0, p, k == ${real}(0.0));
}`,
  );
  return name;
}

/**
 * Declares the WGSL function `ln(1 + x)` and returns its name.
 *
 * Near 0 it is `2 artanh(x / (2 + x))`, a series that does not cancel.
 */
export function log1pHelper(emitter: Emitter): string {
  const real = emitter.type("f32");
  const name = real === "f32" ? "log1p_scalar" : "log1p_vector";
  emitter.helper(
    name,
    `fn ${name}(x: ${real}) -> ${real} {
  let s = x / (2.0 + x);
  let z = s * s;
  let series = 2.0 * s + 2.0 * s * z * (1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z / 11.0))));
  return select(log(1.0 + x), series, abs(x) < ${real}(0.4));
}`,
  );
  return name;
}

/** `e^x - 1`, elementwise. */
export function expm1(x: Tensor): Tensor {
  return apply(expm1P, null, [x]);
}

/** `ln(1 + x)`, elementwise. */
export function log1p(x: Tensor): Tensor {
  return apply(log1pP, null, [x]);
}

/** `e^x`, elementwise. */
export function exp(x: Tensor): Tensor {
  return apply(expP, null, [x]);
}

/** `ln x`, elementwise. */
export function log(x: Tensor): Tensor {
  return apply(logP, null, [x]);
}
