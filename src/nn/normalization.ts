import { batchNorm, type Statistics } from "./batch_norm.ts";
import { groupNorm } from "./group_norm.ts";
import type { Layer, ScaleAndOffset } from "./layer.ts";
import { requireCall } from "../ir/options.ts";

/**
 * A normalization by name: `"batch"` with running statistics, `"batch-own"` by the batch's own
 * statistics always, `"group"` with up to 32 groups, `"layer"` over all channels and pixels of an
 * image (group normalization with one group).
 */
export type Normalization = "batch" | "batch-own" | "group" | "layer";

/** All names of {@linkcode Normalization}. */
export const NORMALIZATIONS: readonly Normalization[] = ["batch", "batch-own", "group", "layer"];

/**
 * The normalization of a convolutional network, chosen by name.
 *
 * @param name Which one.
 * @param features Number of channels, the last axis.
 * @returns A layer from `[n, height, width, features]` to the same shape.
 *
 * @example
 * ```ts
 * import { normal, normalizationLayer, randomKey } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = normalizationLayer("group", 8);
 * const { params, state } = layer.init(randomKey(0));
 * const x = normal(randomKey(1), [2, 4, 4, 8]);
 * assertEquals(layer.apply(params, state, x, { training: true }).output.shape, [2, 4, 4, 8]);
 * ```
 */
export function normalizationLayer(name: Normalization, features: number): Layer<ScaleAndOffset> {
  requireCall("normalizationLayer", arguments, 2);
  const batch = (statistics: Statistics): Layer<ScaleAndOffset> =>
    batchNorm({ features, statistics });
  switch (name) {
    case "batch":
      return batch("running");
    case "batch-own":
      return batch("batch");
    case "group":
      return groupNorm({ features });
    case "layer":
      return groupNorm({ features, groups: 1 });
    default:
      throw new RangeError(
        `Cannot build the normalization '${name}': expected ${NORMALIZATIONS.join(", ")}.`,
      );
  }
}
