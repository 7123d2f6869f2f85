/** Matrix product with batch axes and optional transposition of the operands. @module */
import { type Aval, sameShape, sizeOf } from "../ir/aval.ts";
import { zerosNd } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { add } from "./add.ts";
import { requireFloat, withBatch } from "./elementwise.ts";
import { lowerMatmul } from "./matmul_lowering.ts";
import { reshape } from "./reshape.ts";

/** Parameters of {@linkcode matmulP}. */
export interface MatmulParams {
  /** Whether the first operand is `[batch..., inner, rows]` instead of `[batch..., rows, inner]`. */
  readonly transposeA: boolean;
  /** Whether the second operand is `[batch..., columns, inner]`. */
  readonly transposeB: boolean;
}

interface MatmulSizes {
  readonly batch: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

/** Matrix product of the last two axes; all axes before them are batch axes and must be equal. */
export const matmulP: Primitive<MatmulParams> = /* @__PURE__ */ definePrimitive<MatmulParams>({
  name: "matmul",
  aval: (params, [a, b]) => {
    requireFloat(a!);
    requireFloat(b!);
    const leading = a!.shape.slice(0, -2);
    const isMatrix = a!.shape.length >= 2 && b!.shape.length >= 2;
    if (!isMatrix || !sameShape(leading, b!.shape.slice(0, -2))) {
      throw new TypeError("expected matrices with equal batch axes.");
    }
    const { rows, inner, columns } = sizes(params, a!, b!);
    if (inner !== b!.shape.at(params.transposeB ? -1 : -2)) {
      throw new TypeError(
        `inner extents differ (transposeA ${params.transposeA}, transposeB ${params.transposeB}).`,
      );
    }
    return { shape: [...leading, rows, columns], dtype: "f32" };
  },
  evaluate: (params, [a, b], output) => {
    const { batch, rows, inner, columns } = sizes(params, a!, b!);
    const result = zerosNd(output.shape, "f32");
    const [aRow, aInner] = params.transposeA ? [1, rows] : [inner, 1];
    const [bInner, bColumn] = params.transposeB ? [1, inner] : [columns, 1];
    for (let at = 0; at < batch; at++) {
      for (let i = 0; i < rows; i++) {
        for (let k = 0; k < inner; k++) {
          const factor = a!.data[at * rows * inner + i * aRow + k * aInner]!;
          const from = at * inner * columns + k * bInner;
          const to = (at * rows + i) * columns;
          for (let j = 0; j < columns; j++) {
            result.data[to + j]! += factor * b!.data[from + j * bColumn]!;
          }
        }
      }
    }
    return result;
  },
  jvp: ({ params, inputs: [a, b] }, [da, db]) => {
    const left = da ? matmul(da, b!, params) : null;
    const right = db ? matmul(a!, db, params) : null;
    return left && right ? add(left, right) : left ?? right;
  },
  // With op(A) op(B) = C: d op(A) = C' op(B)^T and d op(B) = op(A)^T C'.
  transpose: ({ params: { transposeA, transposeB }, inputs: [a, b] }, ct, linear) => [
    linear[0]
      ? transposeA
        ? matmul(b!, ct, { transposeA: transposeB, transposeB: true })
        : matmul(ct, b!, { transposeA: false, transposeB: !transposeB })
      : null,
    linear[1]
      ? transposeB
        ? matmul(ct, a!, { transposeA: true, transposeB: transposeA })
        : matmul(a!, ct, { transposeA: !transposeA, transposeB: false })
      : null,
  ],
  vmap: ({ params }, [a, b], batch) => {
    const sharedB = a!.batched && !b!.batched && a!.tensor.rank === 3 && !params.transposeA;
    if (sharedB) {
      const [, rows, inner] = a!.tensor.shape;
      const flat = matmul(reshape(a!.tensor, [batch * rows!, inner!]), b!.tensor, params);
      return reshape(flat, [batch, rows!, flat.shape[1]!]);
    }
    return matmul(withBatch(a!, batch), withBatch(b!, batch), params);
  },
  lower: {
    kind: "kernel",
    lower: (params, [a, b], _, traits) =>
      lowerMatmul({ ...params, ...sizes(params, a!, b!) }, traits),
  },
  flops: (params, [a, b]) => {
    const { batch, rows, inner, columns } = sizes(params, a!, b!);
    return 2 * batch * rows * inner * columns;
  },
});

function sizes({ transposeA, transposeB }: MatmulParams, a: Aval, b: Aval): MatmulSizes {
  return {
    batch: sizeOf(a.shape.slice(0, -2)),
    rows: a.shape.at(transposeA ? -1 : -2)!,
    inner: a.shape.at(transposeA ? -2 : -1)!,
    columns: b.shape.at(transposeB ? -2 : -1)!,
  };
}

/** Matrix product `[batch..., rows, inner] x [batch..., inner, columns]`. */
export function matmul(a: Tensor, b: Tensor, params: Partial<MatmulParams> = {}): Tensor {
  const { transposeA = false, transposeB = false } = params;
  return apply(matmulP, { transposeA, transposeB }, [a, b]);
}
