/** Tests for numbers that are not finite. @module */
import type { Emitter, Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { isFiniteCode, isNanCode } from "../ir/wgsl_numbers.ts";
import { defineElementwise, requireFloat } from "./elementwise.ts";

function defineTest(
  name: string,
  holds: (x: number) => boolean,
  code: (x: string, emitter: Emitter) => string,
): Primitive<null> {
  return defineElementwise<null>({
    name,
    arity: 1,
    dtype: ([dtype]) => {
      requireFloat({ shape: [], dtype: dtype! });
      return "bool";
    },
    compute: (_, x) => holds(x) ? 1 : 0,
    jvp: "constant",
    transpose: "not linear",
    cost: 2,
    wgsl: ([x], emitter) => code(x!, emitter),
  });
}

/** Whether a number is NaN. */
export const isNanP: Primitive<null> = /* @__PURE__ */ defineTest(
  "is_nan",
  // Not the function itself: a bundle without this primitive would have to look it up.
  (x) => Number.isNaN(x),
  isNanCode,
);

/** Whether a number is neither NaN nor infinite. */
export const isFiniteP: Primitive<null> = /* @__PURE__ */ defineTest(
  "is_finite",
  (x) => Number.isFinite(Math.fround(x)),
  isFiniteCode,
);

/** Whether `x` is NaN, elementwise. */
export function isNan(x: Tensor): Tensor {
  return apply(isNanP, null, [x]);
}

/** Whether `x` is neither NaN nor infinite, elementwise. */
export function isFinite(x: Tensor): Tensor {
  return apply(isFiniteP, null, [x]);
}
