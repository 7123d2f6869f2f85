/** Exponential and natural logarithm. @module */
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
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

/** `e^x`, elementwise. */
export function exp(x: Tensor): Tensor {
  return apply(expP, null, [x]);
}

/** `ln x`, elementwise. */
export function log(x: Tensor): Tensor {
  return apply(logP, null, [x]);
}
