import { requireCall } from "../ir/options.ts";
import { add, convert, equal, eye, matmul, minimum, mul, sub } from "../tensor/mod.ts";
import { unitGram } from "./linear_algebra.ts";
import { randomOrders } from "./random_orders.ts";
import { keyOf, tasksOf, type Weighting } from "./weighting.ts";

/**
 * PCGrad: where a task's gradient conflicts with another one (negative inner product), its part
 * along that one is removed; the others are taken in random order.
 *
 * A projected gradient is a combination of the gradients, so the sum of all of them is given by
 * weights.
 *
 * Source: Yu et al., arXiv 2001.06782, algorithm 1.
 *
 * @returns The method; it needs a random key. Without conflict its weights are 1, with conflict they
 *   are larger.
 *
 * @example
 * ```ts
 * import { constant, pcGrad, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const gram = constant([[1, -1], [-1, 4]]);
 * const inputs = { losses: constant([1, 1]), gram, state: {}, key: randomKey(0) };
 * assertEquals(valuesOf(pcGrad().weigh(inputs).weights), [2, 1.25]);
 * ```
 */
export function pcGrad(): Weighting {
  requireCall("pcGrad", arguments);
  return {
    name: "pcgrad",
    scale: "free",
    own: "plain",
    needsGradients: true,
    needsKey: true,
    init: () => ({}),
    weigh(inputs) {
      const tasks = tasksOf("PCGrad", inputs);
      const { gram, state } = inputs;
      const order = randomOrders(keyOf("PCGrad", inputs), tasks);
      const { cosines, lengths, inverse } = unitGram(gram);
      const others = sub(1, eye(tasks));
      // Row i of `mixture`: task i's gradient over its length, in terms of all unit gradients.
      let mixture = eye(tasks);
      for (let step = 0; step < tasks; step++) {
        const other = mul(convert(equal(order, step), "f32"), others);
        mixture = sub(mixture, mul(minimum(matmul(mixture, cosines), 0), other));
      }
      // Each task's own coefficient stays 1; what the others leave of it has their lengths.
      const borrowed = matmul(lengths, sub(mixture, eye(tasks)));
      return { weights: add(1, mul(borrowed, inverse)), state };
    },
  };
}
