/**
 * Bilevel problems: what is minimised inside (adaptation to a task) and outside (its evaluation).
 *
 * @module
 */
import { formatAval } from "../ir/aval.ts";
import { describe } from "../ir/describe.ts";
import { Tensor } from "../ir/tensor.ts";

/** What a loss gets besides parameters and batch. */
export interface LossContext<Constants = unknown> {
  /** Random key of this task and this step, `u32[2]`. */
  readonly key: Tensor;
  /** Tensors that all tasks and steps share and that are not differentiated, such as a data set. */
  readonly constants: Constants;
}

/** A loss, alone or with more results that are worth reporting. */
export type LossResult<Metrics = unknown> = Tensor | {
  /** The loss, `f32[]`. */
  readonly loss: Tensor;
  /** A tree of tensors, such as `{ accuracy }`. */
  readonly metrics: Metrics;
};

/**
 * The loss of one task: it sees one task's fast weights and batch, without a task axis.
 *
 * @param params The adapted parameters.
 * @param shared The other differentiated inputs: pretext heads, loss weights, learned labels.
 * @param batch One task's data for this step.
 * @param context Random key and constants.
 */
export type TaskLoss<Params, Shared, Batch, Constants = unknown, Metrics = unknown> = (
  params: Params,
  shared: Shared,
  batch: Batch,
  context: LossContext<Constants>,
) => LossResult<Metrics>;

/** A task's inner loss, which adapts the parameters, and its outer loss, which judges them. */
export interface BilevelProblem<
  Params,
  Shared,
  Support,
  Query,
  Constants = unknown,
  Metrics = unknown,
> {
  /** Minimised by the inner loop on the support batch. */
  readonly inner: TaskLoss<Params, Shared, Support, Constants>;
  /** Evaluated at the adapted parameters on the query batch. */
  readonly outer: TaskLoss<Params, Shared, Query, Constants, Metrics>;
}

/** A loss with its metrics, which are `{}` where it has none. */
export interface LossWithMetrics<Metrics = unknown> {
  /** The loss, `f32[]`. */
  readonly loss: Tensor;
  /** A tree of tensors. */
  readonly metrics: Metrics;
}

/**
 * Brings what a loss returned into one form.
 *
 * @param result What the loss returned.
 * @param name `"inner"` or `"outer"`, for the error.
 * @returns Loss and metrics.
 * @throws {TypeError} If the loss is not an `f32` scalar.
 */
export function lossWithMetrics<Metrics>(
  result: LossResult<Metrics>,
  name: string,
): LossWithMetrics<Metrics> {
  const whole: Partial<LossWithMetrics<Metrics>> | undefined | null = result instanceof Tensor
    ? { loss: result, metrics: {} as Metrics }
    : result;
  const { loss, metrics } = whole ?? {};
  if (!(loss instanceof Tensor) || loss.dtype !== "f32" || loss.rank !== 0) {
    throw new TypeError(
      `Cannot build a meta-gradient: the ${name} loss is ${
        loss instanceof Tensor ? formatAval(loss) : describe(loss ?? result)
      }, expected a scalar f32[]. Take a mean or a sum over the batch of one task.`,
    );
  }
  // What else there is, such as the pictures of a pretext task, is no tree of tensors.
  return { loss, metrics: metrics as Metrics };
}
