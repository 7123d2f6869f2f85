import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { supervisedContrastive } from "../loss/mod.ts";
import { projectionHead } from "../nn/mod.ts";
import { concat } from "../tensor/mod.ts";
import { type Augment, simclrAugment } from "./augment/mod.ts";
import { requireLabels } from "./classification.ts";
import type { PretextTask } from "./pretext_task.ts";
import { twoViewTask } from "./two_views.ts";

/** Options of {@linkcode supervisedContrastiveTask}. */
export interface SupervisedContrastiveTaskOptions {
  /** Temperature of the loss; 0.1 unless told. */
  readonly temperature?: number;
  /** Length of the projection; 128 unless told. */
  readonly projection?: number;
  /** Width of the projection's hidden layer; the length of the embedding unless told. */
  readonly hidden?: number;
  /** How a view is made; {@linkcode simclrAugment} unless told. */
  readonly augment?: Augment;
}

/**
 * Supervised contrastive learning: two random views of every image, and each view has to tell
 * the views of its class from all others.
 *
 * Source: Khosla et al., arXiv 2004.11362, section 3.
 *
 * @param options Temperature, projection and augmentation.
 * @returns The task, for batches of two images and more; metrics `alignment`, the mean cosine
 *   between views of one image, and `spread`, 1 where they fill the sphere, 0 where they collapse.
 *
 * @example
 * ```ts
 * import { constant, mean, normal, randomKey, supervisedContrastiveTask } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = supervisedContrastiveTask({ projection: 4 });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const images = normal(randomKey(2), [4, 4, 4, 3]);
 * const labels = constant([0, 1, 0, 1], { dtype: "i32" });
 * const { loss } = task.loss({ encode, head, images, labels, key: randomKey(1) });
 * assertEquals(loss.shape, []);
 * ```
 */
export function supervisedContrastiveTask(
  options: SupervisedContrastiveTaskOptions = {},
): PretextTask {
  requireOptions("supervisedContrastiveTask", options, {
    temperature: is.optionalNumber,
    projection: is.optionalNumber,
    hidden: is.optionalNumber,
    augment: true,
  });
  const { temperature = 0.1, projection = 128, hidden, augment = simclrAugment() } = options;
  const headFor = (inputs: number) =>
    projectionHead({ inputs, outputs: projection, hidden: hidden ?? inputs });
  return twoViewTask({
    name: "supervised-contrastive",
    needsLabels: true,
    headFor,
    augment,
    judge: (output, labels) => {
      const classes = requireLabels("supervised-contrastive", labels);
      const loss = supervisedContrastive(output, concat([classes, classes]), { temperature });
      return { loss, metrics: {} };
    },
  });
}
