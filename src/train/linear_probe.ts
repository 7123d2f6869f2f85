/**
 * One step of a linear probe.
 *
 * @module
 */
import * as kinds from "./kinds.ts";
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { accuracy, softmaxCrossEntropy } from "../loss/mod.ts";
import type { Layer, Params } from "../nn/mod.ts";
import { valueAndGradAux } from "../transform/mod.ts";
import type { Variables } from "./evaluate_classifier.ts";
import {
  type ClassifierOptions,
  labelledBatch,
  type StepInputs,
  type TrainingState,
  type TrainStep,
} from "./objectives/train_classifier.ts";

/** What a probe is made of. */
export interface ProbeOptions extends Omit<ClassifierOptions, "model"> {
  /** From images to embeddings; not changed. */
  readonly encoder: Layer;
  /** From embeddings to logits, such as a `linear` layer. */
  readonly head: Layer;
}

/** What a step of a probe gets. */
export interface ProbeInputs extends StepInputs {
  /** The backbone that is probed. */
  readonly backbone: Variables;
}

/**
 * Makes a step of a linear probe: the backbone is frozen and in evaluation mode (running statistics,
 * no dropout), only the head learns.
 *
 * Source: Alain and Bengio, arXiv 1610.01644; Chen et al., arXiv 2002.05709, section 2.2.
 *
 * @param options Backbone, head, optimizer, augmentation, extents.
 * @returns A step of the head's training; metrics `loss` and `accuracy` of the batch before it.
 *
 * @example
 * ```ts
 * import { adam, flattenLayer, linear, supervisedAugment } from "@mutasesumele/toolkit";
 * import { probeStep } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const step = probeStep({
 *   encoder: flattenLayer(),
 *   head: linear({ inputs: 3072, outputs: 10 }),
 *   optimizer: adam(),
 *   augment: supervisedAugment(),
 *   extents: { height: 32, width: 32, channels: 3 },
 * });
 * assertEquals(step.length, 4);
 * ```
 */
export function probeStep(options: ProbeOptions): TrainStep<TrainingState, ProbeInputs> {
  requireArguments("probeStep", { options }, {
    options: is.objectWith({ encoder: kinds.layer, head: kinds.layer, optimizer: kinds.optimizer }),
  });
  const { encoder, head, optimizer, augment, extents } = options;
  return (training, table, key, { rows, step, rate, backbone }) => {
    const batch = labelledBatch(table, key, { rows, step, augment, extents });
    const { output: embeddings } = encoder.apply(backbone.params, backbone.state, batch.images, {
      training: false,
    });
    const { value, grad, aux } = valueAndGradAux((params: Params) => {
      const { output, state } = head.apply(params, training.state, embeddings, {
        training: true,
        key: batch.key,
      });
      return {
        loss: softmaxCrossEntropy(output, batch.labels),
        aux: { state, accuracy: accuracy(output, batch.labels) },
      };
    })(training.params);
    const updated = optimizer.update(grad, training.optimizer, training.params, { rate });
    return {
      training: { params: updated.params, state: aux.state, optimizer: updated.state },
      metrics: { loss: value, accuracy: aux.accuracy },
    };
  };
}
