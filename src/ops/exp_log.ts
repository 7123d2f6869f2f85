/**
 * Exponential and natural logarithm, and both with the 1 taken off, accurate near 0.
 *
 * @module
 */
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { keepNan } from "../ir/wgsl_numbers.ts";
import { add } from "./add.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { expHelper, expm1Helper, log1pHelper, logHelper } from "./exp_log_wgsl.ts";
import { like } from "./fill.ts";
import { div, mul } from "./mul.ts";

/** Exponential function. */
export const expP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "exp",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => Math.exp(x),
  jvp: ({ outputs: [y] }, [t]) => t ? mul(t, y!) : null,
  transpose: "not linear",
  cost: 20,
  wgsl: ([x], emitter) => keepNan(`${expHelper(emitter)}(${x})`, x!, emitter),
});

/** Natural logarithm. */
export const logP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "log",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => Math.log(x),
  jvp: ({ inputs: [x] }, [t]) => t ? div(t, x!) : null,
  transpose: "not linear",
  cost: 20,
  wgsl: ([x], emitter) => `${logHelper(emitter)}(${x})`,
});

/** `e^x - 1`, accurate near 0. */
export const expm1P: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "expm1",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => Math.expm1(x),
  jvp: ({ inputs: [x] }, [t]) => t ? mul(t, exp(x!)) : null,
  transpose: "not linear",
  cost: 20,
  wgsl: ([x], emitter) => keepNan(`${expm1Helper(emitter)}(${x})`, x!, emitter),
});

/** `ln(1 + x)`, accurate near 0. */
export const log1pP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "log1p",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => Math.log1p(x),
  jvp: ({ inputs: [x] }, [t]) => t ? div(t, add(x!, like(x!, 1))) : null,
  transpose: "not linear",
  cost: 20,
  wgsl: ([x], emitter) => `${log1pHelper(emitter)}(${x})`,
});

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
