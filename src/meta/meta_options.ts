/**
 * The options of meta-gradients that all algorithms share.
 *
 * @module
 */

import * as is from "../ir/kinds.ts";

const flag = /* @__PURE__ */ is.optional(is.flag);

/** What an inner learning rate may be. A loop of a negative one climbs, as derivatives at a rate of 0 want it. */
const rate = /* @__PURE__ */ is.kind(
  "a finite number, a tensor, or a tree of them like the parameters",
  (found) =>
    typeof found === "number"
      ? Number.isFinite(found)
      : is.object.holds(found) || Array.isArray(found),
);

/** For {@linkcode requireOptions}: what an algorithm has decided already is not among its options. */
export const META_OPTIONS = {
  optimizer: /* @__PURE__ */ is.objectWith(
    { init: is.callback, update: is.callback },
    "an optimizer, such as sgd() makes,",
  ),
  innerRate: /* @__PURE__ */ is.optional(rate),
  innerSteps: is.number,
  adapt: /* @__PURE__ */ is.optional(is.callback),
  supportPerStep: flag,
  ratesPerStep: flag,
  outerWeights: /* @__PURE__ */ is.optional(is.list),
  ownGradients: flag,
  alignment: flag,
} as const;
