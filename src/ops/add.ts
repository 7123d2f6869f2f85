/** Addition, subtraction and negation: the linear arithmetic. @module */
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { zeroOf } from "../ir/wgsl_numbers.ts";
import { applyTo, defineElementwise, sameDType } from "./elementwise.ts";

/** Sum of two tensors of one shape and type. */
export const addP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "add",
  arity: 2,
  dtype: /* @__PURE__ */ sameDType("f32", "i32", "u32"),
  compute: (_, a, b) => a + b,
  jvp: (_, [da, db]) => da && db ? add(da, db) : da ?? db ?? null,
  transpose: (_, ct, linear) => linear.map((is) => is ? ct : null),
  cost: 1,
  // As x - x below.
  wgsl: ([a, b], emitter, { inputs: [x, y] }) =>
    isNegative(x!, y!) || isNegative(y!, x!) ? zeroOf(a!, emitter) : `(${a} + ${b})`,
});

/** Whether `y` is `-x`, of real numbers. */
function isNegative(x: Tensor, { node: { primitive, inputs } }: Tensor): boolean {
  return primitive === negP && inputs[0] === x && x.dtype === "f32";
}

/** Difference of two tensors of one shape and type. */
export const subP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "sub",
  arity: 2,
  dtype: /* @__PURE__ */ sameDType("f32", "i32", "u32"),
  compute: (_, a, b) => a - b,
  jvp: (_, [da, db]) => da && db ? sub(da, db) : da ?? (db ? neg(db) : null),
  transpose: (_, ct, linear) => [linear[0] ? ct : null, linear[1] ? neg(ct) : null],
  cost: 1,
  // Compilers fold x - x to 0, which is wrong where x is not finite. What is the same has the same code.
  wgsl: ([a, b], emitter, { inputs: [x] }) =>
    a === b && x!.dtype === "f32" ? zeroOf(a!, emitter) : `(${a} - ${b})`,
});

/** Negation. */
export const negP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "neg",
  arity: 1,
  dtype: /* @__PURE__ */ sameDType("f32", "i32"),
  compute: (_, a) => -a,
  jvp: (node, [da]) => da ? applyTo(node, [da]) : null,
  transpose: (_, ct) => [neg(ct)],
  cost: 1,
  wgsl: ([a]) => `(-${a})`,
});

/** `a + b`, elementwise, operands of one shape. */
export function add(a: Tensor, b: Tensor): Tensor {
  return apply(addP, null, [a, b]);
}

/** `a - b`, elementwise, operands of one shape. */
export function sub(a: Tensor, b: Tensor): Tensor {
  return apply(subP, null, [a, b]);
}

/** `-a`, elementwise. */
export function neg(a: Tensor): Tensor {
  return apply(negP, null, [a]);
}
