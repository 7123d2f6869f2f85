/**
 * One inner step of a batch of tasks.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import { like } from "../ops/fill.ts";
import { identity } from "../ops/identity.ts";
import { sum } from "../ops/sum.ts";
import type { OptimizerState } from "../optim/mod.ts";
import { checkpoint } from "../transform/call.ts";
import { pullBack } from "../transform/vjp.ts";
import { flatten, mapTree, unflatten } from "../tree/tree.ts";
import type { TaskLoss } from "./bilevel_problem.ts";
import type { ByPath } from "./fast_weights.ts";
import { type InnerUpdate, updateTasks } from "./inner_update.ts";
import { taskLosses, type TaskLossesInput } from "./task_losses.ts";

/** What one inner step is computed from. */
export interface InnerStepInput<Shared, Support, Constants>
  extends TaskLossesInput<Shared, Support, Constants> {
  /** State of the inner optimizer, each tensor `[task, ...]`. */
  readonly state: OptimizerState;
  /** Learned rates of this step, without a task axis. */
  readonly rates: unknown;
}

/** What one inner step returns. */
export interface InnerStepResult {
  /** The fast weights after the step, each `[task, ...]`. */
  readonly fast: ByPath;
  /** The state after the step, each tensor `[task, ...]`. */
  readonly state: OptimizerState;
  /** The inner losses before the step, `f32[task]`. */
  readonly losses: Tensor;
  /** Metrics of the inner loss before the step, each tensor `[task, ...]`. */
  readonly metrics: unknown;
  /** The gradient that was applied, each `[task, ...]`; `{}` unless kept. */
  readonly grads: ByPath;
  /** Gradient of the sum of the inner losses with respect to `shared`; `{}` unless kept. */
  readonly own: unknown;
}

/** What an inner step keeps besides what the next step needs. */
export interface InnerStepOptions<Params> {
  /** Puts fast and slow parameters together. */
  readonly join: (fast: ByPath, slow: ByPath) => Params;
  /** How fast weights are updated. */
  readonly update: InnerUpdate;
  /** Whether the applied gradient is returned. */
  readonly keepGrads: boolean;
  /** Whether the gradient with respect to `shared` is returned. */
  readonly keepOwn: boolean;
}

/**
 * Makes the inner step `theta' = update(theta, grad_theta L_in(theta), state)` of all tasks, a
 * program of its own that is compiled once.
 *
 * @param loss The inner loss of one task.
 * @param options The update and what is kept.
 * @returns The step.
 */
export function innerStep<Params, Shared, Support, Constants>(
  loss: TaskLoss<Params, Shared, Support, Constants>,
  { join, update, keepGrads, keepOwn }: InnerStepOptions<Params>,
): (input: InnerStepInput<Shared, Support, Constants>) => InnerStepResult {
  return checkpoint((input: InnerStepInput<Shared, Support, Constants>): InnerStepResult => {
    const fast: ByPath = mapTree(identity, input.fast);
    const shared = mapTree<Shared>(identity, input.shared);
    const { losses, metrics } = taskLosses(loss, { ...input, fast, shared }, {
      join,
      name: "inner",
    });
    const [grads, own] = gradients<[ByPath, unknown]>(
      losses,
      keepOwn ? [fast, shared] : [fast, {}],
    );
    const next = updateTasks(update, { ...input, params: input.fast, grads });
    return {
      fast: next.params,
      state: next.state,
      losses,
      metrics,
      grads: keepGrads ? grads : {},
      own,
    };
  });
}

/** Gradient of the sum of `losses` with respect to a tree of tensors they are computed from. */
export function gradients<T>(losses: Tensor, sources: T): T {
  const { leaves, structure } = flatten<Tensor>(sources);
  const total = sum(losses, [0]);
  const varying = leaves.filter((leaf) => leaf.dtype === "f32");
  const results = pullBack([total], [like(total, 1)], varying);
  return unflatten(
    structure,
    leaves.map((leaf) => results[varying.indexOf(leaf)] ?? like(leaf, 0)),
  );
}
