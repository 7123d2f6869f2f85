/** Absolute value, sign and rounding down. @module */
import type { Primitive } from "../ir/primitive.ts";
import { keepNan } from "../ir/wgsl_numbers.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { mul } from "./mul.ts";

/** Absolute value; its derivative at 0 is 0. */
export const absP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "abs",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32", "i32"),
  compute: (_, x) => Math.abs(x),
  jvp: ({ inputs: [x] }, [t]) => t ? mul(t, sign(x!)) : null,
  transpose: "not linear",
  cost: 1,
  wgsl: ([x]) => `abs(${x})`,
});

/** Sign: -1, 0 (of both zeros) or 1; of NaN, NaN. Its derivative is 0 everywhere. */
export const signP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "sign",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32", "i32"),
  compute: (_, x) => Math.sign(x),
  jvp: "constant",
  transpose: "not linear",
  cost: 1,
  wgsl: ([x], emitter, { inputs }) =>
    inputs[0]!.dtype === "f32" ? keepNan(`sign(${x})`, x!, emitter) : `sign(${x})`,
});

/** Largest integer not above `x`. */
export const floorP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "floor",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => Math.floor(x),
  jvp: "constant",
  transpose: "not linear",
  cost: 1,
  wgsl: ([x]) => `floor(${x})`,
});

/** `|x|`, elementwise. */
export function abs(x: Tensor): Tensor {
  return apply(absP, null, [x]);
}

/** Sign of `x` (-1, 0 or 1), elementwise. */
export function sign(x: Tensor): Tensor {
  return apply(signP, null, [x]);
}

/** `x` rounded down, elementwise. */
export function floor(x: Tensor): Tensor {
  return apply(floorP, null, [x]);
}
