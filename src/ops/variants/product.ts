/**
 * The batched matrix product as kernels see it.
 *
 * @module
 */
import type { KernelOperation } from "./kernel_variant.ts";
import { productAny } from "./product_any.ts";
import type { ProductShape } from "./product_shape.ts";
import { inParts } from "./split_variant.ts";

/** The kernels of the matrix product that every adapter can run; one more is one file and one line. */
export const product: KernelOperation<ProductShape> = {
  name: "matrix product",
  fields: ["batch", "rows", "inner", "columns", "transposeA", "transposeB"],
  variants: /* @__PURE__ */ inParts(productAny),
  rule: () => productAny.name,
  size: ({ batch, rows, columns }) => batch * rows * columns,
};
