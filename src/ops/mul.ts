/** Multiplication and division. @module */
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { keepNan, zeroOf } from "../ir/wgsl_numbers.ts";
import { add, neg } from "./add.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { constantOf } from "./fill.ts";

/** Product of two tensors of one shape and type. */
export const mulP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "mul",
  arity: 2,
  dtype: /* @__PURE__ */ sameDType("f32", "i32", "u32"),
  compute: (_, a, b) => a * b,
  integer: (_, a, b) => Math.imul(a, b),
  jvp: ({ inputs: [a, b] }, [da, db]) => {
    const left = da ? mul(da, b!) : null;
    const right = db ? mul(a!, db) : null;
    return left && right ? add(left, right) : left ?? right;
  },
  transpose: ({ inputs: [a, b] }, ct, linear) => [
    linear[0] ? mul(ct, b!) : null,
    linear[1] ? mul(a!, ct) : null,
  ],
  cost: 1,
  // Compilers fold x * 0 to 0, which is wrong where x is not finite.
  wgsl: ([a, b], emitter, { inputs }) => {
    const at = inputs.map(constantOf).indexOf(0);
    if (at < 0 || inputs[0]!.dtype !== "f32") return `(${a} * ${b})`;
    return zeroOf(at === 0 ? b! : a!, emitter);
  },
});

/**
 * Quotient of two `f32` tensors of one shape, or integer quotient rounded to zero. As in WGSL, an
 * integer divided by 0 is itself, and so is the least `i32` divided by -1.
 */
export const divP: Primitive<null> = /* @__PURE__ */ defineElementwise<null>({
  name: "div",
  arity: 2,
  dtype: /* @__PURE__ */ sameDType("f32", "i32", "u32"),
  compute: (_, a, b) => a / b,
  integer: (_, a, b) => b === 0 ? a : a / b,
  // d(a/b) = da/b - (a/b) db/b
  jvp: ({ inputs: [, b], outputs: [y] }, [da, db]) => {
    const left = da ? div(da, b!) : null;
    const right = db ? neg(div(mul(y!, db), b!)) : null;
    return left && right ? add(left, right) : left ?? right;
  },
  transpose: ({ inputs: [, b] }, ct, linear) => [linear[0] ? div(ct, b!) : null, null],
  cost: 4,
  wgsl: ([a, b], emitter, { inputs }) => {
    const divisor = constantOf(inputs[1]!);
    const isReal = inputs[0]!.dtype === "f32";
    // Compilers refuse integer constants 0, and fold quotients by 0 and infinity to nonsense.
    if (divisor === 0 && !isReal) return a!;
    if (divisor === 0) return `(${a} * ${emitter.literal(1 / divisor, "f32")})`;
    if (isReal && Math.abs(divisor ?? 0) === Infinity) return zeroOf(a!, emitter);
    if (isReal && constantOf(inputs[0]!) === 0) {
      const zero = emitter.literal(0, "f32");
      return `select(${keepNan(zero, b!, emitter)}, ${
        emitter.literal(NaN, "f32")
      }, ${b} == ${zero})`;
    }
    return `(${a} / ${b})`;
  },
});

/** `a * b`, elementwise, operands of one shape. */
export function mul(a: Tensor, b: Tensor): Tensor {
  return apply(mulP, null, [a, b]);
}

/** `a / b`, elementwise, operands of one shape. */
export function div(a: Tensor, b: Tensor): Tensor {
  return apply(divP, null, [a, b]);
}
