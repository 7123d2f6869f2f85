import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { projectionHead } from "../nn/mod.ts";
import {
  add,
  convert,
  expandDims,
  eye,
  isNan,
  l2Normalize,
  less,
  logicalNot,
  matmul,
  mul,
  relu,
  split,
  sub,
  sum,
  transpose,
  where,
} from "../tensor/mod.ts";
import { type Augment, simclrAugment } from "./augment/mod.ts";
import type { PretextTask } from "./pretext_task.ts";
import { twoViewTask } from "./two_views.ts";

/** Options of {@linkcode exemplar}. */
export interface ExemplarOptions {
  /** How much nearer a view of the same image must be than one of another; 0.5 unless told. */
  readonly margin?: number;
  /** Length of the projection; 128 unless told. */
  readonly projection?: number;
  /** Width of the projection's hidden layer; the length of the embedding unless told. */
  readonly hidden?: number;
  /** How a view is made; {@linkcode simclrAugment} unless told. */
  readonly augment?: Augment;
}

/**
 * Exemplar learning: two random views of an image should be nearer to each other, by a margin, than
 * to views of other images.
 *
 * Sources: Dosovitskiy et al., arXiv 1406.6909, for the task; the loss is the triplet loss of Doersch
 * and Zisserman, arXiv 1708.07860, section 2: the mean over images i and j != i of
 * `max(0, d(i1, i2) - d(i1, j2) + margin)`, `d` one minus the cosine, over all other images of the
 * batch in place of one that is drawn.
 *
 * @param options Margin, projection and augmentation.
 * @returns The task, for batches of two images and more; metrics `violated`, the share of triplets
 *   in which another image is nearer, `alignment` and `spread` (see {@linkcode contrastive}).
 *
 * @example
 * ```ts
 * import { exemplar, mean, normal, randomKey } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = exemplar({ projection: 4 });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const images = normal(randomKey(2), [2, 4, 4, 3]);
 * assertEquals(task.loss({ encode, head, images, key: randomKey(1) }).loss.shape, []);
 * ```
 */
export function exemplar(options: ExemplarOptions = {}): PretextTask {
  requireOptions("exemplar", options, {
    margin: is.optionalNumber,
    projection: is.optionalNumber,
    hidden: is.optionalNumber,
    augment: true,
  });
  const { margin = 0.5, projection = 128, hidden, augment = simclrAugment() } = options;
  const headFor = (inputs: number) =>
    projectionHead({ inputs, outputs: projection, hidden: hidden ?? inputs });
  return twoViewTask({
    name: "exemplar",
    headFor,
    augment,
    judge: (output) => {
      const count = output.shape[0]! / 2;
      const [one, other] = split(l2Normalize(output), { parts: 2 });
      const similarity = matmul(one!, transpose(other!));
      const own = expandDims(sum(mul(one!, other!), { axes: 1 }), 1);
      const others = convert(logicalNot(eye(count, "bool")), "f32");
      const average = (x: Tensor): Tensor => mul(sum(mul(x, others)), 1 / (count * (count - 1)));
      const excess = sub(similarity, own);
      return {
        loss: average(relu(add(excess, margin))),
        // A comparison with NaN is false: it would count as a triplet in order.
        metrics: {
          violated: average(where(isNan(excess), excess, convert(less(0, excess), "f32"))),
        },
      };
    },
  });
}
