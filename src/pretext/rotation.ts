import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { accuracy, softmaxCrossEntropy } from "../loss/mod.ts";
import { classifierHead } from "../nn/mod.ts";
import { randomIntegers, splitKey } from "../random/mod.ts";
import { argMax, broadcastTo, concat, equal, range, reshape, sub, where } from "../tensor/mod.ts";
import { rotateQuarterTurns } from "./augment/mod.ts";
import type { PretextTask } from "./pretext_task.ts";

/** Options of {@linkcode rotation}. */
export interface RotationOptions {
  /** Width of the head's hidden layer; 512 unless told. */
  readonly hidden?: number;
  /**
   * Which turns of an image are shown: one drawn at random (`"drawn"`, unless told), or all four
   * (`"all"`), as in the paper, which makes the batch four times as large.
   */
  readonly turns?: "drawn" | "all";
}

/**
 * Rotation prediction: every image is turned by 0, 90, 180 or 270 degrees, and the turn is to be
 * told.
 *
 * Source: Gidaris et al., arXiv 1803.07728, section 2, which shows all four turns of every image.
 *
 * @param options Width of the head, and which turns are shown.
 * @returns The task, for square images; metric `accuracy` (by chance 0.25). Its pictures are turned
 *   back: upright where the turn was told.
 *
 * @example
 * ```ts
 * import { mean, randomKey, rotation, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = rotation({ hidden: 8, turns: "all" });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const { loss } = task.loss({ encode, head, images: zeros([2, 4, 4, 3]), key: randomKey(1) });
 * assertEquals(loss.shape, []);
 * ```
 */
export function rotation(
  options: RotationOptions = {},
): PretextTask {
  requireOptions("rotation", options, { hidden: is.optionalNumber, turns: true });
  const { hidden = 512, turns: shown = "drawn" } = options;
  const headFor = (inputs: number) =>
    classifierHead({ inputs, classes: 4, hidden, normalization: "batch-own" });
  return {
    name: "rotation",
    needsLabels: false,
    initHead: (key, embedding) => headFor(embedding).init(key).params,
    loss({ encode, head, images, key }) {
      const [turnKey, encodeKey] = splitKey(key, 2);
      const count = images.shape[0]!;
      const [turns, turned] = shown === "all"
        ? [allTurns(count), concat([images, images, images, images])]
        : [randomIntegers(turnKey!, [count], { high: 4 }), images];
      const input = rotateQuarterTurns(turned, turns);
      const embeddings = encode(input, encodeKey!);
      const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
        training: true,
      });
      return {
        loss: softmaxCrossEntropy(output, turns),
        metrics: { accuracy: accuracy(output, turns) },
        pictures: () => {
          const told = argMax(output, { axes: 1 });
          const back = where(equal(told, 0), 0, sub(4, told));
          return { input, target: turned, prediction: rotateQuarterTurns(input, back) };
        },
      };
    },
  };
}

/** 0 for the first copy of the batch, 1 for the second, and so on: `i32[4 n]`. */
function allTurns(count: number): Tensor {
  return reshape(broadcastTo(reshape(range(4), [4, 1]), [4, count]), [4 * count]);
}
