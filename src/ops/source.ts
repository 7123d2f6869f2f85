/** Values that come from outside: inputs of a program and literal arrays. @module */
import { type Aval, type DType, formatAval, misfit, type Shape, sizeOf } from "../ir/aval.ts";
import { ndArray } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { withBatch } from "./elementwise.ts";

/** An input of a program. */
export const inputP: Primitive<Aval> = /* @__PURE__ */ definePrimitive<Aval>({
  name: "input",
  aval: ({ shape, dtype }) => ({ shape, dtype }),
  evaluate: (_, __, output) => {
    throw new Error(`Cannot evaluate an input ${formatAval(output)}: it was not given a value.`);
  },
  jvp: "constant",
  transpose: "not linear",
  vmap: (node, _, batch) => withBatch({ tensor: node.outputs[0]!, batched: false }, batch),
  lower: { kind: "source" },
});

/** Parameters of {@linkcode literalP}. */
export interface LiteralParams extends Aval {
  /** The elements, row-major. */
  readonly data: ArrayLike<number>;
}

/** An array known while tracing. */
export const literalP: Primitive<LiteralParams> = /* @__PURE__ */ definePrimitive<LiteralParams>({
  name: "literal",
  aval: ({ shape, dtype, data }) => {
    if (data.length !== sizeOf(shape)) {
      throw new TypeError(`found ${data.length} values, expected ${sizeOf(shape)}.`);
    }
    const wrong = misfit(data, dtype);
    if (wrong) throw new TypeError(`${wrong}.`);
    return { shape, dtype };
  },
  evaluate: ({ data }, _, output) => ndArray(output, data),
  jvp: "constant",
  transpose: "not linear",
  vmap: (node, _, batch) => withBatch({ tensor: node.outputs[0]!, batched: false }, batch),
  lower: { kind: "source" },
});

/** A new input of a program under construction. */
export function input(aval: Aval): Tensor {
  return apply(inputP, { shape: aval.shape, dtype: aval.dtype }, []);
}

/** A constant array of the given values, row-major. */
export function literal(
  values: ArrayLike<number>,
  shape: Shape,
  dtype: DType = "f32",
): Tensor {
  return apply(literalP, { shape, dtype, data: values }, []);
}
