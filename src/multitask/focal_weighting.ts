import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import {
  add,
  convert,
  div,
  greater,
  greaterEqual,
  log,
  max,
  maximum,
  minimum,
  mul,
  neg,
  onesLike,
  pow,
  sub,
  where,
  zeros,
} from "../tensor/mod.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode focalWeighting}. */
export interface FocalWeightingOptions {
  /** Part of the newest loss in the moving mean; 0.25 unless told. */
  readonly part?: number;
  /** Exponent of the focal weight; 2 unless told. */
  readonly gamma?: number;
  /**
   * If given, weights are 1, and 0 for tasks whose focal weight is below this part of the largest
   * (0.16 in the paper).
   */
  readonly threshold?: number;
}

/**
 * Multi-loss dynamic training: focal weights `-(1 - p)^gamma log p`, where `p` is the moving mean of
 * a loss over the one of the step before, at most 1: a task counts while its loss falls.
 *
 * In the first step `p` is 1/2. Where no mean has fallen all focal weights are 0 and the step stands
 * still; losses that are not positive have `p = 1`.
 *
 * Source: Zheng et al., arXiv 1810.12193, section 3.4; after Guo et al., "Dynamic task
 * prioritization for multitask learning", ECCV 2018.
 *
 * @param options Moving mean, exponent and threshold.
 * @returns The method; its weights have no common scale (all are small where losses fall slowly), its
 *   state is `mean` (of the losses) and `started`.
 *
 * @example
 * ```ts
 * import { constant, eye, focalWeighting, valuesOf } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const method = focalWeighting();
 * const first = method.weigh({ losses: constant([4, 4]), gram: eye(2), state: method.init(2) });
 * const inputs = { losses: constant([1, 3]), gram: eye(2), state: first.state };
 * const [fast, slow] = valuesOf(method.weigh(inputs).weights);
 * assert(fast! > slow! && slow! > 0);
 * ```
 */
export function focalWeighting(options: FocalWeightingOptions = {}): Weighting {
  requireOptions("focalWeighting", options, {
    part: is.optionalNumber,
    gamma: true,
    threshold: true,
  });
  const { part = 0.25, gamma = 2, threshold } = options;
  return {
    name: "focal",
    scale: "free",
    needsGradients: false,
    needsKey: false,
    init: (tasks) => ({ mean: zeros([tasks]), started: zeros([]) }),
    weigh(inputs) {
      tasksOf("focal weights", inputs);
      const { mean: before, started } = inputs.state;
      const first = greater(started!, 0);
      const mixed = add(mul(inputs.losses, part), mul(before!, 1 - part));
      const mean = where(first, mixed, inputs.losses);
      const known = greater(before!, 0);
      const ratio = div(minimum(mean, before!), where(known, before!, 1));
      const p = where(first, where(known, maximum(ratio, 1e-12), 1), 0.5);
      const focal = mul(pow(sub(1, p), gamma), neg(log(p)));
      const weights = threshold === undefined
        ? focal
        : convert(greaterEqual(focal, mul(max(focal), threshold)), "f32");
      return { weights, state: { mean, started: onesLike(started!) } };
    },
  };
}
