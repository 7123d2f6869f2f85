/**
 * Matrix product of any shape: an invocation computes 4 x 4 elements.
 *
 * @module
 */
import { matmul_any } from "../../../kernels/mod.ts";
import { heavyWorkgroup } from "../kernel_grid.ts";
import type { SplitVariant } from "./split_variant.ts";
import { planProduct, type ProductShape } from "./product_shape.ts";

/** `kernels/matmul_any.wgsl`. */
export const productAny: SplitVariant<ProductShape> = {
  name: "matmul_any",
  tolerance: 3e-5,
  fits: () => true,
  plan: (shape, traits, share) => {
    const workgroup = heavyWorkgroup(traits);
    return planProduct(shape, {
      kernel: "matmul_any",
      code: matmul_any,
      step: 1,
      tile: [4, 4],
      invocations: 1,
      workgroup,
      overrides: (steps) => ({
        WORKGROUP: workgroup,
        transpose_a: shape.transposeA,
        transpose_b: shape.transposeB,
        part_inner: steps,
      }),
    }, { traits, share });
  },
};
