/**
 * Losses of a batch of tasks with own fast weights.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import { vmap } from "../transform/vmap.ts";
import { lossWithMetrics, type TaskLoss } from "./bilevel_problem.ts";
import type { ByPath } from "./fast_weights.ts";

/** What the losses of a batch of tasks are computed from. */
export interface TaskLossesInput<Shared = unknown, Batch = unknown, Constants = unknown> {
  /** Fast weights, each `[task, ...]`. */
  readonly fast: ByPath;
  /** Parameters that are not adapted, without a task axis. */
  readonly slow: ByPath;
  /** Other differentiated inputs, without a task axis. */
  readonly shared: Shared;
  /** Data, each tensor `[task, ...]`. */
  readonly batch: Batch;
  /** Random keys, `u32[task, 2]`. */
  readonly keys: Tensor;
  /** Inputs that are not differentiated, without a task axis. */
  readonly constants: Constants;
}

/** The losses of a batch of tasks. */
export interface TaskLosses<Metrics = unknown> {
  /** `f32[task]`. */
  readonly losses: Tensor;
  /** A tree of tensors, each `[task, ...]`. */
  readonly metrics: Metrics;
}

/**
 * Evaluates one loss for every task, as one batched program: tasks are a batch axis, also of the
 * weights.
 *
 * @param loss The loss of one task.
 * @param input Fast weights, batches and keys of all tasks, and what the tasks share.
 * @param options `join` puts fast and slow parameters together; `name` is used in errors.
 * @returns Losses `[task]` and metrics `[task, ...]`.
 */
export function taskLosses<Params, Shared, Batch, Constants, Metrics>(
  loss: TaskLoss<Params, Shared, Batch, Constants, Metrics>,
  { fast, slow, shared, batch, keys, constants }: TaskLossesInput<Shared, Batch, Constants>,
  { join, name }: { readonly join: (fast: ByPath, slow: ByPath) => Params; readonly name: string },
): TaskLosses<Metrics> {
  const ofOneTask = (fastOfTask: ByPath, batchOfTask: Batch, key: Tensor) =>
    lossWithMetrics(
      loss(join(fastOfTask, slow), shared, batchOfTask, { key, constants }),
      name,
    );
  const { loss: losses, metrics } = vmap(ofOneTask)(fast, batch, keys);
  return { losses, metrics };
}
