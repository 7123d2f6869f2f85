/**
 * Standardization by the tensor's own statistics: the core of batch and layer normalization.
 *
 * @module
 */
import type { Aval } from "../ir/aval.ts";
import { zerosNd } from "../ir/nd_array.ts";
import type { Primitive } from "../ir/primitive.ts";
import { applyAll, type Tensor } from "../ir/tensor.ts";
import { add, neg, sub } from "./add.ts";
import { broadcast } from "./broadcast.ts";
import { requireFloat } from "./elementwise.ts";
import { like } from "./fill.ts";
import { mul } from "./mul.ts";
import { reshape } from "./reshape.ts";
import { maximum } from "./select.ts";
import { slice } from "./slice_pad.ts";
import { rsqrt } from "./sqrt.ts";
import { forEachReduced, keptAxes, reducedShape, sum } from "./sum.ts";

/** Parameters of {@linkcode standardizeP}. */
export interface StandardizeParams {
  /** The axes over which the statistics are taken, increasing. */
  readonly axes: readonly number[];
  /** Added to the variance. */
  readonly epsilon: number;
}

/** Results of {@linkcode standardize}. */
export interface Standardized {
  /** `(x - mean) * scale`, of the shape of `x`. */
  readonly normal: Tensor;
  /** Mean over the axes, which disappear. */
  readonly mean: Tensor;
  /** `1 / sqrt(variance + epsilon)` with the biased variance; the axes disappear. */
  readonly scale: Tensor;
}

/**
 * Standardization over axes; results `normal`, `mean`, `scale` as in {@linkcode Standardized}.
 *
 * With `<.>` the mean over the axes, the differential has a closed form that is its own transpose:
 * `d normal = scale (dx - <dx> - normal <normal dx>)`, `d scale = -scale^2 <normal dx>`
 * (Ioffe and Szegedy, arXiv 1502.03167, section 3). Derivatives of any order use the same two means.
 */
export const standardizeP: Primitive<StandardizeParams> = {
  name: "standardize",
  avals: ({ axes }, [x]) => {
    requireFloat(x!);
    if (axes.length === 0) throw new TypeError("expected at least one axis.");
    const kept: Aval = { shape: reducedShape(x!, axes), dtype: "f32" };
    return [{ shape: x!.shape, dtype: "f32" }, kept, kept];
  },
  evaluate: ({ axes, epsilon }, [x], outputs) => {
    const [normal, mean, scale] = outputs.map(({ shape }) => zerosNd(shape, "f32"));
    const count = x!.data.length / mean!.data.length;
    forEachReduced(x!, axes, (target, source) => {
      mean!.data[target]! += x!.data[source]!;
    });
    // Divided last: of equal numbers the mean is that number.
    mean!.data.forEach((total, at) => mean!.data[at] = total / count);
    forEachReduced(x!, axes, (target, source) => {
      scale!.data[target]! += (x!.data[source]! - mean!.data[target]!) ** 2;
    });
    scale!.data.forEach((squares, at) => {
      scale!.data[at] = 1 / Math.sqrt(squares / count + epsilon);
    });
    forEachReduced(x!, axes, (target, source) => {
      normal!.data[source] = (x!.data[source]! - mean!.data[target]!) * scale!.data[target]!;
    });
    return [normal!, mean!, scale!];
  },
  jvp: ({ inputs: [x], outputs: [normal, , scale], params: { axes } }, [t]) => {
    if (!t) return [null, null, null];
    const wide = (tensor: Tensor): Tensor => broadcast(tensor, x!.shape, keptAxes(x!.shape, axes));
    const tangentMean = meanOver(t, axes);
    const projection = meanOver(mul(normal!, t), axes);
    const centred = sub(sub(t, wide(tangentMean)), mul(normal!, wide(projection)));
    return [
      mul(wide(scale!), centred),
      tangentMean,
      neg(mul(mul(scale!, scale!), projection)),
    ];
  },
  transpose: "not linear",
  vmap: ({ params: { axes, epsilon } }, [x]) =>
    applyAll(standardizeP, { axes: axes.map((axis) => axis + 1), epsilon }, [x!.tensor]),
  lower: {
    kind: "expand",
    // One pass over x: with d = x - shift, mean = shift + <d> and variance = <d^2> - <d>^2. The
    // shift is the first element, so that little cancels even where the mean is far from zero
    // (Chan, Golub and LeVeque, The American Statistician 37, 1983).
    expand: ({ inputs: [x], params: { axes, epsilon } }) => {
      const wide = (tensor: Tensor): Tensor =>
        broadcast(tensor, x!.shape, keptAxes(x!.shape, axes));
      const shift = firstOver(x!, axes);
      if (shift.size === x!.size) {
        // One element is its mean, and differs from it by 0, or by NaN where it is not finite.
        const zero = sub(shift, shift);
        const scale = rsqrt(add(zero, like(zero, epsilon)));
        return [wide(mul(zero, scale)), shift, scale];
      }
      const distance = sub(x!, wide(shift));
      const centre = meanOver(distance, axes);
      const variance = sub(meanOver(mul(distance, distance), axes), mul(centre, centre));
      const positive = maximum(variance, like(variance, 0));
      const mean = add(shift, centre);
      const scale = rsqrt(add(positive, like(variance, epsilon)));
      return [mul(sub(x!, wide(mean)), wide(scale)), mean, scale];
    },
  },
  flops: (_, [x]) => 6 * x!.shape.reduce((size, extent) => size * extent, 1),
};

/** The first element along the axes, which disappear. */
function firstOver(x: Tensor, axes: readonly number[]): Tensor {
  const kept = keptAxes(x.shape, axes).map((axis) => x.shape[axis]!);
  const shape = x.shape.map((extent, axis) => axes.includes(axis) ? 1 : extent);
  return reshape(slice(x, { start: shape.map(() => 0), shape }), kept);
}

function meanOver(x: Tensor, axes: readonly number[]): Tensor {
  const total = sum(x, axes);
  return mul(total, like(total, total.size / x.size));
}

/**
 * Standardizes `x` over `axes` by its own mean and biased variance.
 *
 * @param x The tensor.
 * @param axes Increasing axes over which the statistics are taken.
 * @param epsilon Added to the variance.
 * @returns The standardized tensor and the statistics.
 */
export function standardize(x: Tensor, axes: readonly number[], epsilon: number): Standardized {
  const [normal, mean, scale] = applyAll(standardizeP, { axes, epsilon }, [x]);
  return { normal: normal!, mean: mean!, scale: scale! };
}
