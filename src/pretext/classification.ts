import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { accuracy, softmaxCrossEntropy } from "../loss/mod.ts";
import { classifierHead } from "../nn/mod.ts";
import { splitKey } from "../random/mod.ts";
import { oneHot, softmax } from "../tensor/mod.ts";
import { type Augment, supervisedAugment } from "./augment/mod.ts";
import { barPictures } from "./bar_pictures.ts";
import type { PretextTask } from "./pretext_task.ts";

/** Options of {@linkcode classification}. */
export interface ClassificationOptions {
  /** Number of classes. */
  readonly classes: number;
  /** Width of the head's hidden layer; 512 unless told. */
  readonly hidden?: number;
  /** Label smoothing of the loss; 0 unless told. */
  readonly labelSmoothing?: number;
  /** How images are changed; {@linkcode supervisedAugment} unless told. */
  readonly augment?: Augment;
}

/**
 * Classification by given labels: the supervised task, with the interface of the others.
 *
 * @param options Classes, width of the head, label smoothing and augmentation.
 * @returns The task; metric `accuracy`. Its pictures show a bar for every class.
 *
 * @example
 * ```ts
 * import { classification, constant, mean, randomKey, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = classification({ classes: 2, hidden: 8 });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const labels = constant([0, 1], { dtype: "i32" });
 * const inputs = { encode, head, images: zeros([2, 8, 8, 3]), key: randomKey(1), labels };
 * assertEquals(task.loss(inputs).loss.shape, []);
 * ```
 */
export function classification(options: ClassificationOptions): PretextTask {
  requireOptions("classification", options, {
    classes: is.number,
    hidden: is.optionalNumber,
    labelSmoothing: is.optionalNumber,
    augment: true,
  });
  const { classes, hidden = 512, labelSmoothing = 0, augment = supervisedAugment() } = options;
  const headFor = (inputs: number) =>
    classifierHead({ inputs, classes, hidden, normalization: "batch-own" });
  return {
    name: "classification",
    needsLabels: true,
    initHead: (key, embedding) => headFor(embedding).init(key).params,
    loss({ encode, head, images, key, labels }) {
      const targets = requireLabels("classification", labels);
      const [augmentKey, encodeKey] = splitKey(key, 2);
      const input = augment(images, augmentKey!);
      const embeddings = encode(input, encodeKey!);
      const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
        training: true,
      });
      return {
        loss: softmaxCrossEntropy(output, targets, { labelSmoothing }),
        metrics: { accuracy: accuracy(output, targets) },
        pictures: () => ({
          input,
          target: barPictures(oneHot(targets, classes)),
          prediction: barPictures(softmax(output)),
        }),
      };
    },
  };
}

/**
 * The labels of a task that needs them.
 *
 * @param task Name of the task, for the error.
 * @param labels What the task was given.
 * @returns The labels.
 * @throws {TypeError} If there are none.
 */
export function requireLabels(task: string, labels: Tensor | undefined): Tensor {
  if (labels) return labels;
  throw new TypeError(
    `Cannot take the loss of the task ${task}: found no labels, expected i32[n]. Pass { labels }.`,
  );
}
