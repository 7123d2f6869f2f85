import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { barlowTwins } from "../loss/mod.ts";
import { mlpHead } from "../nn/mod.ts";
import { split } from "../tensor/mod.ts";
import { type Augment, simclrAugment } from "./augment/mod.ts";
import type { PretextTask } from "./pretext_task.ts";
import { twoViewTask } from "./two_views.ts";

/** Options of {@linkcode barlowTwinsTask}. */
export interface BarlowTwinsTaskOptions {
  /** Length of the projection; 512 unless told. */
  readonly projection?: number;
  /** Width of the two hidden layers of the projector; the length of the projection unless told. */
  readonly hidden?: number;
  /** Weight of the redundancy term; 0.005 unless told. */
  readonly redundancy?: number;
  /** How a view is made; {@linkcode simclrAugment} unless told. */
  readonly augment?: Augment;
}

/**
 * Barlow Twins: two views of a batch, whose features should correlate with themselves and with
 * nothing else.
 *
 * Both views are one batch to the backbone and the head: batch normalization takes the statistics of both,
 * where the authors' program normalizes each view by its own.
 *
 * Source: Zbontar et al., arXiv 2103.03230, algorithm 1; the projector is narrower than the
 * paper's 8192 unless told.
 *
 * @param options Widths of the projector, weight of the redundancy, augmentation.
 * @returns The task, for batches of two images and more; metrics `alignment`, the mean cosine
 *   between views of one image, and `spread`, 1 where they fill the sphere, 0 where they collapse.
 *
 * @example
 * ```ts
 * import { barlowTwinsTask, mean, normal, randomKey } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = barlowTwinsTask({ projection: 4 });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const images = normal(randomKey(2), [4, 4, 4, 3]);
 * const { loss } = task.loss({ encode, head, images, key: randomKey(1) });
 * assertEquals(loss.shape, []);
 * ```
 */
export function barlowTwinsTask(options: BarlowTwinsTaskOptions = {}): PretextTask {
  requireOptions("barlowTwinsTask", options, {
    projection: is.optionalNumber,
    hidden: is.optionalNumber,
    redundancy: is.optionalNumber,
    augment: true,
  });
  const { projection = 512, hidden = projection, redundancy = 0.005 } = options;
  const { augment = simclrAugment() } = options;
  const headFor = (inputs: number) =>
    mlpHead({ inputs, hidden: [hidden, hidden], outputs: projection });
  return twoViewTask({
    name: "barlow-twins",
    headFor,
    augment,
    judge: (output) => {
      const [one, other] = split(output, { parts: 2 });
      return { loss: barlowTwins(one!, other!, { redundancy }), metrics: {} };
    },
  });
}
