/** Strided slice and zero padding (outer and between elements): each other's transpose. @module */
import { formatAval, sameShape, type Shape, stridesOf } from "../ir/aval.ts";
import { divideIndex, moduloIndex, offsetIndex, scaleIndex } from "../ir/index_expression.ts";
import { copyStrided, zerosNd } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { applyTo } from "./elementwise.ts";

/** Parameters of {@linkcode sliceP}. */
export interface SliceParams {
  /** First position along each axis. */
  readonly start: readonly number[];
  /** Extent of the result along each axis. */
  readonly shape: Shape;
  /** Step along each axis. */
  readonly stride: readonly number[];
}

/** Every `stride`-th element from `start` on. */
export const sliceP: Primitive<SliceParams> = /* @__PURE__ */ definePrimitive<SliceParams>({
  name: "slice",
  aval: ({ start, shape, stride }, [x]) => {
    const fits = [start, shape, stride].every((list) => list.length === x!.shape.length) &&
      x!.shape.every((extent, k) =>
        start[k]! >= 0 && stride[k]! >= 1 && shape[k]! >= 0 &&
        (shape[k] === 0 || start[k]! + (shape[k]! - 1) * stride[k]! < extent)
      );
    if (!fits) {
      throw new TypeError(
        `a slice from [${start}] of shape [${shape}] with stride [${stride}] leaves ${
          formatAval(x!)
        }.`,
      );
    }
    return { shape, dtype: x!.dtype };
  },
  evaluate: ({ start, shape, stride }, [x]) => {
    const own = stridesOf(x!.shape);
    return copyStrided(x!, shape, {
      offset: start.reduce((offset, first, k) => offset + first * own[k]!, 0),
      strides: own.map((step, k) => step * stride[k]!),
    });
  },
  jvp: (node, [t]) => t ? applyTo(node, [t]) : null,
  transpose: ({ params: { start, shape, stride }, inputs: [x] }, ct) => [
    pad(ct, {
      low: start,
      high: x!.shape.map((extent, k) =>
        extent - start[k]! - Math.max(0, (shape[k]! - 1) * stride[k]! + 1)
      ),
      interior: stride.map((step) => step - 1),
    }),
  ],
  vmap: ({ params: { start, shape, stride } }, [x], batch) =>
    slice(x!.tensor, { start: [0, ...start], shape: [batch, ...shape], stride: [1, ...stride] }),
  lower: {
    kind: "pointwise",
    cost: 0,
    elementwise: false,
    emit: (emitter, { params: { start, stride } }, index) =>
      emitter.read(0, index.map((part, k) => offsetIndex(scaleIndex(part, stride[k]!), start[k]!))),
  },
});

/** Parameters of {@linkcode padP}. */
export interface PadParams {
  /** Zeros before the first element of each axis. */
  readonly low: readonly number[];
  /** Zeros after the last element of each axis. */
  readonly high: readonly number[];
  /** Zeros between neighbours of each axis. */
  readonly interior: readonly number[];
}

/** Puts zeros around and between elements. */
export const padP: Primitive<PadParams> = /* @__PURE__ */ definePrimitive<PadParams>({
  name: "pad",
  aval: ({ low, high, interior }, [x]) => {
    const lists = [low, high, interior];
    if (lists.some((list) => list.length !== x!.shape.length || list.some((n) => n < 0))) {
      throw new TypeError(`paddings [${low}], [${high}], [${interior}] must be >= 0, one an axis.`);
    }
    if (x!.dtype === "bool") throw new TypeError("expected a numeric operand, found bool.");
    return { shape: x!.shape.map((extent, k) => paddedExtent(extent, k, lists)), dtype: x!.dtype };
  },
  evaluate: ({ low, interior }, [x], output) => {
    const result = zerosNd(output.shape, output.dtype);
    const target = stridesOf(output.shape);
    const source = stridesOf(x!.shape);
    for (let i = 0; i < x!.data.length; i++) {
      let position = 0;
      for (let k = 0; k < source.length; k++) {
        const at = Math.floor(i / source[k]!) % x!.shape[k]!;
        position += (low[k]! + at * (interior[k]! + 1)) * target[k]!;
      }
      result.data[position] = x!.data[i]!;
    }
    return result;
  },
  jvp: (node, [t]) => t ? applyTo(node, [t]) : null,
  transpose: ({ params: { low, interior }, inputs: [x] }, ct) => [
    slice(ct, { start: low, shape: x!.shape, stride: interior.map((n) => n + 1) }),
  ],
  vmap: ({ params: { low, high, interior } }, [x]) =>
    pad(x!.tensor, { low: [0, ...low], high: [0, ...high], interior: [0, ...interior] }),
  lower: {
    kind: "pointwise",
    cost: 2,
    elementwise: false,
    emit: (emitter, { params: { low, high, interior }, inputs: [x] }, index) => {
      const conditions: string[] = [];
      const inner = index.map((part, k) => {
        const shifted = offsetIndex(part, -low[k]!);
        const step = interior[k]! + 1;
        const extent = x!.shape[k]!;
        if (low[k] !== 0 || high[k] !== 0) {
          conditions.push(emitter.inside(shifted, 0, (extent - 1) * step + 1));
        }
        if (step === 1) return shifted;
        conditions.push(emitter.inside(moduloIndex(shifted, step), 0, 1));
        return divideIndex(shifted, step);
      });
      const value = emitter.read(0, inner);
      if (conditions.length === 0) return value;
      return `select(${emitter.literal(0, x!.dtype)}, ${value}, ${conditions.join(" & ")})`;
    },
  },
});

function paddedExtent(extent: number, axis: number, lists: readonly (readonly number[])[]): number {
  const [low, high, interior] = lists.map((list) => list[axis]!);
  return low! + high! + extent + Math.max(0, extent - 1) * interior!;
}

/** The part of `x` from `start` on, of the given shape, taking every `stride`-th element. */
export function slice(
  x: Tensor,
  { start, shape, stride }: {
    readonly start: readonly number[];
    readonly shape: Shape;
    readonly stride?: readonly number[];
  },
): Tensor {
  const step = stride ?? shape.map(() => 1);
  const isWhole = sameShape(x.shape, shape) &&
    shape.every((extent, k) => start[k] === 0 && (step[k] === 1 || extent <= 1));
  return isWhole ? x : apply(sliceP, { start, shape, stride: step }, [x]);
}

/** `x` with zeros before, after and between its elements, counted for each axis. */
export function pad(
  x: Tensor,
  { low, high, interior }: {
    readonly low: readonly number[];
    readonly high: readonly number[];
    readonly interior?: readonly number[];
  },
): Tensor {
  const between = interior ?? low.map(() => 0);
  if ([low, high, between].every((list) => list.every((n) => n === 0))) return x;
  return apply(padP, { low, high, interior: between }, [x]);
}
