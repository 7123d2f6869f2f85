/** Sine and cosine. @module */
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { neg } from "./add.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { mul } from "./mul.ts";

/** Sine. */
export const sinP: Primitive<null> = defineElementwise<null>({
  name: "sin",
  arity: 1,
  dtype: sameDType("f32"),
  compute: (_, x) => Math.sin(x),
  jvp: ({ inputs: [x] }, [t]) => t ? mul(t, cos(x!)) : null,
  transpose: "not linear",
  cost: 10,
  wgsl: ([x]) => `sin(${x})`,
});

/** Cosine. */
export const cosP: Primitive<null> = defineElementwise<null>({
  name: "cos",
  arity: 1,
  dtype: sameDType("f32"),
  compute: (_, x) => Math.cos(x),
  jvp: ({ inputs: [x] }, [t]) => t ? neg(mul(t, sin(x!))) : null,
  transpose: "not linear",
  cost: 10,
  wgsl: ([x]) => `cos(${x})`,
});

/** `sin x`, elementwise. */
export function sin(x: Tensor): Tensor {
  return apply(sinP, null, [x]);
}

/** `cos x`, elementwise. */
export function cos(x: Tensor): Tensor {
  return apply(cosP, null, [x]);
}
