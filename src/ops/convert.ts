/** Conversion between element types. @module */
import type { DType } from "../ir/aval.ts";
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { defineElementwise } from "./elementwise.ts";

/** Parameters of {@linkcode convertP}. */
export interface ConvertParams {
  /** Element type of the result. */
  readonly dtype: DType;
}

/** Converts values; `f32` to an integer rounds to zero, anything but zero is `true`. */
export const convertP: Primitive<ConvertParams> = defineElementwise<ConvertParams>({
  name: "convert",
  arity: 1,
  dtype: (_, { dtype }) => dtype,
  compute: ({ dtype }, x) =>
    dtype === "bool" ? (x !== 0 ? 1 : 0) : dtype === "f32" ? x : Math.trunc(x),
  jvp: ({ inputs: [x], params: { dtype } }, [t]) =>
    t && x!.dtype === "f32" && dtype === "f32" ? t : null,
  transpose: (_, ct) => [ct],
  cost: 1,
  wgsl: ([x], emitter, { params: { dtype } }) => `${emitter.type(dtype)}(${x})`,
});

/** `x` converted to another element type. */
export function convert(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : apply(convertP, { dtype }, [x]);
}
