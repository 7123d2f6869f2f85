/**
 * The batched matrix product as kernels see it.
 *
 * @module
 */
import type { DeviceTraits } from "../../ir/lowering.ts";
import type { KernelOperation } from "./kernel_variant.ts";
import { productAny } from "./product_any.ts";
import type { ProductShape } from "./product_shape.ts";
import { productVectors } from "./product_vectors.ts";
import { inParts } from "./split_variant.ts";

/** The kernels of the matrix product that every adapter can run; one more is one file and one line. */
export const product: KernelOperation<ProductShape> = {
  name: "matrix product",
  fields: ["batch", "rows", "inner", "columns", "transposeA", "transposeB"],
  variants: /* @__PURE__ */ [
    /* @__PURE__ */ inParts(productAny),
    /* @__PURE__ */ inParts(productVectors),
  ].flat(),
  rule,
  size: ({ batch, rows, columns }) => batch * rows * columns,
};

function rule(shape: ProductShape, traits: DeviceTraits): string {
  return productVectors.fits(shape, traits) ? productVectors.name : productAny.name;
}
