/**
 * The naive meta-gradient: reverse mode through the written-out inner loop, task by task. It keeps
 * every intermediate value and shares no code with the mixed-mode sweep but the losses.
 *
 * @module
 */
import type { Tensor } from "../../src/ir/tensor.ts";
import type { BilevelProblem, LossResult } from "../../src/meta/bilevel_problem.ts";
import type { MetaParameters, TaskData } from "../../src/meta/inner_loop.ts";
import type { MetaGradientOptions } from "../../src/meta/meta_gradient.ts";
import type { OptimizerState, Rate } from "../../src/optim/mod.ts";
import { splitKeys } from "../../src/random/mod.ts";
import { add, mul, reshape, slice, stopGradient } from "../../src/tensor/mod.ts";
import { Tensor as TensorClass } from "../../src/ir/tensor.ts";
import { grad, valueAndGrad } from "../../src/transform/mod.ts";
import { flatten, mapTree } from "../../src/tree/tree.ts";

type ByPath = Record<string, Tensor>;

function lossOf(result: LossResult): Tensor {
  return result instanceof TensorClass ? result : result.loss;
}

function at<T>(tree: T, ...index: number[]): T {
  return mapTree<T>((x: Tensor) => slice(x, index), tree);
}

/** Loss and gradient of {@linkcode BilevelProblem} by reverse over reverse. */
export function unrolledMetaGradient<Params, Shared, Rates, Support, Query, Constants>(
  problem: BilevelProblem<Params, Shared, Support, Query, Constants>,
  options: MetaGradientOptions,
): (
  meta: MetaParameters<Params, Shared, Rates>,
  data: TaskData<Support, Query, Constants>,
  key: Tensor,
) => { readonly loss: Tensor; readonly grads: MetaParameters<Params, Shared, Rates> } {
  const { innerSteps, optimizer, innerRate, order = "exact", adapt = () => true } = options;
  const weights = options.outerWeights ??
    Array.from({ length: innerSteps }, (_, t) => t === innerSteps - 1 ? 1 : 0);

  return (meta, data, key) => {
    const tasks = flatten<Tensor>(data.query).leaves[0]!.shape[0]!;
    const keys = reshape(splitKeys(key, 2 * innerSteps * tasks), [2 * innerSteps, tasks, 2]);

    const outerLoss = ({ params, shared, rates }: typeof meta): Tensor => {
      const { leaves, paths, structure } = flatten<Tensor>(params);
      const rebuild = (fast: ByPath): Params => {
        let next = 0;
        const all = paths.map((path, k) => fast[path] ?? leaves[k]!);
        return mapTree<Params>(() => all[next++], params);
      };
      if (structure.kind === "array") throw new Error("The tests use objects or single tensors.");
      const losses = Array.from({ length: tasks }, (_, task) => {
        const { constants } = data;
        let fast: ByPath = {};
        paths.forEach((path, k) => adapt(path) && (fast[path] = leaves[k]!));
        let state: OptimizerState = optimizer.init(fast);
        let total: Tensor | null = null;
        for (let t = 0; t < innerSteps; t++) {
          const support = options.supportPerStep
            ? at(data.support, t, task)
            : at(data.support, task);
          const context = { key: slice(keys, [t, task]), constants };
          const inner = (weights: ByPath): Tensor =>
            lossOf(problem.inner(rebuild(weights), shared, support, context));
          let gradient = grad(inner)(fast);
          if (order === "first") gradient = mapTree<ByPath>(stopGradient, gradient);
          const ownRates = options.ratesPerStep ? at(rates, t) : rates;
          const rate = innerRate ?? (ownRates as { all?: Tensor }).all ?? ownRates;
          const next = optimizer.update(gradient, state, fast, { rate: rate as Rate });
          fast = next.params;
          ({ state } = next);
          const weight = weights[t]!;
          if (weight === 0) continue;
          const loss = lossOf(
            problem.outer(rebuild(fast), shared, at(data.query, task), {
              key: slice(keys, [innerSteps + t, task]),
              constants,
            }),
          );
          total = total === null ? mul(loss, weight) : add(total, mul(loss, weight));
        }
        return total!;
      });
      return mul(losses.reduce((a, b) => add(a, b)), 1 / tasks);
    };
    const { value, grad: grads } = valueAndGrad(outerLoss)(meta);
    return { loss: value, grads };
  };
}
