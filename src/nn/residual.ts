import { requireCall } from "../ir/options.ts";
import { flatten } from "../tree/tree.ts";
import { splitKey } from "../random/mod.ts";
import { add, relu } from "../tensor/mod.ts";
import type { Layer, Params } from "./layer.ts";

/**
 * The sum of a layer's result and a shortcut, rectified: the block of residual networks.
 *
 * Parameters and state: those of `body`, and under `shortcut` those of the shortcut where it has any.
 *
 * Source: He et al., arXiv 1512.03385, equation 1 and section 3.3.
 *
 * @param body The residual branch, whose parts are not called `shortcut`.
 * @param shortcut What is added to it; the input itself unless told.
 * @returns A layer.
 *
 * @example
 * ```ts
 * import { constant, residual, statelessLayer, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = residual(statelessLayer((x) => x));
 * const { output } = layer.apply({}, {}, constant([1, -2]), { training: false });
 * assertEquals(valuesOf(output), [2, 0]);
 * ```
 */
export function residual(body: Layer, shortcut?: Layer): Layer {
  requireCall("residual", arguments, 1, 2);
  const joined = (own: Params, other: Params): Params =>
    flatten(other).leaves.length > 0 ? { ...own, shortcut: other } : own;
  return {
    init(key) {
      if (!shortcut) return body.init(key);
      const [bodyKey, shortcutKey] = splitKey(key, 2);
      const [own, other] = [body.init(bodyKey!), shortcut.init(shortcutKey!)];
      return {
        params: joined(own.params, other.params),
        state: joined(own.state, other.state),
      };
    },
    apply(params, state, x, options) {
      requireCall("apply", arguments, 3, 4);
      const { shortcut: otherParams, ...ownParams } = params;
      const { shortcut: otherState, ...ownState } = state;
      const branch = body.apply(ownParams, ownState, x, options);
      if (!shortcut) return { output: relu(add(branch.output, x)), state: branch.state };
      const past = shortcut.apply(
        (otherParams ?? {}) as Params,
        (otherState ?? {}) as Params,
        x,
        options,
      );
      return {
        output: relu(add(branch.output, past.output)),
        state: joined(branch.state, past.state),
      };
    },
  };
}
