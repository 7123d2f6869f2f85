/**
 * Inverse trigonometric functions.
 *
 * WGSL's own may be off by 4096 units in the last place (section 15.7.4 of its specification), so devices
 * reduce the argument of the arc tangent to `|x| < tan(pi/8)` and sum the polynomial of Cephes (`atanf`, S. Moshier);
 * the others are made of the arc tangent of a quotient.
 *
 * @module
 */
import type { Emitter, Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { keepNan, keepNans } from "../ir/wgsl_numbers.ts";
import { add, neg, sub } from "./add.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { like } from "./fill.ts";
import { div, mul } from "./mul.ts";
import { oneMinusSquare } from "./one_minus_square.ts";
import { rsqrt } from "./sqrt.ts";

/** Arc tangent. */
export const atanP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "atan",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => Math.atan(x),
  jvp: ({ inputs: [x] }, [t]) => t ? div(t, add(mul(x!, x!), like(x!, 1))) : null,
  transpose: "not linear",
  cost: 20,
  wgsl: ([x], emitter) => keepNan(`${atanHelper(emitter)}(${x})`, x!, emitter),
});

/**
 * Angle of the point `(x, y)` from `y` and `x`, within [-pi, pi]. The derivative is
 * `(x dy - y dx) / (x^2 + y^2)`: NaN at the origin.
 */
export const atan2P: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "atan2",
  arity: 2,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, y, x) => Math.atan2(y, x),
  jvp: ({ inputs: [y, x] }, [dy, dx]) => {
    const up = dy && mul(dy, x!);
    const down = dx && mul(dx, y!);
    const across = up && down ? sub(up, down) : up || (down && neg(down));
    return across ? div(across, add(mul(x!, x!), mul(y!, y!))) : null;
  },
  transpose: "not linear",
  cost: 25,
  wgsl: ([y, x], emitter) => `${atan2Helper(emitter)}(${y}, ${x})`,
});

/** Arc sine; NaN outside of [-1, 1]. Its derivative at -1 and 1 is infinite. */
export const asinP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "asin",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => Math.asin(x),
  jvp: ({ inputs: [x] }, [t]) => t ? mul(t, rsqrt(oneMinusSquare(x!))) : null,
  transpose: "not linear",
  cost: 30,
  wgsl: ([x], emitter) => inside(`${atan2Helper(emitter)}(${x}, ${cosine(x!)})`, x!, emitter),
});

/** Arc cosine; NaN outside of [-1, 1]. Its derivative at -1 and 1 is infinite. */
export const acosP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "acos",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32"),
  compute: (_, x) => Math.acos(x),
  jvp: ({ inputs: [x] }, [t]) => t ? neg(mul(t, rsqrt(oneMinusSquare(x!)))) : null,
  transpose: "not linear",
  cost: 30,
  wgsl: ([x], emitter) => inside(`${atan2Helper(emitter)}(${cosine(x!)}, ${x})`, x!, emitter),
});

/** `sqrt(1 - x^2)`. */
function cosine(x: string): string {
  return `sqrt((1.0 - ${x}) * (1.0 + ${x}))`;
}

/** `value` where `|x| <= 1`, else NaN. */
function inside(value: string, x: string, emitter: Emitter): string {
  return `select(${emitter.literal(NaN, "f32")}, ${value}, abs(${x}) <= ${
    emitter.literal(1, "f32")
  })`;
}

/** Declares the WGSL function `atan x` of numbers and infinities, and returns its name. */
function atanHelper(emitter: Emitter): string {
  const real = emitter.type("f32");
  const name = real === "f32" ? "atan_scalar" : "atan_vector";
  emitter.helper(
    name,
    `fn ${name}(x: ${real}) -> ${real} {
  let s = abs(x);
  let far = s > ${real}(2.4142136);
  let middle = s > ${real}(0.41421357);
  let a = select(select(s, (s - 1.0) / (s + 1.0), middle), -1.0 / s, far);
  let z = a * a;
  let p = ((8.0537445e-2 * z - 1.3877685e-1) * z + 1.997771e-1) * z - 3.3332949e-1;
  let base = select(select(${real}(0.0), ${real}(0.78539816), middle), ${real}(1.5707964), far);
  let y = base + (p * z * a + a);
  return select(y, -y, x < ${real}(0.0));
}`,
  );
  return name;
}

/** Declares the WGSL function `atan2(y, x)` and returns its name. */
function atan2Helper(emitter: Emitter): string {
  const [real, integer] = [emitter.type("f32"), emitter.type("i32")];
  const name = real === "f32" ? "atan2_scalar" : "atan2_vector";
  const atan = atanHelper(emitter);
  // The quotient of the lesser by the greater is at most 1; equal ones, infinities too, give 1, zeros 0.
  emitter.helper(
    name,
    `fn ${name}(y: ${real}, x: ${real}) -> ${real} {
  let least = min(abs(x), abs(y));
  let most = max(abs(x), abs(y));
  let quotient = select(least / most, ${real}(1.0), least == most);
  let slope = select(quotient, ${real}(0.0), most == ${real}(0.0));
  let a = ${atan}(slope);
  let steep = select(a, 1.5707964 - a, abs(y) > abs(x));
  let angle = select(steep, 3.1415927 - steep, bitcast<${integer}>(x) < ${integer}(0));
  let signed = select(angle, -angle, bitcast<${integer}>(y) < ${integer}(0));
  return ${keepNans("signed", ["x", "y"], emitter)};
}`,
  );
  return name;
}

/** Arc tangent, elementwise. */
export function atan(x: Tensor): Tensor {
  return apply(atanP, null, [x]);
}

/** Angle of the point `(x, y)`, elementwise, operands of one shape. */
export function atan2(y: Tensor, x: Tensor): Tensor {
  return apply(atan2P, null, [y, x]);
}

/** Arc sine, elementwise. */
export function asin(x: Tensor): Tensor {
  return apply(asinP, null, [x]);
}

/** Arc cosine, elementwise. */
export function acos(x: Tensor): Tensor {
  return apply(acosP, null, [x]);
}
