/**
 * Matrix product where loads are dear: a subgroup computes 32 rows of 64 columns, its lanes share the rows.
 *
 * @module
 */
import { matmul_lanes } from "../../../kernels/processors/mod.ts";
import { LANES } from "../kernel_grid.ts";
import type { SplitVariant } from "./split_variant.ts";
import { hasVectors, planProduct, type ProductShape } from "./product_shape.ts";

/** `kernels/processors/matmul_lanes.wgsl`. */
export const productLanes: SplitVariant<ProductShape> = {
  name: "matmul_lanes",
  tolerance: 3e-5,
  fits: (shape, { subgroupLanes }) => hasVectors(shape) && subgroupLanes >= LANES,
  plan: (shape, traits, share) =>
    planProduct(shape, {
      kernel: "matmul_lanes",
      code: matmul_lanes,
      step: 4,
      tile: [32, 64],
      invocations: LANES,
      workgroup: LANES,
      overrides: (steps) => ({
        transpose_a: shape.transposeA,
        transpose_b: shape.transposeB,
        part4: steps,
      }),
    }, { traits, share }),
};
