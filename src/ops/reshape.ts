/** Reshape and permutation of axes; both are their own kind of transpose. @module */
import { formatAval, sameShape, type Shape, sizeOf, stridesOf } from "../ir/aval.ts";
import { flattenIndex, type Index, unflattenIndex } from "../ir/index_expression.ts";
import { copyStrided } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { applyTo } from "./elementwise.ts";

/** Parameters of {@linkcode reshapeP}. */
export interface ReshapeParams {
  /** Shape of the result. */
  readonly shape: Shape;
}

/** The same elements in row-major order under another shape. */
export const reshapeP: Primitive<ReshapeParams> = /* @__PURE__ */ definePrimitive<ReshapeParams>({
  name: "reshape",
  aval: ({ shape }, [x]) => {
    if (sizeOf(shape) !== sizeOf(x!.shape)) {
      throw new TypeError(
        `[${shape}] has ${sizeOf(shape)} elements, ${formatAval(x!)} has ${sizeOf(x!.shape)}.`,
      );
    }
    return { shape, dtype: x!.dtype };
  },
  evaluate: ({ shape }, [x]) => ({ shape, dtype: x!.dtype, data: x!.data }),
  jvp: (node, [t]) => t ? applyTo(node, [t]) : null,
  transpose: ({ inputs: [x] }, ct) => [reshape(ct, x!.shape)],
  vmap: ({ params: { shape } }, [x], batch) => reshape(x!.tensor, [batch, ...shape]),
  lower: { kind: "alias" },
});

/** Parameters of {@linkcode permuteP}. */
export interface PermuteParams {
  /** For each axis of the result, the axis of the operand that it was. */
  readonly order: readonly number[];
}

/** Axes in another order. */
export const permuteP: Primitive<PermuteParams> = /* @__PURE__ */ definePrimitive<PermuteParams>({
  name: "permute",
  aval: ({ order }, [x]) => {
    const sorted = [...order].sort((a, b) => a - b);
    if (sorted.length !== x!.shape.length || sorted.some((axis, k) => axis !== k)) {
      throw new TypeError(`[${order}] is no order of the ${x!.shape.length} axes.`);
    }
    return { shape: order.map((axis) => x!.shape[axis]!), dtype: x!.dtype };
  },
  evaluate: ({ order }, [x], output) => {
    const own = stridesOf(x!.shape);
    return copyStrided(x!, output.shape, { offset: 0, strides: order.map((axis) => own[axis]!) });
  },
  jvp: (node, [t]) => t ? applyTo(node, [t]) : null,
  transpose: ({ params: { order } }, ct) => [permute(ct, invert(order))],
  vmap: ({ params: { order } }, [x]) => permute(x!.tensor, [0, ...order.map((axis) => axis + 1)]),
  lower: {
    kind: "pointwise",
    cost: 0,
    elementwise: false,
    emit: (emitter, { params: { order } }, index) =>
      emitter.read(0, invert(order).map((axis) => index[axis]!)),
  },
});

function invert(order: readonly number[]): number[] {
  return order.map((_, axis) => order.indexOf(axis));
}

/** Index of the operand of a reshape that holds the result's element `index`. */
export function reshapeIndex(
  index: readonly Index[],
  to: Shape,
  from: Shape,
): Index[] {
  return unflattenIndex(flattenIndex(index, to), from);
}

/** `x` in row-major order under another shape of as many elements. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(reshapeP, { shape }, [x]);
}

/** `x` with its axes in another order: axis `k` of the result is axis `order[k]` of `x`. */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  return order.every((axis, k) => axis === k) && order.length === x.rank
    ? x
    : apply(permuteP, { order }, [x]);
}
