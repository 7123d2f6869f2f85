/**
 * Sine and cosine.
 *
 * WGSL's own are only accurate to 2^-11 within [-pi, pi] and to nothing outside (section 15.7.4 of
 * its specification), and adapters do differ. So devices reduce the angle to [-pi/4, pi/4] by a
 * multiple of pi/2 in three parts and sum Taylor's series: a few units in the last place up to
 * |x| = 12,000 everywhere. Beyond, values stay within [-1, 1]; those of infinities are NaN.
 *
 * @module
 */
import type { Emitter, Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { zeroOf } from "../ir/wgsl_numbers.ts";
import { neg } from "./add.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { mul } from "./mul.ts";

/** Sine. */
export const sinP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "sin",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => Math.sin(x),
  jvp: ({ inputs: [x] }, [t]) => t ? mul(t, cos(x!)) : null,
  transpose: "not linear",
  cost: 25,
  wgsl: ([x], emitter) => `${angleHelper(emitter)}(${x}, ${emitter.literal(0, "i32")})`,
});

/** Cosine. */
export const cosP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "cos",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => Math.cos(x),
  jvp: ({ inputs: [x] }, [t]) => t ? neg(mul(t, sin(x!))) : null,
  transpose: "not linear",
  cost: 25,
  wgsl: ([x], emitter) => `${angleHelper(emitter)}(${x}, ${emitter.literal(1, "i32")})`,
});

/** Declares the WGSL function `sin(x + quarters * pi/2)` and returns its name. */
function angleHelper(emitter: Emitter): string {
  const [real, integer] = [emitter.type("f32"), emitter.type("i32")];
  const name = real === "f32" ? "sine_scalar" : "sine_vector";
  // The first two parts of pi/2 have 11 bits, so that their multiples are exact.
  emitter.helper(
    name,
    `fn ${name}(x: ${real}, quarters: ${integer}) -> ${real} {
  let k = round(x * 0.6366198);
  let r = ((x - k * 1.5703125) - k * 0.0004837513) - k * 7.54979e-8;
  let a = clamp(r, ${real}(-0.8), ${real}(0.8));
  let z = a * a;
  let s = a + a * z * (-1.0 / 6.0 + z * (1.0 / 120.0 + z * (-1.0 / 5040.0 + z / 362880.0)));
  let c = 1.0 + z * (-0.5 + z * (1.0 / 24.0 + z * (-1.0 / 720.0 + z * (1.0 / 40320.0 - z / 3628800.0))));
  let quadrant = ${integer}(k) + quarters;
  let value = select(s, c, (quadrant & ${integer}(1)) != ${integer}(0));
  return select(value, -value, (quadrant & ${integer}(2)) != ${integer}(0)) + ${
      zeroOf("x", emitter)
    };
}`,
  );
  return name;
}

/** `sin x`, elementwise. */
export function sin(x: Tensor): Tensor {
  return apply(sinP, null, [x]);
}

/** `cos x`, elementwise. */
export function cos(x: Tensor): Tensor {
  return apply(cosP, null, [x]);
}
