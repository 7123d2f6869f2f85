/** Hyperbolic tangent. @module */
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { sub } from "./add.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { like } from "./fill.ts";
import { mul } from "./mul.ts";

/** Hyperbolic tangent. */
export const tanhP: Primitive<null> = defineElementwise<null>({
  name: "tanh",
  arity: 1,
  dtype: sameDType("f32"),
  compute: (_, x) => Math.tanh(x),
  jvp: ({ inputs: [x], outputs: [y] }, [t]) => t ? mul(t, sub(like(x!, 1), mul(y!, y!))) : null,
  transpose: "not linear",
  cost: 10,
  wgsl: ([x], e) => `tanh(clamp(${x}, ${e.literal(-15, "f32")}, ${e.literal(15, "f32")}))`,
});

/** `tanh x`, elementwise. */
export function tanh(x: Tensor): Tensor {
  return apply(tanhP, null, [x]);
}
