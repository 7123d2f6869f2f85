/** Powers with a constant exponent. @module */
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { defineElementwise, sameDType } from "./elementwise.ts";
import { like } from "./fill.ts";
import { mul } from "./mul.ts";

/** Parameters of {@linkcode powP}. */
export interface PowParams {
  /** The exponent. */
  readonly exponent: number;
}

/** `x` to a constant power; a negative `x` needs an integer exponent. */
export const powP: Primitive<PowParams> = defineElementwise<PowParams>({
  name: "pow",
  arity: 1,
  dtype: sameDType("f32"),
  compute: ({ exponent }, x) => Math.pow(x, exponent),
  jvp: ({ inputs: [x], params: { exponent } }, [t]) => {
    if (!t || exponent === 0) return null;
    return mul(t, mul(like(x!, exponent), pow(x!, exponent - 1)));
  },
  transpose: ({ params: { exponent } }, ct) => {
    if (exponent !== 1) {
      throw new Error("Cannot transpose 'pow': it is linear for exponent 1 only.");
    }
    return [ct];
  },
  cost: 10,
  wgsl: ([x], emitter, { params: { exponent } }) => {
    if (Number.isInteger(exponent) && Math.abs(exponent) <= 8) {
      const product = exponent === 0
        ? emitter.literal(1, "f32")
        : `(${new Array(Math.abs(exponent)).fill(x).join(" * ")})`;
      return exponent < 0 ? `(1.0 / ${product})` : product;
    }
    const power = emitter.literal(exponent, "f32");
    if (!Number.isInteger(exponent)) return `pow(${x}, ${power})`;
    const magnitude = `pow(abs(${x}), ${power})`;
    return exponent % 2 === 0
      ? magnitude
      : `select(-${magnitude}, ${magnitude}, ${x} >= ${emitter.literal(0, "f32")})`;
  },
});

/** `x` to the constant power `exponent`, elementwise. */
export function pow(x: Tensor, exponent: number): Tensor {
  return apply(powP, { exponent }, [x]);
}
