/** Largest element over axes, and its position. @module */
import { zerosNd } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { broadcast } from "./broadcast.ts";
import { equal } from "./compare.ts";
import { requireFloat } from "./elementwise.ts";
import { iota, like } from "./fill.ts";
import { select } from "./select.ts";
import { forEachReduced, keptAxes, reducedShape, type ReduceParams, sum } from "./sum.ts";

/**
 * Largest element over axes, NaN where one is, -Infinity of none; the derivative goes to the first
 * of the largest, or to the first NaN.
 */
export const reduceMaxP: Primitive<ReduceParams> = /* @__PURE__ */ definePrimitive<ReduceParams>({
  name: "reduce_max",
  aval: ({ axes }, [x]) => {
    requireFloat(x!);
    return { shape: reducedShape(x!, axes), dtype: "f32" };
  },
  evaluate: ({ axes }, [x], output) => {
    const result = zerosNd(output.shape, output.dtype);
    result.data.fill(-Infinity);
    forEachReduced(x!, axes, (target, source) => {
      result.data[target] = Math.max(result.data[target]!, x!.data[source]!);
    });
    return result;
  },
  // The tangent is gathered at the arg-max, written as a sum over one-hot positions: linear in the
  // tangent, and its transpose is again elementwise.
  jvp: ({ params: { axes }, inputs: [x] }, [t]) => {
    if (!t) return null;
    const winner = broadcast(argMax(x!, axes), x!.shape, keptAxes(x!.shape, axes));
    const isWinner = equal(winner, iota(x!.shape, axes));
    return sum(select(isWinner, t, like(t, 0)), axes);
  },
  transpose: "not linear",
  vmap: ({ params: { axes } }, [x]) => reduceMax(x!.tensor, axes.map((axis) => axis + 1)),
  lower: { kind: "reduce", op: "max", axes: ({ axes }) => axes },
});

/**
 * Row-major position, within the reduced axes, of the first largest element, or of the first NaN
 * where there is one; `i32`.
 */
export const argMaxP: Primitive<ReduceParams> = /* @__PURE__ */ definePrimitive<ReduceParams>({
  name: "argmax",
  aval: ({ axes }, [x]) => {
    requireFloat(x!);
    return { shape: reducedShape(x!, axes), dtype: "i32" };
  },
  evaluate: ({ axes }, [x], output) => {
    const result = zerosNd(output.shape, output.dtype);
    const best = new Float64Array(result.data.length).fill(-Infinity);
    forEachReduced(x!, axes, (target, source, position) => {
      const value = x!.data[source]!;
      if (value > best[target]! || (Number.isNaN(value) && !Number.isNaN(best[target]))) {
        best[target] = value;
        result.data[target] = position;
      }
    });
    return result;
  },
  jvp: "constant",
  transpose: "not linear",
  vmap: ({ params: { axes } }, [x]) => argMax(x!.tensor, axes.map((axis) => axis + 1)),
  lower: { kind: "reduce", op: "argmax", axes: ({ axes }) => axes },
});

/** Largest element of `x` over `axes` (increasing), which disappear. */
export function reduceMax(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : apply(reduceMaxP, { axes }, [x]);
}

/** Position (`i32`) of the first largest element of `x` within `axes` (increasing). */
export function argMax(x: Tensor, axes: readonly number[]): Tensor {
  return apply(argMaxP, { axes }, [x]);
}
