import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { accuracy, softmaxCrossEntropy } from "../loss/mod.ts";
import { classifierHead } from "../nn/mod.ts";
import { randomIntegers, splitKey } from "../random/mod.ts";
import {
  argMax,
  concat,
  constant,
  equal,
  full,
  reshape,
  split,
  takeRows,
  transpose,
  where,
} from "../tensor/mod.ts";
import type { Tensor } from "../ir/tensor.ts";
import { extentsOf } from "./augment/augment.ts";
import { randomGrayscale } from "./augment/mod.ts";
import type { PretextTask } from "./pretext_task.ts";
import { cutTiles, normalizeTiles } from "./tiles.ts";

/** Options of {@linkcode relativePosition}. */
export interface RelativePositionOptions {
  /** Pixels by which a patch is smaller than its cell, at a random place in it; 3 unless told. */
  readonly gap?: number;
  /** Share of images that lose their colour; 1 unless told: fringes of a lens tell the place. */
  readonly grayscale?: number;
  /** Width of the head's hidden layer; 512 unless told. */
  readonly hidden?: number;
}

/** What lies around the patches in pictures. */
const GREY = 0.5;

/** Row and column of the eight cells around the middle of a grid of 3 x 3. */
const NEIGHBOURS = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1], [2, 2]] as const;

/**
 * Relative position: from the middle patch of an image and one of the eight patches around it, drawn
 * at random, where the second lies is to be told.
 *
 * Patches lie at random places in the cells of a grid of 3 x 3, lose mean and contrast, and are
 * enlarged to the size of an image; both go through the backbone, and a head sees both embeddings.
 *
 * Sources: Doersch et al., arXiv 1505.05192, section 3; Mundhenk et al., arXiv 1708.07860, on
 * shortcuts: colour is taken away altogether unless told.
 *
 * @param options Gap, share of grey images, width of the head.
 * @returns The task, for square images; metric `accuracy` (by chance 1/8). Its pictures lay the second
 *   patch where it was told to lie.
 *
 * @example
 * ```ts
 * import { mean, randomKey, relativePosition, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = relativePosition({ gap: 1, hidden: 8 });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const { loss } = task.loss({ encode, head, images: zeros([2, 12, 12, 3]), key: randomKey(1) });
 * assertEquals(loss.shape, []);
 * ```
 */
export function relativePosition(options: RelativePositionOptions = {}): PretextTask {
  requireOptions("relativePosition", options, {
    gap: is.optionalNumber,
    grayscale: is.optionalNumber,
    hidden: is.optionalNumber,
  });
  const { gap = 3, grayscale = 1, hidden = 512 } = options;
  const headFor = (inputs: number) =>
    classifierHead({ inputs, classes: NEIGHBOURS.length, hidden, normalization: "batch-own" });
  return {
    name: "relative-position",
    needsLabels: false,
    initHead: (key, embedding) => headFor(2 * embedding).init(key).params,
    loss({ encode, head, images, key }) {
      const { n, height, channels } = extentsOf("cut patches out of", images);
      const [choiceKey, placeKey, greyKey, encodeKey] = splitKey(key, 4);
      const choice = randomIntegers(choiceKey!, [n], { high: NEIGHBOURS.length });
      const seen = channels === 3 && grayscale > 0
        ? randomGrayscale(images, greyKey!, { probability: grayscale })
        : images;
      const middle = full([n, 2], { value: 1, dtype: "i32" });
      const around = takeRows(constant(NEIGHBOURS, { dtype: "i32" }), choice);
      const patches = cutTiles(concat([seen, seen]), concat([middle, around]), placeKey!, {
        grid: 3,
        gap,
        side: height,
      });
      const shown = normalizeTiles(patches);
      const [first, second] = split(encode(shown, encodeKey!), { parts: 2 });
      const pair = concat([first!, second!], { axis: 1 });
      const { output } = headFor(pair.shape[1]!).apply(head, {}, pair, { training: true });
      return {
        loss: softmaxCrossEntropy(output, choice),
        metrics: { accuracy: accuracy(output, choice) },
        pictures: () => {
          const [centre, other] = split(shown, { parts: 2 }) as [Tensor, Tensor];
          return {
            input: concat([centre, other], { axis: 2 }),
            target: around3x3(centre, other, choice),
            prediction: around3x3(centre, other, argMax(output, { axes: 1 })),
          };
        },
      };
    },
  };
}

/** A grid of 3 x 3 grey cells with patches `[n, side, side, channels]` in the middle and at a place. */
function around3x3(centre: Tensor, other: Tensor, place: Tensor): Tensor {
  const [n, side, , channels] = centre.shape as [number, number, number, number];
  const grey = full(centre.shape, { value: GREY });
  const at = reshape(place, [n, 1, 1, 1]);
  const cells = NEIGHBOURS.map((_, k) => where(equal(at, k), other, grey));
  cells.splice(4, 0, centre);
  const all = reshape(concat(cells), [3, 3, n, side, side, channels]);
  return reshape(transpose(all, [2, 0, 3, 1, 4, 5]), [n, 3 * side, 3 * side, channels]);
}
