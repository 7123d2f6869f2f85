import { accuracy, softmaxCrossEntropy } from "../loss/mod.ts";
import { classifierHead } from "../nn/mod.ts";
import { randomIntegers, splitKey } from "../random/mod.ts";
import { rotateQuarterTurns } from "./augment/mod.ts";
import type { PretextTask } from "./pretext_task.ts";

/**
 * Rotation prediction: every image is turned by 0, 90, 180 or 270 degrees, drawn at random, and the
 * turn is to be told.
 *
 * Source: Gidaris et al., arXiv 1803.07728, section 2.
 *
 * @param options Width of the head's hidden layer; 512 unless told.
 * @returns The task, for square images; metric `accuracy` (by chance 0.25).
 *
 * @example
 * ```ts
 * import { mean, randomKey, rotation, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = rotation({ hidden: 8 });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const { loss } = task.loss({ encode, head, images: zeros([2, 4, 4, 3]), key: randomKey(1) });
 * assertEquals(loss.shape, []);
 * ```
 */
export function rotation({ hidden = 512 }: { readonly hidden?: number } = {}): PretextTask {
  const headFor = (inputs: number) =>
    classifierHead({ inputs, classes: 4, hidden, statistics: "batch" });
  return {
    name: "rotation",
    needsLabels: false,
    initHead: (key, embedding) => headFor(embedding).init(key).params,
    loss({ encode, head, images, key }) {
      const [turnKey, encodeKey] = splitKey(key, 2);
      const turns = randomIntegers(turnKey!, [images.shape[0]!], { high: 4 });
      const embeddings = encode(rotateQuarterTurns(images, turns), encodeKey!);
      const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
        training: true,
      });
      return {
        loss: softmaxCrossEntropy(output, turns),
        metrics: { accuracy: accuracy(output, turns) },
      };
    },
  };
}
