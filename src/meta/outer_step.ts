/**
 * The outer evaluation: outer losses at the adapted parameters and their gradients.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import { identity } from "../ops/identity.ts";
import { checkpoint } from "../transform/call.ts";
import { mapTree } from "../tree/tree.ts";
import type { TaskLoss } from "./bilevel_problem.ts";
import type { ByPath } from "./fast_weights.ts";
import { gradients } from "./inner_step.ts";
import { taskLosses, type TaskLossesInput } from "./task_losses.ts";

/** Gradients with respect to what all tasks share, summed over the tasks. */
export interface SharedGrads<Shared> {
  /** With respect to the parameters that are not adapted. */
  readonly slow: ByPath;
  /** With respect to the other differentiated inputs. */
  readonly shared: Shared;
}

/** What the outer evaluation returns. */
export interface OuterStepResult<Shared, Metrics = unknown> {
  /** `f32[task]`. */
  readonly losses: Tensor;
  /** Metrics of the outer loss, each tensor `[task, ...]`. */
  readonly metrics: Metrics;
  /** Gradient of each task's loss with respect to its fast weights, each `[task, ...]`. */
  readonly fast: ByPath;
  /** Gradient of the sum of the losses with respect to what the tasks share. */
  readonly direct: SharedGrads<Shared>;
}

/**
 * Makes the outer evaluation of all tasks, a program of its own that is compiled once.
 *
 * @param loss The outer loss of one task.
 * @param join Puts fast and slow parameters together.
 * @returns The evaluation.
 */
export function outerStep<Params, Shared, Query, Constants, Metrics>(
  loss: TaskLoss<Params, Shared, Query, Constants, Metrics>,
  join: (fast: ByPath, slow: ByPath) => Params,
): (input: TaskLossesInput<Shared, Query, Constants>) => OuterStepResult<Shared, Metrics> {
  return checkpoint((
    input: TaskLossesInput<Shared, Query, Constants>,
  ): OuterStepResult<Shared, Metrics> => {
    const fast: ByPath = mapTree(identity, input.fast);
    const slow: ByPath = mapTree(identity, input.slow);
    const shared = mapTree<Shared>(identity, input.shared);
    const { losses, metrics } = taskLosses(loss, { ...input, fast, slow, shared }, {
      join,
      name: "outer",
    });
    const grads = gradients(losses, { fast, slow, shared });
    return {
      losses,
      metrics,
      fast: grads.fast,
      direct: { slow: grads.slow, shared: grads.shared },
    };
  });
}
