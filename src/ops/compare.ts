/** Comparisons. @module */
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { comparisonDType, defineElementwise } from "./elementwise.ts";

function defineComparison(
  name: string,
  operator: string,
  holds: (a: number, b: number) => boolean,
): Primitive<null> {
  return defineElementwise<null>({
    name,
    arity: 2,
    dtype: comparisonDType,
    compute: (_, a, b) => holds(a, b) ? 1 : 0,
    jvp: "constant",
    transpose: "not linear",
    cost: 1,
    wgsl: ([a, b]) => `(${a} ${operator} ${b})`,
  });
}

/** Whether `a == b`. */
export const equalP: Primitive<null> = /* @__PURE__ */ defineComparison(
  "equal",
  "==",
  (a, b) => a === b,
);
/** Whether `a < b`. */
export const lessP: Primitive<null> = /* @__PURE__ */ defineComparison(
  "less",
  "<",
  (a, b) => a < b,
);
/** Whether `a <= b`. */
export const lessEqualP: Primitive<null> = /* @__PURE__ */ defineComparison(
  "less_equal",
  "<=",
  (a, b) => a <= b,
);

/** `a == b`, elementwise. */
export function equal(a: Tensor, b: Tensor): Tensor {
  return apply(equalP, null, [a, b]);
}
/** `a < b`, elementwise. */
export function less(a: Tensor, b: Tensor): Tensor {
  return apply(lessP, null, [a, b]);
}
/** `a <= b`, elementwise. */
export function lessEqual(a: Tensor, b: Tensor): Tensor {
  return apply(lessEqualP, null, [a, b]);
}
/** `a > b`, elementwise. */
export function greater(a: Tensor, b: Tensor): Tensor {
  return less(b, a);
}
/** `a >= b`, elementwise. */
export function greaterEqual(a: Tensor, b: Tensor): Tensor {
  return lessEqual(b, a);
}
