/** Conversion between element types. @module */
import type { DType } from "../ir/aval.ts";
import { ndArray } from "../ir/nd_array.ts";
import type { Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { isNanCode } from "../ir/wgsl_numbers.ts";
import { defineElementwise } from "./elementwise.ts";

/** Parameters of {@linkcode convertP}. */
export interface ConvertParams {
  /** Element type of the result. */
  readonly dtype: DType;
}

/** Least and greatest integers that `f32` holds too. */
const RANGES = { i32: [-(2 ** 31), 2 ** 31 - 128], u32: [0, 2 ** 32 - 256] } as const;

/**
 * Converts values. `f32` to an integer takes the nearest number of {@linkcode RANGES} (the rule of
 * WGSL), rounds to zero, and gives 0 for NaN; between integers the bits stay; anything but zero,
 * NaN too, is `true`.
 */
export const convertP: Primitive<ConvertParams> = /* @__PURE__ */ keepingBits(
  /* @__PURE__ */ defineElementwise<ConvertParams>({
    name: "convert",
    arity: 1,
    dtype: (_, { dtype }) => dtype,
    compute: ({ dtype }, x) => {
      if (dtype === "bool") return x !== 0 ? 1 : 0;
      if (dtype === "f32") return x;
      const [low, high] = RANGES[dtype];
      return Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, low), high));
    },
    jvp: ({ inputs: [x], params: { dtype } }, [t]) =>
      t && x!.dtype === "f32" && dtype === "f32" ? t : null,
    transpose: (_, ct) => [ct],
    cost: 1,
    wgsl: ([x], emitter, { inputs, params: { dtype } }) => {
      const converted = `${emitter.type(dtype)}(${x})`;
      if (inputs[0]!.dtype !== "f32" || dtype === "f32" || dtype === "bool") return converted;
      return `select(${converted}, ${emitter.literal(0, dtype)}, ${isNanCode(x!, emitter)})`;
    },
  }),
);

/** Integers are stored as other integers as they are: modulo 2^32. */
function keepingBits(primitive: Primitive<ConvertParams>): Primitive<ConvertParams> {
  return {
    ...primitive,
    evaluate: (params, inputs, outputs) => {
      const isInteger = inputs[0]!.dtype !== "f32" && params.dtype !== "bool";
      if (!isInteger) return primitive.evaluate(params, inputs, outputs);
      return [ndArray(outputs[0]!, inputs[0]!.data)];
    },
  };
}

/** `x` converted to another element type. */
export function convert(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : apply(convertP, { dtype }, [x]);
}
