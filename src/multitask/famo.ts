import type { Tensor } from "../ir/tensor.ts";
import {
  add,
  div,
  greater,
  log,
  maximum,
  mul,
  softmax,
  sub,
  sum,
  where,
  zeros,
} from "../tensor/mod.ts";
import { tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode famo}. */
export interface FamoOptions {
  /** Step size of the logits; 0.025 unless told. */
  readonly rate?: number;
  /** Decay of the logits; 0.001 unless told. */
  readonly decay?: number;
}

/**
 * FAMO: weights that let the logarithms of all losses fall at the same rate, from the losses alone.
 *
 * The change of the losses is measured from one call to the next. Weights are `c z / loss`, `z` the
 * softmax of logits and `c` such that they add up to 1.
 *
 * Source: Liu et al., arXiv 2306.03792, algorithm 1.
 *
 * @param options Step size and decay of the logits.
 * @returns The method, for positive losses; its state is `logits`, `losses` (of the last call).
 *
 * @example
 * ```ts
 * import { constant, eye, famo, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const method = famo();
 * const inputs = { losses: constant([1, 3]), gram: eye(2), state: method.init(2) };
 * assertAlmostEquals(valuesOf(method.weigh(inputs).weights)[0]!, 0.75);
 * ```
 */
export function famo({ rate = 0.025, decay = 0.001 }: FamoOptions = {}): Weighting {
  return {
    name: "famo",
    needsGradients: false,
    needsKey: false,
    init: (tasks) => ({ logits: zeros([tasks]), losses: zeros([tasks]) }),
    weigh(inputs) {
      tasksOf("FAMO", inputs);
      const losses = maximum(inputs.losses, 1e-12);
      const [old, before]: [Tensor, Tensor] = [inputs.state["logits"]!, inputs.state["losses"]!];
      const previous = where(greater(before, 0), before, losses);
      const fall = sub(log(previous), log(losses));
      // Jacobian of the softmax times the fall.
      const z = softmax(old);
      const slope = mul(z, sub(fall, sum(mul(z, fall))));
      const logits = sub(old, mul(add(slope, mul(old, decay)), rate));
      const unscaled = div(softmax(logits), losses);
      return { weights: div(unscaled, sum(unscaled)), state: { logits, losses } };
    },
  };
}
