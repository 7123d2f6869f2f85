/**
 * Placebos: changes of an inner loop after which it can teach nothing, or something known.
 *
 * @module
 */
import type { Tensor } from "../../ir/tensor.ts";
import type { TaskLoss } from "../../meta/mod.ts";
import type { Params } from "../../nn/mod.ts";

/** An inner loss of a pretext task, as {@linkcode Placebo.inner} sees it. */
export type InnerLoss<Shared, Batch, Constants> = TaskLoss<Params, Shared, Batch, Constants>;

/** A control of meta-training: what it changes of the inner loop. */
export interface Placebo {
  /** Name in tables and files. */
  readonly name: string;
  /**
   * Changes the embeddings `f32[n, embedding]` that a pretext task sees.
   *
   * @param embeddings Those of the backbone.
   * @param key Random key, `u32[2]`.
   */
  encode?(embeddings: Tensor, key: Tensor): Tensor;
  /**
   * Replaces an inner loss by one whose gradient moves the backbone elsewhere. The value of the loss,
   * its metrics and the gradient of the task's own head stay as they were.
   */
  inner?<Shared, Batch, Constants>(
    loss: InnerLoss<Shared, Batch, Constants>,
  ): InnerLoss<Shared, Batch, Constants>;
}
