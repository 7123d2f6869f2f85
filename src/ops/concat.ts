/** Concatenation along an axis. @module */
import { formatAval, stridesOf } from "../ir/aval.ts";
import { offsetIndex } from "../ir/index_expression.ts";
import { zerosNd } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { applyTo, withBatch } from "./elementwise.ts";
import { like } from "./fill.ts";
import { slice } from "./slice_pad.ts";

/** Parameters of {@linkcode concatP}. */
export interface ConcatParams {
  /** The axis along which the operands follow each other. */
  readonly axis: number;
}

/** Puts tensors behind each other along one axis. */
export const concatP: Primitive<ConcatParams> = /* @__PURE__ */ definePrimitive<ConcatParams>({
  name: "concat",
  aval: ({ axis }, inputs) => {
    const [first] = inputs;
    if (!first || axis < 0 || axis >= first.shape.length) {
      throw new TypeError(`axis ${axis} is no axis of ${first ? formatAval(first) : "nothing"}.`);
    }
    for (const { shape, dtype } of inputs) {
      const fits = dtype === first.dtype && shape.length === first.shape.length &&
        shape.every((extent, k) => k === axis || extent === first.shape[k]);
      if (!fits) throw new TypeError(`operands may differ along axis ${axis} only.`);
    }
    const total = inputs.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    return {
      shape: first.shape.map((extent, k) => k === axis ? total : extent),
      dtype: first.dtype,
    };
  },
  evaluate: ({ axis }, inputs, output) => {
    const result = zerosNd(output.shape, output.dtype);
    const inner = stridesOf(output.shape)[axis]!;
    const row = output.shape[axis]! * inner;
    let offset = 0;
    for (const { data, shape } of inputs) {
      const chunk = shape[axis]! * inner;
      for (let outer = 0; outer * row < result.data.length && chunk > 0; outer++) {
        result.data.set(data.subarray(outer * chunk, (outer + 1) * chunk), outer * row + offset);
      }
      offset += chunk;
    }
    return result;
  },
  jvp: (node, tangents) =>
    tangents.every((t) => !t)
      ? null
      : applyTo(node, tangents.map((t, k) => t ?? like(node.inputs[k]!, 0))),
  transpose: ({ params: { axis }, inputs }, ct, linear) => {
    let offset = 0;
    return inputs.map(({ shape }, k) => {
      const start = shape.map((_, at) => at === axis ? offset : 0);
      offset += shape[axis]!;
      return linear[k] ? slice(ct, { start, shape }) : null;
    });
  },
  vmap: ({ params: { axis } }, inputs, batch) =>
    concat(inputs.map((input) => withBatch(input, batch)), axis + 1),
  lower: {
    kind: "pointwise",
    cost: 2,
    elementwise: false,
    emit: (emitter, { params: { axis }, inputs }, index) => {
      let offset = 0;
      let code = "";
      inputs.forEach(({ shape }, k) => {
        const shifted = index.map((part, at) => at === axis ? offsetIndex(part, -offset) : part);
        const value = emitter.read(k, shifted);
        offset += shape[axis]!;
        code = k === 0
          ? value
          : `select(${code}, ${value}, ${emitter.inside(shifted[axis]!, 0, shape[axis]!)})`;
      });
      return code;
    },
  },
});

/** The tensors behind each other along `axis`; they may differ in extent along that axis only. */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  return tensors.length === 1 ? tensors[0]! : apply(concatP, { axis }, tensors);
}
