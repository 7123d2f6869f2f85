/** Faults of kernels' plans. @module */
import type { Mutation } from "./mutation.ts";

/** Faults of kernels' plans. */
export const plans: readonly Mutation[] = [
  {
    name: "columns that do not fill a strip are left out",
    file: "src/ops/variants/strips.ts",
    from: "across: ceilDivide(across, LANES),",
    to: "across: Math.max(1, Math.floor(across / LANES)),",
    adapter: "as it is",
  },
  {
    name: "the rows that are left when all strips are equal are left out",
    file: "src/ops/variants/strips.ts",
    from: "length: ceilDivide(along, strips) };",
    to: "length: Math.floor(along / strips) };",
    adapter: "as it is",
  },
  {
    name: "strips are computed of the first image only",
    file: "src/ops/variants/correlate_lane_strips.ts",
    from: "ceilDivide(s.out4, 2) * s.images * across * along;",
    to: "ceilDivide(s.out4, 2) * across * along;",
    adapter: "as it is",
  },
  {
    name: "strips of a filter gradient are counted along the other axis",
    file: "src/ops/variants/filter_gradient_lane_strips.ts",
    from: "strips_x: along,\n        strips_y: across,",
    to: "strips_x: across,\n        strips_y: along,",
    adapter: "as it is",
  },
  {
    name: "filters are flipped, and read as they were",
    file: "src/ops/variants/kernel_variant.ts",
    from: "buffers: [first, prepared, source]",
    to: "buffers: [first, second, source]",
    adapter: "like a GPU, kernels by lot",
  },
];
