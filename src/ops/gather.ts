/** Selection of rows by index, and its transpose, the addition into rows. @module */
import { type Aval, formatAval, sameShape, sizeOf } from "../ir/aval.ts";
import { zerosNd } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { broadcast } from "./broadcast.ts";
import { equal } from "./compare.ts";
import { applyTo, requireFloat, withBatch } from "./elementwise.ts";
import { iota, like } from "./fill.ts";
import { maximum, minimum, select } from "./select.ts";
import { sum } from "./sum.ts";

/** Parameters of {@linkcode gatherP}. */
export interface GatherParams {
  /** Leading axes that operand and indices share. */
  readonly batchAxes: number;
}

/**
 * Rows by index: operand `[batch..., rows, rest...]`, indices `i32[batch..., count]`, result
 * `[batch..., count, rest...]`. Indices outside of `[0, rows)` are clamped.
 */
export const gatherP: Primitive<GatherParams> = /* @__PURE__ */ definePrimitive<GatherParams>({
  name: "gather",
  aval: ({ batchAxes }, [x, indices]) => {
    checkIndices(x!, indices!, batchAxes);
    return {
      shape: [...indices!.shape, ...x!.shape.slice(batchAxes + 1)],
      dtype: x!.dtype,
    };
  },
  evaluate: ({ batchAxes }, [x, indices], output) => {
    const result = zerosNd(output.shape, output.dtype);
    forEachRow(x!, indices!, batchAxes, (operandRow, resultRow, width) => {
      result.data.set(x!.data.subarray(operandRow, operandRow + width), resultRow);
    });
    return result;
  },
  jvp: (node, [t]) => t ? applyTo(node, [t, node.inputs[1]!]) : null,
  transpose: ({ params: { batchAxes }, inputs: [x, indices] }, ct) => [
    scatterAdd(ct, indices!, { rows: x!.shape[batchAxes]!, batchAxes }),
    null,
  ],
  vmap: ({ params: { batchAxes } }, [x, indices], batch) =>
    gather(withBatch(x!, batch), withBatch(indices!, batch), batchAxes + 1),
  lower: {
    kind: "pointwise",
    cost: 2,
    elementwise: false,
    emit: (emitter, { params: { batchAxes }, inputs: [x] }, index) => {
      const row = emitter.indirect(1, index.slice(0, batchAxes + 1), x!.shape[batchAxes]!);
      return emitter.read(0, [
        ...index.slice(0, batchAxes),
        row,
        ...index.slice(batchAxes + 1),
      ]);
    },
  },
});

/** Parameters of {@linkcode scatterAddP}. */
export interface ScatterAddParams extends GatherParams {
  /** Rows of the result. */
  readonly rows: number;
}

/**
 * Adds rows into zeros: updates `f32[batch..., count, rest...]`, indices `i32[batch..., count]`,
 * result `[batch..., rows, rest...]`. The transpose of {@linkcode gatherP}.
 */
export const scatterAddP: Primitive<ScatterAddParams> = /* @__PURE__ */ definePrimitive<
  ScatterAddParams
>({
  name: "scatter_add",
  aval: ({ batchAxes, rows }, [updates, indices]) => {
    if (!sameShape(updates!.shape.slice(0, batchAxes + 1), indices!.shape)) {
      throw new TypeError(`updates ${formatAval(updates!)} need indices of their leading axes.`);
    }
    requireFloat(updates!);
    const shape = [...updates!.shape];
    shape[batchAxes] = rows;
    checkIndices({ shape, dtype: updates!.dtype }, indices!, batchAxes);
    return { shape, dtype: updates!.dtype };
  },
  evaluate: ({ batchAxes }, [updates, indices], output) => {
    const result = zerosNd(output.shape, output.dtype);
    forEachRow(result, indices!, batchAxes, (resultRow, updateRow, width) => {
      for (let k = 0; k < width; k++) result.data[resultRow + k]! += updates!.data[updateRow + k]!;
    });
    return result;
  },
  jvp: (node, [t]) => t ? applyTo(node, [t, node.inputs[1]!]) : null,
  transpose: ({ params: { batchAxes }, inputs: [, indices] }, ct) => [
    gather(ct, indices!, batchAxes),
    null,
  ],
  vmap: ({ params: { batchAxes, rows } }, [updates, indices], batch) =>
    scatterAdd(withBatch(updates!, batch), withBatch(indices!, batch), {
      rows,
      batchAxes: batchAxes + 1,
    }),
  lower: {
    kind: "expand",
    // result[r] = sum over c of (index[c] == r ? updates[c] : 0): no atomics, always the same bits.
    expand: ({ params: { batchAxes, rows }, inputs: [updates, indices] }) => {
      const shape = [...updates!.shape];
      shape.splice(batchAxes, 0, rows);
      const axes = shape.map((_, axis) => axis);
      const spread = broadcast(updates!, shape, axes.filter((axis) => axis !== batchAxes));
      const clamped = broadcast(
        maximum(minimum(indices!, like(indices!, rows - 1)), like(indices!, 0)),
        shape,
        [...axes.slice(0, batchAxes), batchAxes + 1],
      );
      const hit = equal(clamped, iota(shape, [batchAxes]));
      return [sum(select(hit, spread, like(spread, 0)), [batchAxes + 1])];
    },
  },
  flops: (_, [updates]) => sizeOf(updates!.shape),
});

function checkIndices(x: Aval, indices: Aval, batchAxes: number): void {
  if (
    indices.dtype !== "i32" || indices.shape.length !== batchAxes + 1 ||
    x.shape.length < batchAxes + 1 || x.shape[batchAxes] === 0 ||
    !sameShape(x.shape.slice(0, batchAxes), indices.shape.slice(0, batchAxes))
  ) {
    throw new TypeError(
      `expected i32 indices [batch..., count] with ${batchAxes} batch axes that fit ${
        formatAval(x)
      }, found ${formatAval(indices)}.`,
    );
  }
}

function forEachRow(
  x: Aval,
  indices: Aval & { readonly data: ArrayLike<number> },
  batchAxes: number,
  visit: (operandRow: number, otherRow: number, width: number) => void,
): void {
  const rows = x.shape[batchAxes]!;
  const width = sizeOf(x.shape.slice(batchAxes + 1));
  const count = indices.shape[batchAxes]!;
  for (let i = 0; i < indices.data.length; i++) {
    const batch = Math.floor(i / count);
    const row = Math.min(Math.max(indices.data[i]!, 0), rows - 1);
    visit((batch * rows + row) * width, i * width, width);
  }
}

/** Rows of `x` by index along axis `batchAxes`; the leading `batchAxes` axes go in step. */
export function gather(x: Tensor, indices: Tensor, batchAxes: number = 0): Tensor {
  return apply(gatherP, { batchAxes }, [x, indices]);
}

/** Adds the rows of `updates` into `rows` rows of zeros; the transpose of {@linkcode gather}. */
export function scatterAdd(
  updates: Tensor,
  indices: Tensor,
  { rows, batchAxes = 0 }: { readonly rows: number; readonly batchAxes?: number },
): Tensor {
  return apply(scatterAddP, { rows, batchAxes }, [updates, indices]);
}
