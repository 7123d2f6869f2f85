/**
 * One pretext task as a bilevel problem: the task inside, the wanted task outside.
 *
 * @module
 */
import type { Tensor } from "../../ir/tensor.ts";
import { accuracy, softmaxCrossEntropy } from "../../loss/mod.ts";
import type { BilevelProblem } from "../../meta/mod.ts";
import { type Params, sequential } from "../../nn/mod.ts";
import type { PretextTask } from "../../pretext/mod.ts";
import { foldIn } from "../../random/mod.ts";
import { expandDims } from "../../tensor/mod.ts";
import { mapTree } from "../../tree/tree.ts";
import { type ImageExtents, type ImageTable, takeImages, takeLabels } from "../device_images.ts";
import type { InnerLoss } from "../placebos/mod.ts";
import type { MetaTrainOptions, MetaTrainState } from "./meta_train.ts";

/** Heads: of the wanted task, and of the pretext task. */
export interface TaskShared {
  readonly head: Params;
  readonly pretext: Params;
}
/** Labelled images. */
export interface Labelled {
  readonly images: Tensor;
  readonly labels: Tensor;
}
/** What the wanted task judges by. */
export interface Query extends Labelled {
  /** Key of all that the pass draws, such as dropout: that of supervised training on the same batch. */
  readonly key: Tensor;
}
/** What the outer loss gives besides. */
export interface OuterMetrics {
  readonly accuracy: Tensor;
  readonly state: MetaTrainState;
}

/** Folded into the key of the backbone for what a placebo draws. */
const SHUFFLE = 0x5aff1e;

/** Inner loss: the pretext task. Outer loss: the wanted task. */
export function bilevelProblem(
  task: PretextTask,
  { encoder, head, placebo }: MetaTrainOptions,
): BilevelProblem<Params, TaskShared, Labelled, Query, MetaTrainState> {
  const model = sequential({ encoder, head });
  const inner: InnerLoss<TaskShared, Labelled, MetaTrainState> = (
    params,
    { pretext },
    { images, labels },
    { key, constants },
  ) =>
    task.loss({
      encode: (views, own, given) => {
        const { output } = encoder.apply(params, constants.encoder, views, {
          training: true,
          key: own,
          ...given,
        });
        return placebo?.encode?.(output, foldIn(own, SHUFFLE)) ?? output;
      },
      head: pretext,
      images,
      labels,
      key,
    });
  return {
    inner: placebo?.inner?.(inner) ?? inner,
    outer: (params, shared, { images, labels, key }, { constants }) => {
      const { encoder, head } = constants;
      const { output, state } = model.apply(
        { encoder: params, head: shared.head },
        { encoder, head },
        images,
        { training: true, key },
      );
      const metrics: OuterMetrics = {
        accuracy: accuracy(output, labels),
        state: state as MetaTrainState,
      };
      return { loss: softmaxCrossEntropy(output, labels), metrics };
    },
  };
}

/** The support batch of one task, with a task axis in front. */
export function supportOf(table: ImageTable, rows: Tensor, extents: ImageExtents): Labelled {
  return mapTree<Labelled>((x: Tensor) => expandDims(x, 0), {
    images: takeImages(table, rows, extents),
    labels: takeLabels(table, rows),
  });
}
