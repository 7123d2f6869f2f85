import { requireCall } from "../../ir/options.ts";
/**
 * Placebo: inner steps uphill.
 *
 * @module
 */
import type { Tensor } from "../../ir/tensor.ts";
import { lossWithMetrics } from "../../meta/bilevel_problem.ts";
import type { Params } from "../../nn/mod.ts";
import { mul, stopGradient, sub } from "../../tensor/mod.ts";
import { mapTree } from "../../tree/tree.ts";
import type { Placebo } from "./placebo.ts";

/**
 * Inner steps go up the pretext losses instead of down: with `s` for "taken as a constant", the inner
 * loss is `2 loss(s(params), shared) - loss(params, shared)`, which has the value of the loss and the
 * gradient of its head. To first order the alignment term of the meta-gradient changes its sign.
 *
 * @returns The placebo.
 *
 * @example
 * ```ts
 * import { signFlipped } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(signFlipped().name, "sign-flipped");
 * ```
 */
export function signFlipped(): Placebo {
  requireCall("signFlipped", arguments);
  return {
    name: "sign-flipped",
    inner: (loss) => (params, shared, batch, context) => {
      const at = (given: Params) => lossWithMetrics(loss(given, shared, batch, context), "inner");
      const still = at(mapTree<Params>((x: Tensor) => stopGradient(x), params));
      return { loss: sub(mul(2, still.loss), at(params).loss), metrics: still.metrics };
    },
  };
}
