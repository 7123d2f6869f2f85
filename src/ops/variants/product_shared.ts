/**
 * Matrix product of any shape in tiles of workgroup memory: a workgroup computes 32 x 32 elements.
 *
 * For adapters whose workgroups run together and share what is loaded: each element of the operands is loaded once
 * for 32 of the result, in runs of 16 or 32, and the next tiles are on their way while these are multiplied (Volkov
 * and Demmel, "Benchmarking GPUs to tune dense linear algebra", SC 2008). A processor waits at the barriers.
 *
 * @module
 */
import { matmul_shared } from "../../../kernels/graphics/mod.ts";
import { ceilDivide } from "../kernel_grid.ts";
import { planProduct, type ProductShape } from "./product_shape.ts";
import type { SplitVariant } from "./split_variant.ts";

/** Invocations of a workgroup, each of 4 x 4 elements. */
const WORKGROUP = 64;

/** Bytes of two tiles of each operand. */
const STORAGE = 4 * 2 * 2 * 16 * 36;

/** Rows and columns of a tile of the result, and terms of a step. */
const TILE = { side: 32, step: 16 } as const;

/** `kernels/graphics/matmul_shared.wgsl`. */
export const productShared: SplitVariant<ProductShape> = {
  name: "matmul_shared",
  tolerance: 3e-5,
  fits: (_, { maxWorkgroupInvocations, maxWorkgroupStorage }) =>
    maxWorkgroupInvocations >= WORKGROUP && maxWorkgroupStorage >= STORAGE,
  plan: (shape, traits, share) =>
    planProduct(shape, {
      kernel: "matmul_shared",
      code: matmul_shared,
      step: TILE.step,
      iterations: TILE.step,
      // They load from workgroup memory.
      weight: 1 / 4,
      tile: [TILE.side, TILE.side],
      invocations: WORKGROUP,
      workgroup: WORKGROUP,
      overrides: (steps) => ({
        TRANSPOSE_A: shape.transposeA,
        TRANSPOSE_B: shape.transposeB,
        part_inner: TILE.step * steps,
      }),
    }, { traits, share }),
};

/** The share of the multiply-adds of all tiles that is part of the product. */
export function wantedOf({ rows, inner, columns }: ProductShape): number {
  const share = (extent: number, tile: number): number =>
    extent / (tile * ceilDivide(extent, tile));
  return share(rows, TILE.side) * share(columns, TILE.side) * share(inner, TILE.step);
}
