/**
 * The batched matrix product as kernels see it.
 *
 * @module
 */
import type { DeviceTraits } from "../../ir/lowering.ts";
import { usesLanes } from "../kernel_grid.ts";
import { inParts, type KernelOperation } from "./kernel_variant.ts";
import { productAny } from "./product_any.ts";
import { productLanes } from "./product_lanes.ts";
import type { ProductShape } from "./product_shape.ts";
import { productVectors } from "./product_vectors.ts";

/** All kernels of the matrix product; one more is one file and one line. */
export const product: KernelOperation<ProductShape> = {
  name: "matrix product",
  fields: ["batch", "rows", "inner", "columns", "transposeA", "transposeB"],
  variants: /* @__PURE__ */ [
    /* @__PURE__ */ inParts(productAny),
    /* @__PURE__ */ inParts(productVectors),
    /* @__PURE__ */ inParts(productLanes),
  ].flat(),
  rule,
  sizes: ({ batch, rows, inner, columns }) => ({
    operands: [batch * rows * inner, batch * inner * columns],
    result: batch * rows * columns,
  }),
  flops: ({ batch, rows, inner, columns }) => 2 * batch * rows * columns * inner,
  element,
};

function rule(shape: ProductShape, traits: DeviceTraits): string {
  if (!productVectors.fits(shape, traits)) return productAny.name;
  const wide = usesLanes(traits) && shape.rows >= 16 && shape.columns >= 32;
  return wide ? productLanes.name : productVectors.name;
}

function element(
  { rows, inner, columns, transposeA, transposeB }: ProductShape,
  [a, b]: readonly [ArrayLike<number>, ArrayLike<number>],
  at: number,
): number {
  const j = at % columns;
  const i = Math.floor(at / columns) % rows;
  const batch = Math.floor(at / (columns * rows));
  let sum = 0;
  for (let k = 0; k < inner; k++) {
    sum += a[batch * rows * inner + (transposeA ? k * rows + i : i * inner + k)]! *
      b[batch * inner * columns + (transposeB ? j * inner + k : k * columns + j)]!;
  }
  return sum;
}
