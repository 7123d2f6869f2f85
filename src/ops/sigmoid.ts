/** Logistic sigmoid, and softplus, of which it is the derivative. @module */
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { sub } from "./add.ts";
import { keepNan, reluCode } from "../ir/wgsl_numbers.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { expHelper, log1pHelper } from "./exp_log_wgsl.ts";
import { like } from "./fill.ts";
import { mul } from "./mul.ts";

/** Logistic sigmoid. */
export const sigmoidP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "sigmoid",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => 1 / (1 + Math.exp(-x)),
  jvp: ({ inputs: [x], outputs: [y] }, [t]) => t ? mul(t, mul(y!, sub(like(x!, 1), y!))) : null,
  transpose: "not linear",
  cost: 12,
  wgsl: ([x], emitter) => keepNan(`(1.0 / (1.0 + ${expHelper(emitter)}(-${x})))`, x!, emitter),
});

/** Softplus `ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|)`; its derivative is the sigmoid. */
export const softplusP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "softplus",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  jvp: ({ inputs: [x] }, [t]) => t ? mul(t, sigmoid(x!)) : null,
  transpose: "not linear",
  cost: 30,
  wgsl: ([x], emitter) =>
    `(${reluCode(x!, emitter)} + ${log1pHelper(emitter)}(${expHelper(emitter)}(-abs(${x}))))`,
});

/** `ln(1 + e^x)`, elementwise. */
export function softplus(x: Tensor): Tensor {
  return apply(softplusP, null, [x]);
}

/** `1 / (1 + e^-x)`, elementwise. */
export function sigmoid(x: Tensor): Tensor {
  return apply(sigmoidP, null, [x]);
}
