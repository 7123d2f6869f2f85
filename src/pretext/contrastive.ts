import { ntXent } from "../loss/mod.ts";
import { projectionHead } from "../nn/mod.ts";
import { splitKey } from "../random/mod.ts";
import { concat, l2Normalize, mean, mul, split, sum } from "../tensor/mod.ts";
import { type Augment, simclrAugment } from "./augment/mod.ts";
import type { PretextTask } from "./pretext_task.ts";

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
 * @returns The task, for batches of two images and more; metric `alignment`, the mean cosine
 *   between partners.
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
  const { temperature = 0.1, projection = 128, hidden, augment = simclrAugment() } = options;
  const headFor = (inputs: number) =>
    projectionHead({ inputs, outputs: projection, hidden: hidden ?? inputs });
  return {
    name: "contrastive",
    needsLabels: false,
    initHead: (key, embedding) => headFor(embedding).init(key).params,
    loss({ encode, head, images, key }) {
      const [viewKey, encodeKey] = splitKey(key, 2);
      const views = augment(concat([images, images]), viewKey!);
      const embeddings = encode(views, encodeKey!);
      const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
        training: true,
      });
      const [one, other] = split(l2Normalize(output), { parts: 2 });
      return {
        loss: ntXent(output, { temperature }),
        metrics: { alignment: mean(sum(mul(one!, other!), { axes: 1 })) },
      };
    },
  };
}
