/** Hyperbolic tangent. @module */
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { keepNan } from "../ir/wgsl_numbers.ts";
import { sub } from "./add.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { expm1Helper } from "./exp_log_wgsl.ts";
import { like } from "./fill.ts";
import { mul } from "./mul.ts";

/**
 * Hyperbolic tangent. WGSL's own may be off by 1e-3 near 0 and overflow far from it, so devices
 * compute `-e / (2 + e)` with `e = exp(-2 |x|) - 1` and give it the sign of `x`.
 */
export const tanhP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "tanh",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => Math.tanh(x),
  jvp: ({ inputs: [x], outputs: [y] }, [t]) => t ? mul(t, sub(like(x!, 1), mul(y!, y!))) : null,
  transpose: "not linear",
  cost: 25,
  wgsl: ([x], emitter) => {
    const real = emitter.type("f32");
    const name = real === "f32" ? "tanh_scalar" : "tanh_vector";
    const expm1 = expm1Helper(emitter);
    emitter.helper(
      name,
      `fn ${name}(x: ${real}) -> ${real} {
  let e = ${expm1}(-2.0 * abs(x));
  let y = e / (2.0 + e);
  return select(y, -y, x > ${real}(0.0));
}`,
    );
    return keepNan(`${name}(${x})`, x!, emitter);
  },
});

/** `tanh x`, elementwise. */
export function tanh(x: Tensor): Tensor {
  return apply(tanhP, null, [x]);
}
