/** Reversal of axes; its own transpose. @module */
import { stridesOf } from "../ir/aval.ts";
import { offsetIndex, scaleIndex } from "../ir/index_expression.ts";
import { copyStrided } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { applyTo } from "./elementwise.ts";

/** Parameters of {@linkcode reverseP}. */
export interface ReverseParams {
  /** The axes that run backwards. */
  readonly axes: readonly number[];
}

/** Elements in reverse order along axes. */
export const reverseP: Primitive<ReverseParams> = /* @__PURE__ */ definePrimitive<ReverseParams>({
  name: "reverse",
  aval: ({ axes }, [x]) => {
    if (axes.some((axis) => axis < 0 || axis >= x!.shape.length)) {
      throw new TypeError(`[${axes}] are not axes of a tensor of rank ${x!.shape.length}.`);
    }
    return { shape: x!.shape, dtype: x!.dtype };
  },
  evaluate: ({ axes }, [x]) => {
    const own = stridesOf(x!.shape);
    return copyStrided(x!, x!.shape, {
      offset: axes.reduce((offset, axis) => offset + (x!.shape[axis]! - 1) * own[axis]!, 0),
      strides: own.map((step, axis) => axes.includes(axis) ? -step : step),
    });
  },
  jvp: (node, [t]) => t ? applyTo(node, [t]) : null,
  transpose: (node, ct) => [applyTo(node, [ct])],
  vmap: ({ params: { axes } }, [x]) => reverse(x!.tensor, axes.map((axis) => axis + 1)),
  lower: {
    kind: "pointwise",
    cost: 0,
    elementwise: false,
    emit: (emitter, { params: { axes }, inputs: [x] }, index) =>
      emitter.read(
        0,
        index.map((part, axis) =>
          axes.includes(axis) ? offsetIndex(scaleIndex(part, -1), x!.shape[axis]! - 1) : part
        ),
      ),
  },
});

/** `x` with the order of elements reversed along `axes`. */
export function reverse(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : apply(reverseP, { axes }, [x]);
}
