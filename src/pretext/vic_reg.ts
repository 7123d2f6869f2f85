import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { vicReg, type VicRegOptions } from "../loss/mod.ts";
import { mlpHead } from "../nn/mod.ts";
import { split } from "../tensor/mod.ts";
import { type Augment, simclrAugment } from "./augment/mod.ts";
import type { PretextTask } from "./pretext_task.ts";
import { twoViewTask } from "./two_views.ts";

/** Options of {@linkcode vicRegTask}. */
export interface VicRegTaskOptions extends VicRegOptions {
  /** Length of the projection; 512 unless told. */
  readonly projection?: number;
  /** Width of the two hidden layers of the projector; the length of the projection unless told. */
  readonly hidden?: number;
  /** How a view is made; {@linkcode simclrAugment} unless told. */
  readonly augment?: Augment;
}

/**
 * VICReg: two views of a batch that are alike, while features keep their variance and do not
 * vary together.
 *
 * Both views are one batch to the backbone and the head: batch normalization takes the statistics of both,
 * where the authors' program normalizes each view by its own.
 *
 * Source: Bardes et al., arXiv 2105.04906, section 4; the projector is narrower than the paper's
 * 8192 unless told.
 *
 * @param options Widths of the projector, weights of the three terms, augmentation.
 * @returns The task, for batches of two images and more; metrics `alignment`, the mean cosine
 *   between views of one image, and `spread`, 1 where they fill the sphere, 0 where they collapse.
 *
 * @example
 * ```ts
 * import { mean, normal, randomKey, vicRegTask } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = vicRegTask({ projection: 4 });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const images = normal(randomKey(2), [4, 4, 4, 3]);
 * const { loss } = task.loss({ encode, head, images, key: randomKey(1) });
 * assertEquals(loss.shape, []);
 * ```
 */
export function vicRegTask(options: VicRegTaskOptions = {}): PretextTask {
  requireOptions("vicRegTask", options, {
    invariance: is.optionalNumber,
    variance: is.optionalNumber,
    covariance: is.optionalNumber,
    projection: is.optionalNumber,
    hidden: is.optionalNumber,
    augment: true,
  });
  const { projection = 512, hidden = projection, augment = simclrAugment(), ...weights } = options;
  const headFor = (inputs: number) =>
    mlpHead({ inputs, hidden: [hidden, hidden], outputs: projection });
  return twoViewTask({
    name: "vicreg",
    headFor,
    augment,
    judge: (output) => {
      const [one, other] = split(output, { parts: 2 });
      return { loss: vicReg(one!, other!, weights), metrics: {} };
    },
  });
}
