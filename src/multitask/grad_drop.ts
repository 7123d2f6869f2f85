import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { splitKey, uniform } from "../random/mod.ts";
import { abs, add, convert, div, greater, mul, ones, sub, sum, where } from "../tensor/mod.ts";
import { keyOf, tasksOf, type Weighting } from "./weighting.ts";

/** Options of {@linkcode gradDrop}. */
export interface GradDropOptions {
  /** Part of the dropped elements that is kept; 0 unless told. */
  readonly leak?: number;
}

/**
 * GradDrop: of every element of the gradients only one sign is kept, drawn by how pure it is:
 * positive with the probability `(1 + sum(g) / sum(|g|)) / 2`.
 *
 * Here the elements are those of the gradients of the shared parameters; the paper also takes those
 * of a layer's activations.
 *
 * Source: Chen et al., arXiv 2010.06808, equation 1 and algorithm 1.
 *
 * @param options The leak, the same for all tasks.
 * @returns The method; it needs a random key. Its weights are 1 for each task.
 *
 * @example
 * ```ts
 * import { constant, gradDrop, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const inputs = { grads: [constant([[1, 2], [3, -2]])], losses: constant([1, 1]), state: {} };
 * const [kept] = gradDrop().transform!({ ...inputs, key: randomKey(0) }).grads;
 * const [a, b, c, d] = valuesOf(kept!);
 * // Where the signs agree all is kept, where they do not one of both.
 * assertEquals([a, c, b! * d!], [1, 3, 0]);
 * ```
 */
export function gradDrop(options: GradDropOptions = {}): Weighting {
  requireOptions("gradDrop", options, { leak: is.optionalNumber });
  const { leak = 0 } = options;
  return {
    name: "graddrop",
    scale: "tasks",
    needsGradients: false,
    needsKey: true,
    init: () => ({}),
    transform(inputs) {
      const keys = splitKey(keyOf("GradDrop", inputs), inputs.grads.length);
      const grads = inputs.grads.map((each, k) => {
        const total = sum(each, { axes: 0 });
        const size = sum(abs(each), { axes: 0 });
        const purity = div(total, where(greater(size, 0), size, 1));
        // The draw in [-1, 1), as twice the probability less 1.
        const draw = uniform(keys[k]!, total.shape, { low: -1, high: 1 });
        const positive = convert(greater(purity, draw), "f32");
        const kept = where(greater(each, 0), positive, sub(1, positive));
        return mul(each, add(mul(kept, 1 - leak), leak));
      });
      return { grads, state: inputs.state };
    },
    weigh(inputs) {
      return { weights: ones([tasksOf("GradDrop", inputs)]), state: inputs.state };
    },
  };
}
