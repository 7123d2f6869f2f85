import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { ntXent } from "../loss/mod.ts";
import { projectionHead } from "../nn/mod.ts";
import { type Augment, simclrAugment } from "./augment/mod.ts";
import type { PretextTask } from "./pretext_task.ts";
import { twoViewTask } from "./two_views.ts";

/** Options of {@linkcode contrastive}. */
export interface ContrastiveOptions {
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
 * Contrastive learning: two random views of every image, and each view has to tell its partner from
 * the views of all other images.
 *
 * Source: SimCLR, Chen et al., arXiv 2002.05709, algorithm 1.
 *
 * @param options Temperature, projection and augmentation.
 * @returns The task, for batches of two images and more; metrics `alignment`, the mean cosine
 *   between partners, and `spread`, 1 where projections fill the sphere and 0 where they collapse.
 *
 * @example
 * ```ts
 * import { contrastive, mean, normal, randomKey } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = contrastive({ projection: 4 });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const images = normal(randomKey(2), [2, 4, 4, 3]);
 * assertEquals(task.loss({ encode, head, images, key: randomKey(1) }).loss.shape, []);
 * ```
 */
export function contrastive(options: ContrastiveOptions = {}): PretextTask {
  requireOptions("contrastive", options, {
    temperature: is.optionalNumber,
    projection: is.optionalNumber,
    hidden: is.optionalNumber,
    augment: true,
  });
  const { temperature = 0.1, projection = 128, hidden, augment = simclrAugment() } = options;
  const headFor = (inputs: number) =>
    projectionHead({ inputs, outputs: projection, hidden: hidden ?? inputs });
  return twoViewTask({
    name: "contrastive",
    headFor,
    augment,
    judge: (output) => ({ loss: ntXent(output, { temperature }), metrics: {} }),
  });
}
