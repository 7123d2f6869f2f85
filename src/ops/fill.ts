/** Constant tensors and index ramps. @module */
import type { Aval, DType, Shape } from "../ir/aval.ts";
import { misfit, stridesOf } from "../ir/aval.ts";
import { addIndex, constantIndex, scaleIndex } from "../ir/index_expression.ts";
import { zerosNd } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { withBatch } from "./elementwise.ts";

/** Parameters of {@linkcode fillP}. */
export interface FillParams extends Aval {
  /** Value of every element. */
  readonly value: number;
}

/** A tensor whose elements are all equal. */
export const fillP: Primitive<FillParams> = /* @__PURE__ */ definePrimitive<FillParams>({
  name: "fill",
  aval: ({ shape, dtype, value }) => {
    const wrong = misfit([value], dtype);
    if (wrong) throw new TypeError(`${wrong}.`);
    return { shape, dtype };
  },
  evaluate: ({ value }, _, output) => {
    const result = zerosNd(output.shape, output.dtype);
    result.data.fill(value);
    return result;
  },
  jvp: "constant",
  transpose: "not linear",
  vmap: ({ params }, _, batch) => apply(fillP, { ...params, shape: [batch, ...params.shape] }, []),
  lower: {
    kind: "pointwise",
    cost: 0,
    elementwise: false,
    emit: (emitter, { params: { value, dtype } }) => emitter.number(value, dtype),
  },
});

/** Parameters of {@linkcode iotaP}. */
export interface IotaParams extends Aval {
  /** The axes that are counted. */
  readonly axes: readonly number[];
}

/** Row-major position of each element within the given axes. */
export const iotaP: Primitive<IotaParams> = /* @__PURE__ */ definePrimitive<IotaParams>({
  name: "iota",
  aval: ({ shape, dtype, axes }) => {
    if (dtype === "bool") throw new TypeError("expected a numeric type, found bool.");
    if (axes.some((axis) => axis < 0 || axis >= shape.length)) {
      throw new TypeError(`axes [${axes}] are not all axes of a tensor of rank ${shape.length}.`);
    }
    return { shape, dtype };
  },
  evaluate: ({ axes }, _, output) => {
    const result = zerosNd(output.shape, output.dtype);
    const strides = stridesOf(output.shape);
    const inner = stridesOf(axes.map((axis) => output.shape[axis]!));
    for (let i = 0; i < result.data.length; i++) {
      let value = 0;
      axes.forEach((axis, k) => {
        value += Math.floor(i / strides[axis]!) % output.shape[axis]! * inner[k]!;
      });
      result.data[i] = value;
    }
    return result;
  },
  jvp: "constant",
  transpose: "not linear",
  vmap: (node, _, batch) => withBatch({ tensor: node.outputs[0]!, batched: false }, batch),
  lower: {
    kind: "pointwise",
    cost: 1,
    elementwise: false,
    emit: (emitter, { params: { axes, shape, dtype } }, index) => {
      const inner = stridesOf(axes.map((axis) => shape[axis]!));
      let position = constantIndex(0);
      axes.forEach((axis, k) => {
        position = addIndex(position, scaleIndex(index[axis]!, inner[k]!));
      });
      return emitter.integer(position, dtype);
    },
  },
});

/** A tensor of the given shape whose elements are all `value`. */
export function fill(value: number, shape: Shape, dtype: DType = "f32"): Tensor {
  return apply(fillP, { value, shape, dtype }, []);
}

/** The value of all elements of a tensor that {@linkcode fill} made, else `undefined`. */
export function constantOf({ node: { primitive, params } }: Tensor): number | undefined {
  return primitive.name === fillP.name ? (params as FillParams).value : undefined;
}

/** A tensor like `x` (shape and type) whose elements are all `value`. */
export function like(x: Aval, value: number): Tensor {
  if (x?.shape === undefined) requireTensor("make a tensor like another", x);
  return fill(value, x.shape, x.dtype);
}

/** Row-major position of each element within `axes` of a tensor of the given shape. */
export function iota(shape: Shape, axes: readonly number[], dtype: DType = "i32"): Tensor {
  return apply(iotaP, { shape, axes, dtype }, []);
}
