/** Square root and its reciprocal. @module */
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { like } from "./fill.ts";
import { div, mul } from "./mul.ts";

/** Square root. */
export const sqrtP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "sqrt",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => Math.sqrt(x),
  jvp: ({ inputs: [x], outputs: [y] }, [t]) => t ? div(mul(t, like(x!, 0.5)), y!) : null,
  transpose: "not linear",
  cost: 4,
  wgsl: ([x]) => `sqrt(${x})`,
});

/** Reciprocal square root. */
export const rsqrtP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "rsqrt",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => 1 / Math.sqrt(x),
  jvp: ({ inputs: [x], outputs: [y] }, [t]) =>
    t ? mul(mul(t, like(x!, -0.5)), mul(y!, mul(y!, y!))) : null,
  transpose: "not linear",
  cost: 4,
  wgsl: ([x]) => `inverseSqrt(${x})`,
});

/** `sqrt(x)`, elementwise. */
export function sqrt(x: Tensor): Tensor {
  return apply(sqrtP, null, [x]);
}

/** `1 / sqrt(x)`, elementwise. */
export function rsqrt(x: Tensor): Tensor {
  return apply(rsqrtP, null, [x]);
}
