import { formatAval } from "../ir/aval.ts";
import { count } from "../ir/kinds.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import { add, mul, ones, reshape, standardize, zeros } from "../tensor/mod.ts";
import { type Layer, type ScaleAndOffset, tensorOf } from "./layer.ts";

/** Options of {@linkcode groupNorm}. */
export interface GroupNormOptions {
  /** Number of channels, the last axis. */
  readonly features: number;
  /** Number of groups, which divides the channels; 32, or as many as divide them, unless told. */
  readonly groups?: number;
  /** Added to the variance; 1e-5 unless told. */
  readonly epsilon?: number;
}

/**
 * Group normalization: in every image, every group of channels is scaled over height, width and the
 * channels of the group to mean 0 and variance 1, then `gamma x + beta` for every channel. It does
 * not depend on the batch: training and evaluation are the same.
 *
 * Source: Wu and He, arXiv 1803.08494, equation 7. Parameters: `gamma`, `beta`, both `[features]`.
 *
 * @param options Channels, groups and epsilon.
 * @returns A layer from `[n, ..., features]` to the same shape.
 * @throws {RangeError} If the groups do not divide the channels.
 *
 * @example
 * ```ts
 * import { constant, groupNorm, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const layer = groupNorm({ features: 2, groups: 1 });
 * const { params, state } = layer.init(randomKey(0));
 * const { output } = layer.apply(params, state, constant([[[1, 3]]]), { training: false });
 * assertAlmostEquals(valuesOf(output)[1]!, 1, 1e-4);
 * ```
 */
export function groupNorm(options: GroupNormOptions): Layer<ScaleAndOffset> {
  requireOptions("groupNorm", options, { features: count, groups: true, epsilon: true });
  const { features, epsilon = 1e-5 } = options;
  const { groups = usualGroups(features) } = options;
  if (!(Number.isInteger(groups) && groups >= 1) || features % groups !== 0) {
    throw new RangeError(
      `Cannot normalize ${features} channels in ${groups} groups: expected a whole number of ` +
        `groups that divides the channels.`,
    );
  }
  return {
    init: () => ({ params: { beta: zeros([features]), gamma: ones([features]) }, state: {} }),
    apply(params, state, x) {
      requireCall("apply", arguments, 3, 4);
      if (x.rank < 2 || x.shape.at(-1) !== features) {
        throw new TypeError(
          `Cannot normalize ${formatAval(x)} in groups: expected [n, ..., ${features}].`,
        );
      }
      const [n] = x.shape;
      const grouped = reshape(x, [n!, -1, groups, features / groups]);
      const { normal } = standardize(grouped, [1, 3], epsilon);
      return {
        output: add(
          mul(reshape(normal, x.shape), tensorOf(params, "gamma")),
          tensorOf(params, "beta"),
        ),
        state,
      };
    },
  };
}

/** 32 groups as in the paper, or the most below that divide the channels. */
function usualGroups(features: number): number {
  let groups = Math.min(32, features);
  while (features % groups !== 0) groups--;
  return groups;
}
