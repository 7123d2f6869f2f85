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
  size: ({ batch, rows, columns }) => batch * rows * columns,
};

function rule(shape: ProductShape, traits: DeviceTraits): string {
  if (!productVectors.fits(shape, traits)) return productAny.name;
  const wide = usesLanes(traits) && shape.rows >= 16 && shape.columns >= 32;
  return wide ? productLanes.name : productVectors.name;
}
