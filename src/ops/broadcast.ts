/** Broadcasting along new axes. The transpose is a sum. @module */
import { sameShape, type Shape, stridesOf } from "../ir/aval.ts";
import { copyStrided } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { applyTo } from "./elementwise.ts";
import { sum } from "./sum.ts";

/** Parameters of {@linkcode broadcastP}. */
export interface BroadcastParams {
  /** Shape of the result. */
  readonly shape: Shape;
  /** For each axis of the operand, the axis of the result that it becomes; increasing. */
  readonly axes: readonly number[];
}

/** Repeats a tensor along the result axes that are not in `axes`. */
export const broadcastP: Primitive<BroadcastParams> = /* @__PURE__ */ definePrimitive<
  BroadcastParams
>({
  name: "broadcast",
  aval: ({ shape, axes }, [x]) => {
    const fits = axes.length === x!.shape.length &&
      axes.every((axis, k) => shape[axis] === x!.shape[k] && (k === 0 || axis > axes[k - 1]!));
    if (!fits) throw new TypeError(`axes [${axes}] do not place it in [${shape}].`);
    return { shape, dtype: x!.dtype };
  },
  evaluate: ({ shape, axes }, [x]) => {
    const own = stridesOf(x!.shape);
    const strides = shape.map((_, axis) => {
      const k = axes.indexOf(axis);
      return k < 0 ? 0 : own[k]!;
    });
    return copyStrided(x!, shape, { offset: 0, strides });
  },
  jvp: (node, [t]) => t ? applyTo(node, [t]) : null,
  transpose: ({ params: { shape, axes } }, ct) => [
    sum(ct, shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis))),
  ],
  vmap: ({ params: { shape, axes } }, [x], batch) =>
    broadcast(x!.tensor, [batch, ...shape], [0, ...axes.map((axis) => axis + 1)]),
  lower: {
    kind: "pointwise",
    cost: 0,
    elementwise: false,
    emit: (emitter, { params: { axes } }, index) =>
      emitter.read(0, axes.map((axis) => index[axis]!)),
  },
});

/**
 * Repeats `x` so that it has the given shape.
 *
 * @param x The tensor.
 * @param shape Shape of the result.
 * @param axes For each axis of `x`, the axis of the result that it becomes, increasing.
 * @returns A tensor of the given shape.
 */
export function broadcast(x: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  if (sameShape(x.shape, shape) && axes.every((axis, k) => axis === k)) return x;
  return apply(broadcastP, { shape, axes }, [x]);
}
