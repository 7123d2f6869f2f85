import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import {
  add,
  convert,
  div,
  equal,
  expandDims,
  eye,
  greater,
  less,
  matmul,
  maximum,
  minimum,
  mul,
  sqrt,
  sub,
  sum,
  where,
  zeros,
} from "../tensor/mod.ts";
import { unitGram } from "./linear_algebra.ts";
import { randomOrders } from "./random_orders.ts";
import { keyOf, tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode gradVac}. */
export interface GradVacOptions {
  /** Part of the newest cosine in the moving mean; 0.01 unless told. */
  readonly part?: number;
}

/** Least squared sine of an angle: nearer gradients count as parallel. */
const LEAST = 1e-6;

/**
 * GradVac: where two gradients have a smaller cosine than they used to have, the other one is added
 * to the first until the cosine is the usual one; the others are taken in random order.
 *
 * The target of each pair is a moving mean of its cosines, which starts at 0: at first the method is
 * PCGrad. A changed gradient is a combination of the gradients, so that the sum of all is given by
 * weights; granularity is the whole of the shared parameters.
 *
 * Source: Wang et al., arXiv 2010.05874, equation 3 and algorithm 1.
 *
 * @param options Moving mean of the cosines.
 * @returns The method; it needs a random key. Its weights are at least 1 where cosines are not above
 *   their targets of the past, its state is `targets` `[tasks, tasks]`.
 *
 * @example
 * ```ts
 * import { constant, gradVac, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const method = gradVac();
 * const gram = constant([[1, -1], [-1, 4]]);
 * const inputs = { losses: constant([1, 1]), gram, state: method.init(2), key: randomKey(0) };
 * const [a, b] = valuesOf(method.weigh(inputs).weights);
 * assertAlmostEquals(a!, 2);
 * assertAlmostEquals(b!, 1.25);
 * ```
 */
export function gradVac(options: GradVacOptions = {}): Weighting {
  requireOptions("gradVac", options, { part: is.optionalNumber });
  const { part = 0.01 } = options;
  return {
    name: "gradvac",
    scale: "free",
    own: "plain",
    needsGradients: true,
    needsKey: true,
    init: (tasks) => ({ targets: zeros([tasks, tasks]) }),
    weigh(inputs) {
      const tasks = tasksOf("GradVac", inputs);
      const order = randomOrders(keyOf("GradVac", inputs), tasks);
      const { cosines, lengths, inverse } = unitGram(inputs.gram);
      const others = sub(1, eye(tasks));
      let targets: Tensor = inputs.state["targets"]!;
      // Row i of `mixture`: task i's gradient over its length, in terms of all unit gradients.
      let mixture = eye(tasks);
      for (let step = 0; step < tasks; step++) {
        const turn = mul(convert(equal(order, step), "f32"), others);
        const products = matmul(mixture, cosines);
        const squared = sum(mul(products, mixture), { axes: 1 });
        const length = sqrt(maximum(squared, 1e-12));
        const pick = (x: Tensor): Tensor => sum(mul(x, turn), { axes: 1 });
        const limit = Math.sqrt(1 - LEAST);
        const bounded = (x: Tensor): Tensor => minimum(maximum(x, -limit), limit);
        const cosine = bounded(div(pick(products), length));
        const target = bounded(pick(targets));
        // The law of sines in the plane of both gradients.
        const [sine, wanted] = [cosine, target].map((x) => sqrt(sub(1, mul(x, x))));
        const amount = div(
          mul(length, sub(mul(target, sine!), mul(cosine, wanted!))),
          wanted!,
        );
        const added = where(less(cosine, target), amount, 0);
        mixture = add(mixture, mul(expandDims(added, 1), turn));
        const mean = add(mul(targets, 1 - part), mul(expandDims(cosine, 1), part));
        targets = where(greater(turn, 0), mean, targets);
      }
      // Each task's own coefficient stays 1; what the others add to it has their lengths.
      const borrowed = matmul(lengths, sub(mixture, eye(tasks)));
      return { weights: add(1, mul(borrowed, inverse)), state: { targets } };
    },
  };
}
