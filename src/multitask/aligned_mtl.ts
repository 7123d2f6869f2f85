import { requireOptions } from "../ir/options.ts";
import {
  constant,
  full,
  greater,
  matmul,
  max,
  min,
  mul,
  rsqrt,
  sqrt,
  transpose,
  where,
} from "../tensor/mod.ts";
import { symmetricEigen } from "./eigen.ts";
import { relativeGram } from "./linear_algebra.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode alignedMtl}. */
export interface AlignedMtlOptions {
  /** What each task counts, in the order of the sorted names; `1 / tasks` unless told. */
  readonly preference?: readonly number[];
}

/** Eigenvalues below this part of the largest, times the number of tasks, count as 0. */
const RELATIVE = 2 ** -23;

/**
 * Aligned-MTL: the gradients are replaced by the nearest ones that are orthogonal and of one length,
 * that of the weakest principal component; so none dominates and none conflicts.
 *
 * Weights are `sqrt(smallest) V L^(-1/2) V' w`, `L` and `V` the eigenvalues and eigenvectors of the
 * inner products that are not 0, `w` the preference. They may be negative;
 * heads learn from their own losses.
 *
 * Source: Senushkin et al., arXiv 2305.19000, equation 12 and algorithm 1.
 *
 * @param options The preference.
 * @returns The method; its weights are of the order of `1 / tasks`, smaller for long gradients.
 *
 * @example
 * ```ts
 * import { alignedMtl, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * // Orthogonal gradients of lengths 1 and 3 are made of length 1.
 * const gram = constant([[1, 0], [0, 9]]);
 * const { weights } = alignedMtl().weigh({ losses: constant([1, 1]), gram, state: {} });
 * assertAlmostEquals(valuesOf(weights)[0]!, 1 / 2);
 * assertAlmostEquals(valuesOf(weights)[1]!, 1 / 6);
 * ```
 */
export function alignedMtl(options: AlignedMtlOptions = {}): Weighting {
  requireOptions("alignedMtl", options, { preference: true });
  return {
    name: "aligned-mtl",
    scale: "free",
    own: "plain",
    needsGradients: true,
    needsKey: false,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("Aligned-MTL", inputs);
      const preference = options.preference
        ? constant(options.preference)
        : full([tasks], { value: 1 / tasks });
      const { values, vectors } = symmetricEigen(relativeGram(inputs.gram));
      const largest = max(values);
      const counts = greater(values, mul(largest, tasks * RELATIVE));
      const smallest = min(where(counts, values, largest));
      const safe = where(counts, values, 1);
      const scale = where(counts, mul(rsqrt(safe), sqrt(smallest)), 0);
      const parts = mul(matmul(transpose(vectors), preference), scale);
      return { weights: matmul(vectors, parts), state: inputs.state };
    },
  };
}
