/** Rounding to whole numbers. @module */
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";

/** A way of rounding; WGSL has a function of each name, which is exact. */
function defineRounding(
  name: "round" | "ceil" | "trunc",
  compute: (x: number) => number,
): Primitive<null> {
  return defineElementwise<null>({
    name,
    arity: 1,
    dtype: /* @__PURE__ */ sameDType("f32"),
    compute: (_, x) => compute(x),
    jvp: "constant",
    transpose: "not linear",
    cost: 1,
    wgsl: ([x]) => `${name}(${x})`,
  });
}

/** The nearest whole number; of two, the even one (IEEE 754 `roundToIntegralTiesToEven`). */
export const roundP: Primitive<null> = /* @__PURE__ */ defineRounding("round", (x) => {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
});

/** Smallest whole number not below `x`. */
export const ceilP: Primitive<null> = /* @__PURE__ */ defineRounding("ceil", Math.ceil);

/** The whole part of `x`: rounded towards 0. */
export const truncP: Primitive<null> = /* @__PURE__ */ defineRounding("trunc", Math.trunc);

/** `x` rounded to the nearest whole number, ties to even, elementwise. */
export function round(x: Tensor): Tensor {
  return apply(roundP, null, [x]);
}

/** `x` rounded up, elementwise. */
export function ceil(x: Tensor): Tensor {
  return apply(ceilP, null, [x]);
}

/** `x` rounded towards 0, elementwise. */
export function trunc(x: Tensor): Tensor {
  return apply(truncP, null, [x]);
}
