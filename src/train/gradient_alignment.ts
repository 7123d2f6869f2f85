/**
 * How far the gradients of pretext tasks agree with that of the wanted task.
 *
 * @module
 */
import * as kinds from "./kinds.ts";
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { softmaxCrossEntropy } from "../loss/mod.ts";
import { inverseLengths } from "../multitask/linear_algebra.ts";
import { type Params, sequential } from "../nn/mod.ts";
import { foldIn, splitKey } from "../random/mod.ts";
import { add, mul, sqrt, sub, sum } from "../tensor/mod.ts";
import { grad } from "../transform/mod.ts";
import { flatten, mapTree } from "../tree/tree.ts";
import { type ImageTable, takeImages, takeLabels } from "./device_images.ts";
import type { MetaObjective } from "./objectives/meta.ts";
import { metaTrainGradient, type MetaTraining } from "./objectives/meta_train.ts";
import {
  type Learner,
  metricName,
  type Objective,
  type ObjectiveInputs,
} from "./objectives/objective.ts";
import { labelledBatch, type TrainingState } from "./objectives/train_classifier.ts";

/** Folded into the key of a step for the pretext tasks. */
const TASKS = 0xa119;

/**
 * Makes the figures of a step of an objective that has a wanted and pretext losses, all by the weights of
 * the backbone: `<task>Cosine`, the cosine of the task's gradient and the wanted one's at the same
 * weights; for meta-training of exact order also `correctionCosine` and `correctionRatio`, the cosine of
 * the exact and the first-order meta-gradient, and the length of their difference over that of the latter.
 *
 * @param learner Backbone and head.
 * @param objective The objective.
 * @returns A pure function of a training, images, key and inputs, whose result are scalars by name.
 *
 * @example
 * ```ts
 * import { bits, constant, flattenLayer } from "@mutasesumele/toolkit";
 * import { gradientAlignment, jointObjective } from "@mutasesumele/toolkit/train";
 * import { linear, randomKey, rotation, sequential, sgd, type Tensor } from "@mutasesumele/toolkit";
 * import { valuesOf, zeros } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const encoder = sequential({ flatten: flattenLayer(), out: linear({ inputs: 12, outputs: 4 }) });
 * const learner = {
 *   encoder,
 *   embedding: 4,
 *   head: linear({ inputs: 4, outputs: 10 }),
 *   optimizer: sgd(),
 *   augment: (images: Tensor) => images,
 *   extents: { height: 2, width: 2, channels: 3 },
 * };
 * const objective = jointObjective(learner, { tasks: [rotation({ hidden: 4 })] });
 * const training = objective.start(encoder.init(randomKey(0)), {
 *   head: randomKey(1),
 *   pretext: randomKey(2),
 * });
 * const table = { shards: [bits(randomKey(3), [8, 3])], labels: zeros([8], "i32") };
 * const rows = constant([1, 3, 5], { dtype: "i32" });
 * const { rotationCosine } = gradientAlignment(learner, objective)(training, table, randomKey(4), {
 *   rows,
 *   step: constant(0, { dtype: "u32" }),
 *   support: { rotation: rows },
 * });
 * assert(Math.abs(valuesOf(rotationCosine!)[0]!) <= 1);
 * ```
 */
export function gradientAlignment(
  learner: Learner,
  objective: Objective,
): (
  training: Pick<TrainingState, "params" | "state">,
  table: ImageTable,
  key: Tensor,
  inputs: Omit<ObjectiveInputs, "rate">,
) => Readonly<Record<string, Tensor>> {
  requireArguments("gradientAlignment", { learner, objective }, {
    learner: kinds.learner,
    objective: is.objectWith({ tasks: kinds.tasks, step: is.callback }, "an objective"),
  });
  const { encoder, head, augment, extents } = learner;
  const model = sequential({ encoder, head });
  const { tasks } = objective;
  return ({ params, state }, table, key, { rows, step, support }) => {
    const batch = labelledBatch(table, key, { rows, step, augment, extents });
    const backbone = params["encoder"] as Params;
    const wanted = grad((own: Params) => {
      const { output } = model.apply(
        { encoder: own, head: params["head"]! },
        state,
        batch.images,
        { training: true, key: batch.key },
      );
      return softmaxCrossEntropy(output, batch.labels);
    })(backbone);
    const keys = splitKey(foldIn(batch.key, TASKS), tasks.length);
    const figures: Record<string, Tensor> = {};
    tasks.forEach((task, k) => {
      const gradient = grad((own: Params) =>
        task.loss({
          encode: (views, viewKey, given) =>
            encoder.apply(own, state["encoder"] as Params, views, {
              training: true,
              key: viewKey,
              ...given,
            }).output,
          head: (params["pretext"] as Readonly<Record<string, Params>>)[task.name]!,
          images: takeImages(table, support[task.name]!, extents),
          labels: takeLabels(table, support[task.name]!),
          key: keys[k]!,
        }).loss
      )(backbone);
      figures[metricName(task.name, "cosine")] = cosine(wanted, gradient);
    });
    if (isExact(objective)) {
      const inputs = { rows, step, support };
      const by = (order: "exact" | "first") =>
        metaTrainGradient({ ...objective.meta, order })(
          { params, state } as Pick<MetaTraining, "params" | "state">,
          table,
          key,
          inputs,
        ).grads.encoder;
      const [exact, first] = [by("exact"), by("first")];
      figures["correctionCosine"] = cosine(exact, first);
      const difference = mapTree<Params>(sub, exact, first);
      figures["correctionRatio"] = mul(
        sqrt(dot(difference, difference)),
        inverseLengths(dot(first, first)),
      );
    }
    return figures;
  };
}

function isExact(objective: Objective): objective is MetaObjective {
  return "meta" in objective && (objective as MetaObjective).meta.order === "exact";
}

function dot(a: Params, b: Params): Tensor {
  const products = mapTree((x: Tensor, y: Tensor) => sum(mul(x, y)), a, b);
  return flatten<Tensor>(products).leaves.reduce(add);
}

/** 0 where one of them is 0. */
function cosine(a: Params, b: Params): Tensor {
  return mul(mul(dot(a, b), inverseLengths(dot(a, a))), inverseLengths(dot(b, b)));
}
