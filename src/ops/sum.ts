/** Sum over axes. The transpose is a broadcast. @module */
import type { Aval, Shape } from "../ir/aval.ts";
import { stridesOf } from "../ir/aval.ts";
import { type NdArray, zerosNd } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { broadcast } from "./broadcast.ts";
import { applyTo, requireFloat } from "./elementwise.ts";

/** Parameters of reductions. */
export interface ReduceParams {
  /** The axes that disappear, increasing. */
  readonly axes: readonly number[];
}

/** Sum over axes. */
export const sumP: Primitive<ReduceParams> = /* @__PURE__ */ definePrimitive<ReduceParams>({
  name: "sum",
  aval: ({ axes }, [x]) => {
    requireFloat(x!);
    return { shape: reducedShape(x!, axes), dtype: "f32" };
  },
  evaluate: ({ axes }, [x], output) => {
    const result = zerosNd(output.shape, output.dtype);
    forEachReduced(x!, axes, (target, source) => {
      result.data[target]! += x!.data[source]!;
    });
    return result;
  },
  jvp: (node, [t]) => t ? applyTo(node, [t]) : null,
  transpose: ({ params: { axes }, inputs: [x] }, ct) => [
    broadcast(ct, x!.shape, keptAxes(x!.shape, axes)),
  ],
  vmap: ({ params: { axes } }, [x]) => sum(x!.tensor, axes.map((axis) => axis + 1)),
  lower: { kind: "reduce", op: "sum", axes: ({ axes }) => axes },
});

/** The axes of a shape that a reduction keeps. */
export function keptAxes(shape: Shape, axes: readonly number[]): number[] {
  return shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
}

/** Shape of a reduction's result; throws where `axes` are not increasing axes of `x`. */
export function reducedShape(x: Aval, axes: readonly number[]): Shape {
  axes.forEach((axis, k) => {
    if (axis < 0 || axis >= x.shape.length || (k > 0 && axis <= axes[k - 1]!)) {
      throw new TypeError(
        `[${axes}] are not increasing axes of a tensor of rank ${x.shape.length}.`,
      );
    }
  });
  return keptAxes(x.shape, axes).map((axis) => x.shape[axis]!);
}

/**
 * Visits every element of `x` with its position in the reduction's result and its row-major
 * position within the reduced axes.
 */
export function forEachReduced(
  x: NdArray,
  axes: readonly number[],
  visit: (target: number, source: number, position: number) => void,
): void {
  const { shape } = x;
  const kept = keptAxes(shape, axes);
  const keptStrides = stridesOf(kept.map((axis) => shape[axis]!));
  const innerStrides = stridesOf(axes.map((axis) => shape[axis]!));
  const toTarget = shape.map((_, axis) =>
    kept.includes(axis) ? keptStrides[kept.indexOf(axis)]! : 0
  );
  const toInner = shape.map((_, axis) =>
    axes.includes(axis) ? innerStrides[axes.indexOf(axis)]! : 0
  );
  const counter = new Array<number>(shape.length).fill(0);
  let target = 0;
  let inner = 0;
  for (let source = 0; source < x.data.length; source++) {
    visit(target, source, inner);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      target += toTarget[axis]!;
      inner += toInner[axis]!;
      if (++counter[axis]! < shape[axis]!) break;
      target -= counter[axis]! * toTarget[axis]!;
      inner -= counter[axis]! * toInner[axis]!;
      counter[axis] = 0;
    }
  }
}

/** Sum of `x` over `axes` (increasing), which disappear. */
export function sum(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : apply(sumP, { axes }, [x]);
}
