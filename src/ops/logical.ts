/** Logic on `bool` tensors and bit operations on integers. @module */
import type { DType } from "../ir/aval.ts";
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";

function defineBits(
  name: string,
  operator: string,
  dtypes: readonly DType[],
  compute: (a: number, b: number) => number,
): Primitive<null> {
  return defineElementwise<null>({
    name,
    arity: 2,
    dtype: /* @__PURE__ */ sameDType(...dtypes),
    compute: (_, a, b) => compute(a, b),
    jvp: "constant",
    transpose: "not linear",
    cost: 1,
    wgsl: ([a, b]) => `(${a} ${operator} ${b})`,
  });
}

/** Conjunction of booleans or bits. */
export const andP: Primitive<null> = /* @__PURE__ */ defineBits(
  "and",
  "&",
  ["bool", "u32", "i32"],
  (a, b) => a & b,
);
/** Disjunction of booleans or bits. */
export const orP: Primitive<null> = /* @__PURE__ */ defineBits(
  "or",
  "|",
  ["bool", "u32", "i32"],
  (a, b) => a | b,
);
/** Exclusive or of bits. */
export const xorP: Primitive<null> = /* @__PURE__ */ defineBits(
  "xor",
  "^",
  ["u32"],
  (a, b) => a ^ b,
);
/** Shift of bits to the left. */
export const shiftLeftP: Primitive<null> = /* @__PURE__ */ defineBits(
  "shift_left",
  "<<",
  ["u32"],
  (a, b) => a << b,
);
/** Shift of bits to the right, filling with zeros. */
export const shiftRightP: Primitive<null> = /* @__PURE__ */ defineBits(
  "shift_right",
  ">>",
  ["u32"],
  (a, b) => a >>> b,
);
/** Negation of a boolean. */
export const notP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "not",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("bool"),
  compute: (_, a) => a ? 0 : 1,
  jvp: "constant",
  transpose: "not linear",
  cost: 1,
  wgsl: ([a]) => `(!${a})`,
});

/** Conjunction, elementwise. */
export function and(a: Tensor, b: Tensor): Tensor {
  return apply(andP, null, [a, b]);
}
/** Disjunction, elementwise. */
export function or(a: Tensor, b: Tensor): Tensor {
  return apply(orP, null, [a, b]);
}
/** Exclusive or of bits, elementwise. */
export function xor(a: Tensor, b: Tensor): Tensor {
  return apply(xorP, null, [a, b]);
}
/** Bits shifted to the left, elementwise. */
export function shiftLeft(a: Tensor, b: Tensor): Tensor {
  return apply(shiftLeftP, null, [a, b]);
}
/** Bits shifted to the right, elementwise. */
export function shiftRight(a: Tensor, b: Tensor): Tensor {
  return apply(shiftRightP, null, [a, b]);
}
/** Negation of a boolean, elementwise. */
export function not(a: Tensor): Tensor {
  return apply(notP, null, [a]);
}
