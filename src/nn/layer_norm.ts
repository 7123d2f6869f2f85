import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import { add, mul, ones, standardize, zeros } from "../tensor/mod.ts";
import { type Layer, type ScaleAndOffset, tensorOf } from "./layer.ts";

/** Options of {@linkcode layerNorm}. */
export interface LayerNormOptions {
  /** Length of the vectors, the last axis. */
  readonly features: number;
  /** Added to the variance; 1e-5 unless told. */
  readonly epsilon?: number;
}

/**
 * Layer normalization: every vector is scaled to mean 0 and variance 1, then `gamma x + beta`.
 *
 * Source: Ba et al., arXiv 1607.06450, section 3.
 *
 * @param options Length of the vectors and epsilon.
 * @returns A layer from `[..., features]` to the same shape.
 *
 * @example
 * ```ts
 * import { constant, layerNorm, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const layer = layerNorm({ features: 2 });
 * const { params, state } = layer.init(randomKey(0));
 * const { output } = layer.apply(params, state, constant([[1, 3]]), { training: true });
 * assertAlmostEquals(valuesOf(output)[1]!, 1, 1e-4);
 * ```
 */
export function layerNorm(options: LayerNormOptions): Layer<ScaleAndOffset> {
  requireOptions("layerNorm", options, { features: true, epsilon: true });
  const { features, epsilon = 1e-5 } = options;
  return {
    init: () => ({ params: { beta: zeros([features]), gamma: ones([features]) }, state: {} }),
    apply(params, state, x) {
      requireCall("apply", arguments, 3, 4);
      if (x.shape.at(-1) !== features) {
        throw new TypeError(
          `Cannot normalize the vectors of ${formatAval(x)}: expected [..., ${features}].`,
        );
      }
      const { normal } = standardize(x, [x.rank - 1], epsilon);
      return {
        output: add(mul(normal, tensorOf(params, "gamma")), tensorOf(params, "beta")),
        state,
      };
    },
  };
}
