/**
 * Matrix product with vector loads: an invocation computes 16 rows of 8 columns.
 *
 * @module
 */
import { matmul } from "../../../kernels/mod.ts";
import { heavyWorkgroup } from "../kernel_grid.ts";
import type { SplitVariant } from "./split_variant.ts";
import { hasVectors, planProduct, type ProductShape } from "./product_shape.ts";

/** `kernels/matmul.wgsl`. */
export const productVectors: SplitVariant<ProductShape> = {
  name: "matmul",
  tolerance: 3e-5,
  fits: hasVectors,
  plan: (shape, traits, share) => {
    const workgroup = heavyWorkgroup(traits);
    return planProduct(shape, {
      kernel: "matmul",
      code: matmul,
      vectors: true,
      tile: [16, 8],
      invocations: 1,
      workgroup,
      overrides: { WORKGROUP: workgroup },
    }, { traits, share });
  },
};
