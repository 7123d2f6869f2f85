/**
 * Reptile.
 *
 * @module
 */
import { describe } from "../ir/describe.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { sub } from "../tensor/arithmetic.ts";
import { stack } from "../tensor/join.ts";
import { mean } from "../tensor/reduce.ts";
import { mapTree } from "../tree/tree.ts";
import type { TaskLoss } from "./bilevel_problem.ts";
import type { ByPath } from "./fast_weights.ts";
import {
  innerLoop,
  type InnerLoopOptions,
  type MetaParameters,
  type TaskData,
} from "./inner_loop.ts";
import { addTrees, scaleTree, zerosLikeTree } from "./trees.ts";

/** What {@linkcode reptile} returns. */
export interface ReptileResult<Params, Shared> {
  /** Inner loss before the last step, mean over tasks, `f32[]`. */
  readonly loss: Tensor;
  /** The direction against which the meta-parameters are moved. */
  readonly grads: {
    /** `theta - mean over tasks of the adapted theta`; zero where nothing is adapted. */
    readonly params: Params;
    /** Gradient of the inner losses, mean over tasks and steps. */
    readonly shared: Shared;
  };
  /** Inner losses before each step, `f32[step, task]`. */
  readonly innerLosses: Tensor;
}

/**
 * Reptile: the initial parameters move towards the adapted ones,
 * `theta <- theta - rate * (theta - mean_i theta_i')`.
 *
 * It never sees an outer loss, so there is no query data. What tasks share besides the parameters
 * is trained by the inner losses.
 *
 * Source: Nichol et al., arXiv 1803.02999, algorithm 2.
 *
 * @param inner The inner loss of one task.
 * @param options As for the inner loop; rates are not learned.
 * @returns A pure function of parameters, support data and a random key `u32[2]`.
 *
 * @example
 * ```ts
 * import { constant, mul, randomKey, reptile, sgd, sub, sum, valuesOf } from "@mutasesumele/toolkit";
 * import type { Tensor } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const loss = (x: Tensor, _: object, y: Tensor) => mul(sum(mul(sub(x, y), sub(x, y))), 0.5);
 * const { grads } = reptile(loss, { innerSteps: 2, optimizer: sgd(), innerRate: 0.1 })(
 *   { params: constant(3), shared: {} },
 *   { support: constant([1], { shape: [1] }), constants: {} },
 *   randomKey(0),
 * );
 * assertAlmostEquals(valuesOf(grads.params)[0]!, 2 * (1 - 0.9 ** 2), 1e-12);
 * ```
 */
export function reptile<Params, Shared, Support, Constants>(
  inner: TaskLoss<Params, Shared, Support, Constants>,
  options: Omit<InnerLoopOptions, "ratesPerStep"> & { readonly innerRate: number },
): (
  meta: Omit<MetaParameters<Params, Shared, unknown>, "rates">,
  data: Omit<TaskData<Support, unknown, Constants>, "query">,
  key: Tensor,
) => ReptileResult<Params, Shared> {
  requireOptions("reptile", options, {
    optimizer: true,
    innerRate: true,
    innerSteps: true,
    adapt: true,
    supportPerStep: true,
  });
  if (!Number.isFinite(options.innerRate)) {
    throw new TypeError(
      `Cannot call reptile(): found ${
        describe(options.innerRate)
      } for 'innerRate', expected a number: Reptile learns no rates.`,
    );
  }
  const runInnerLoop = innerLoop(inner, { ...options, keepGrads: false, keepOwn: true });
  return (meta, data, key) => {
    const { steps, results, join, tasks } = runInnerLoop(
      { ...meta, rates: {} },
      { ...data, query: {} },
      key,
    );
    const last = results[results.length - 1]!;
    const before = steps[0]!;
    // Every task started from the same parameters, so the mean may be taken over the differences,
    // which loses fewer digits.
    const fast = mapTree<ByPath>(
      (x: Tensor, adapted: Tensor) => mean(sub(x, adapted), { axes: 0 }),
      before.fast,
      last.fast,
    );
    return {
      loss: mean(last.losses),
      grads: {
        params: join(fast, zerosLikeTree(before.slow)),
        shared: scaleTree(
          results.map(({ own }) => own as Shared).reduce(addTrees),
          1 / (tasks * results.length),
        ),
      },
      innerLosses: stack(results.map(({ losses }) => losses)),
    };
  };
}
