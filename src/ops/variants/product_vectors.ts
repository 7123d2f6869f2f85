/**
 * Matrix product with vector loads: an invocation computes 16 rows of 8 columns.
 *
 * @module
 */
import { matmul } from "../../../kernels/processors/mod.ts";
import { heavyWorkgroup } from "../kernel_grid.ts";
import type { SplitVariant } from "./split_variant.ts";
import { hasVectors, planProduct, type ProductShape } from "./product_shape.ts";

/** `kernels/processors/matmul.wgsl`. */
export const productVectors: SplitVariant<ProductShape> = {
  name: "matmul",
  tolerance: 3e-5,
  fits: hasVectors,
  plan: (shape, traits, share) => {
    const workgroup = heavyWorkgroup(traits);
    return planProduct(shape, {
      kernel: "matmul",
      code: matmul,
      step: 4,
      tile: [16, 8],
      invocations: 1,
      workgroup,
      overrides: (steps) => ({
        WORKGROUP: workgroup,
        TRANSPOSE_A: shape.transposeA,
        TRANSPOSE_B: shape.transposeB,
        part4: steps,
      }),
    }, { traits, share });
  },
};
