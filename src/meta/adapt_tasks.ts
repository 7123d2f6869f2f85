/**
 * Adaptation without a meta-gradient: how tasks are met after meta-training.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { checkpoint } from "../transform/call.ts";
import { stack } from "../tensor/join.ts";
import { mapTree } from "../tree/tree.ts";
import type { BilevelProblem } from "./bilevel_problem.ts";
import { repeat } from "./fast_weights.ts";
import {
  innerLoop,
  type InnerLoopOptions,
  type MetaParameters,
  type TaskData,
} from "./inner_loop.ts";
import { type TaskLosses, taskLosses, type TaskLossesInput } from "./task_losses.ts";

/** What {@linkcode adaptTasks} returns. */
export interface AdaptedTasks<Params, Metrics = unknown> {
  /** The adapted parameters, each `[task, ...]`. */
  readonly adapted: Params;
  /** Inner losses before each step, `f32[step, task]`. */
  readonly innerLosses: Tensor;
  /** Outer losses and metrics at the initial parameters. */
  readonly before: TaskLosses<Metrics>;
  /** Outer losses and metrics at the adapted parameters. */
  readonly after: TaskLosses<Metrics>;
}

/**
 * Makes the function that adapts to tasks and evaluates the outer loss before and after.
 *
 * @param problem Inner and outer loss of one task.
 * @param options As for the inner loop.
 * @returns A pure function of meta-parameters, data and a random key `u32[2]`; before and after
 *   see the same randomness.
 *
 * @example
 * ```ts
 * import { adaptTasks, constant, mul, randomKey, sgd, sub, sum } from "@mutasesumele/toolkit";
 * import { type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const loss = (x: Tensor, _: object, y: Tensor) => mul(sum(mul(sub(x, y), sub(x, y))), 0.5);
 * const adapt = adaptTasks({ inner: loss, outer: loss }, {
 *   innerSteps: 1,
 *   optimizer: sgd(),
 *   innerRate: 0.5,
 * });
 * const tasks = constant([1, 2]);
 * const { before, after } = adapt(
 *   { params: constant(3), shared: {}, rates: {} },
 *   { support: tasks, query: tasks, constants: {} },
 *   randomKey(0),
 * );
 * assertAlmostEquals(valuesOf(before.losses)[0]!, 2);
 * assertAlmostEquals(valuesOf(after.losses)[0]!, 0.5);
 * ```
 */
export function adaptTasks<Params, Shared, Rates, Support, Query, Constants, Metrics = unknown>(
  problem: BilevelProblem<Params, Shared, Support, Query, Constants, Metrics>,
  options: InnerLoopOptions,
): (
  meta: MetaParameters<Params, Shared, Rates>,
  data: TaskData<Support, Query, Constants>,
  key: Tensor,
) => AdaptedTasks<Params, Metrics> {
  requireArguments("adaptTasks", { problem }, { problem: is.problem });
  requireOptions("adaptTasks", options, {
    optimizer: true,
    innerRate: true,
    innerSteps: true,
    adapt: true,
    supportPerStep: true,
    ratesPerStep: true,
  });
  const runInnerLoop = innerLoop(problem.inner, { ...options, keepGrads: false, keepOwn: false });
  return (meta, data, key) => {
    const { steps, results, outerKeys, join, tasks } = runInnerLoop(meta, data, key);
    const evaluate = checkpoint((input: TaskLossesInput<Shared, Query, Constants>) =>
      taskLosses(problem.outer, input, { join, name: "outer" })
    );
    const { fast: initial, slow } = steps[0]!;
    const last = results.length - 1;
    const { fast } = results[last]!;
    const common = {
      slow,
      shared: meta.shared,
      batch: data.query,
      keys: outerKeys[last]!,
      constants: data.constants,
    };
    return {
      adapted: join(fast, mapTree((x: Tensor) => repeat(x, tasks), slow)),
      innerLosses: stack(results.map(({ losses }) => losses)),
      before: evaluate({ ...common, fast: initial }),
      after: evaluate({ ...common, fast }),
    };
  };
}
