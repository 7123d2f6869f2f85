/**
 * An inner loss with another gradient.
 *
 * @module
 */
import type { Tensor } from "../../ir/tensor.ts";
import { lossWithMetrics } from "../../meta/bilevel_problem.ts";
import type { Params } from "../../nn/mod.ts";
import { foldIn } from "../../random/mod.ts";
import { add, mul, stopGradient, sub, sum } from "../../tensor/mod.ts";
import { grad } from "../../transform/mod.ts";
import { flatten, mapTree } from "../../tree/tree.ts";
import type { InnerLoss } from "./placebo.ts";

/** Folded into the key of a step for what a placebo draws. */
const PLACEBO = 0x91ace;

/**
 * Replaces the gradient of an inner loss with respect to the adapted parameters by a constant. With
 * `v` the constant and `s` for "taken as a constant", the new loss is
 * `loss(s(params), shared) + <v, params> - s(<v, params>)`: it has the value of the old one and its
 * gradient with respect to `shared`, the gradient `v` with respect to `params`, and no curvature.
 *
 * @param loss The inner loss.
 * @param replace Makes the constant from the true gradient and a random key `u32[2]`.
 * @returns The other loss.
 */
export function withInnerGradient<Shared, Batch, Constants>(
  loss: InnerLoss<Shared, Batch, Constants>,
  replace: (gradient: Params, key: Tensor) => Params,
): InnerLoss<Shared, Batch, Constants> {
  return (params, shared, batch, context) => {
    const still = mapTree<Params>(stopGradient, params);
    const gradient = grad((given: Params) =>
      lossWithMetrics(loss(given, shared, batch, context), "inner").loss
    )(still);
    const direction = mapTree<Params>(
      stopGradient,
      replace(gradient, foldIn(context.key, PLACEBO)),
    );
    const along = flatten<Tensor>(
      mapTree((v: Tensor, x: Tensor) => sum(mul(v, x)), direction, params),
    )
      .leaves.reduce(add);
    const { loss: value, metrics } = lossWithMetrics(loss(still, shared, batch, context), "inner");
    return { loss: add(value, sub(along, stopGradient(along))), metrics };
  };
}
