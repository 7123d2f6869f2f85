import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { bernoulli } from "../random/mod.ts";
import { mul, where } from "../tensor/mod.ts";
import { type Layer, type NoParams, statelessLayer } from "./layer.ts";

/**
 * Dropout: in training every element is zeroed with probability `rate`, the others are scaled by
 * `1 / (1 - rate)`; in evaluation nothing happens.
 *
 * Source: Srivastava et al., JMLR 15 (2014).
 *
 * @param options The probability of zeroing.
 * @returns A layer from any shape to the same.
 * @throws {RangeError} If the rate is not within `[0, 1)`.
 *
 * @example
 * ```ts
 * import { dropout, ones, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const options = { training: true, key: randomKey(0) };
 * const { output } = dropout({ rate: 0.5 }).apply({}, {}, ones([50]), options);
 * assert(valuesOf(output).every((value) => value === 0 || value === 2));
 * ```
 */
export function dropout(options: { readonly rate: number }): Layer<NoParams> {
  requireOptions("dropout", options, { rate: is.number });
  const { rate } = options;
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`Cannot drop out at rate ${rate}: expected 0 <= rate < 1.`);
  }
  return statelessLayer((x, { training, key }) => {
    if (!training || rate === 0) return x;
    if (!key) {
      throw new TypeError(
        "Cannot drop out without a random key: expected { training: true, key }. Pass a key, " +
          "derived by foldIn() for every step.",
      );
    }
    const keep = bernoulli(key, x.shape, { probability: 1 - rate });
    return where(keep, mul(x, 1 / (1 - rate)), 0);
  });
}
