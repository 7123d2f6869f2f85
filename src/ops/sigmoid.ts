/** Logistic sigmoid. @module */
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { sub } from "./add.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { like } from "./fill.ts";
import { mul } from "./mul.ts";

/** Logistic sigmoid. */
export const sigmoidP: Primitive<null> = defineElementwise<null>({
  name: "sigmoid",
  arity: 1,
  dtype: sameDType("f32"),
  compute: (_, x) => 1 / (1 + Math.exp(-x)),
  jvp: ({ inputs: [x], outputs: [y] }, [t]) => t ? mul(t, mul(y!, sub(like(x!, 1), y!))) : null,
  transpose: "not linear",
  cost: 12,
  wgsl: ([x]) => `(1.0 / (1.0 + exp(-${x})))`,
});

/** `1 / (1 + e^-x)`, elementwise. */
export function sigmoid(x: Tensor): Tensor {
  return apply(sigmoidP, null, [x]);
}
