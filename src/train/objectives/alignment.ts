/**
 * The objective that meta-training is to first order: the wanted loss with a bonus for aligned gradients.
 *
 * @module
 */
import * as kinds from "../kinds.ts";
import * as is from "../../ir/kinds.ts";
import { requireArguments, requireOptions } from "../../ir/options.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { accuracy, softmaxCrossEntropy } from "../../loss/mod.ts";
import { type Params, sequential } from "../../nn/mod.ts";
import type { PretextTask } from "../../pretext/mod.ts";
import { foldIn, splitKey } from "../../random/mod.ts";
import { add, mul, sub, sum } from "../../tensor/mod.ts";
import { grad, valueAndGradAux } from "../../transform/mod.ts";
import { flatten, mapTree } from "../../tree/tree.ts";
import { takeImages, takeLabels } from "../device_images.ts";
import { imagesThrough } from "./images_through.ts";
import { type Learner, metricName, type Objective, startOf } from "./objective.ts";
import { labelledBatch } from "./train_classifier.ts";

/** Options of {@linkcode alignmentObjective}. */
export interface AlignmentObjectiveOptions {
  /** The pretext tasks. */
  readonly tasks: readonly PretextTask[];
  /** Factor of the bonus: the inner rate times the number of inner steps of the meta-training it stands for. */
  readonly alpha: number;
}

/** Folded into the key of a step for the tasks' own keys. */
const TASKS = 0x7a5c5;

/**
 * Lowers `L - alpha / K sum_k <grad L, grad L_k>` with the wanted loss `L` and the losses `L_k` of `K`
 * pretext tasks, gradients by the backbone: the first two terms of the outer loss of meta-training in
 * powers of the inner rate. The heads of the tasks learn from their own losses besides.
 *
 * @param learner Backbone, head, optimizer.
 * @param options Tasks and factor.
 * @returns The objective; metric `bonus` is the mean inner product.
 * @throws {RangeError} If there is no task.
 *
 * @example
 * ```ts
 * import { flattenLayer, linear, rotation, sgd } from "@mutasesumele/toolkit";
 * import { alignmentObjective } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const objective = alignmentObjective({
 *   encoder: flattenLayer(),
 *   embedding: 12,
 *   head: linear({ inputs: 12, outputs: 10 }),
 *   optimizer: sgd(),
 *   augment: (images) => images,
 *   extents: { height: 2, width: 2, channels: 3 },
 * }, { tasks: [rotation({ hidden: 4 })], alpha: 0.1 });
 * assertEquals(objective.name, "alignment");
 * ```
 */
export function alignmentObjective(
  learner: Learner,
  options: AlignmentObjectiveOptions,
): Objective {
  requireArguments("alignmentObjective", { learner }, { learner: kinds.learner });
  requireOptions("alignmentObjective", options, { tasks: kinds.tasks, alpha: is.finite });
  const { tasks, alpha } = options;
  const { encoder, head, augment, extents, optimizer } = learner;
  if (tasks.length === 0) {
    throw new RangeError("Cannot align with pretext tasks: found none, expected at least one.");
  }
  const parts = { tasks, wanted: true };
  const model = sequential({ encoder, head });
  return {
    name: "alignment",
    ...parts,
    images: () => ({
      labelled: 1,
      support: Object.fromEntries(tasks.map((task) => [task.name, imagesThrough(task, learner)])),
    }),
    start: (backbone, keys) => startOf(learner, parts, { backbone, keys }),
    step: (training, table, key, { rows, step, rate, support }) => {
      const batch = labelledBatch(table, key, { rows, step, augment, extents });
      const state = training.state;
      const wanted = (params: Params) => {
        const { output, state: after } = model.apply(
          { encoder: params["encoder"]!, head: params["head"]! },
          state,
          batch.images,
          { training: true, key: batch.key },
        );
        const loss = softmaxCrossEntropy(output, batch.labels);
        return { loss, aux: { state: after, loss, accuracy: accuracy(output, batch.labels) } };
      };
      const keys = splitKey(foldIn(batch.key, TASKS), tasks.length);
      const lossOf = (task: PretextTask, k: number) => (params: Params) => {
        const { loss, metrics } = task.loss({
          encode: (views, own, given) =>
            encoder.apply(params["encoder"] as Params, state["encoder"] as Params, views, {
              training: true,
              key: own,
              ...given,
            }).output,
          head: (params["pretext"] as Readonly<Record<string, Params>>)[task.name]!,
          images: takeImages(table, support[task.name]!, extents),
          labels: takeLabels(table, support[task.name]!),
          key: keys[k]!,
        });
        return { loss, aux: { loss, metrics } };
      };
      const bonusAt = (params: Params): Tensor => {
        const up = grad((given: Params) => wanted(given).loss)(params)["encoder"];
        return mul(
          tasks.map((task, k) =>
            dot(up, grad((given: Params) => lossOf(task, k)(given).loss)(params)["encoder"])
          ).reduce(add),
          1 / tasks.length,
        );
      };
      const outer = valueAndGradAux((params: Params) => {
        const { loss, aux } = wanted(params);
        const bonus = bonusAt(params);
        return { loss: sub(loss, mul(bonus, alpha)), aux: { ...aux, bonus } };
      })(training.params);
      const own = tasks.map((task, k) => valueAndGradAux(lossOf(task, k))(training.params));
      const { params, state: moved } = optimizer.update(
        // The pretext losses move their own heads only.
        {
          ...outer.grad,
          pretext: own.map(({ grad }) => grad["pretext"]).reduce(addTrees, outer.grad["pretext"]),
        } as Params,
        training.optimizer,
        training.params,
        { rate },
      );
      const metrics: Record<string, Tensor> = {
        loss: outer.aux.loss,
        accuracy: outer.aux.accuracy,
        bonus: outer.aux.bonus,
      };
      own.forEach(({ aux }, k) => {
        for (const [metric, value] of Object.entries({ loss: aux.loss, ...aux.metrics })) {
          metrics[metricName(tasks[k]!.name, metric)] = value;
        }
      });
      return { training: { params, state: outer.aux.state, optimizer: moved }, metrics };
    },
  };
}

function addTrees<T>(a: T, b: T): T {
  return mapTree<T>(add, a, b);
}

function dot(a: unknown, b: unknown): Tensor {
  return flatten<Tensor>(mapTree((x: Tensor, y: Tensor) => sum(mul(x, y)), a, b)).leaves.reduce(
    add,
  );
}
