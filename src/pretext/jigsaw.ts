import type { Tensor } from "../ir/tensor.ts";
import { accuracy, softmaxCrossEntropy } from "../loss/mod.ts";
import { classifierHead } from "../nn/mod.ts";
import { randomIntegers, splitKey } from "../random/mod.ts";
import { constant, reshape, takeRows, transpose, where } from "../tensor/mod.ts";
import { vmap } from "../transform/vmap.ts";
import { extentsOf } from "./augment/augment.ts";
import { permutations } from "./permutations.ts";
import type { PretextTask } from "./pretext_task.ts";

/** Options of {@linkcode jigsaw}. */
export interface JigsawOptions {
  /** Pixels at the edge of every tile that are hidden; 2 unless told. */
  readonly gap?: number;
  /** Width of the head's hidden layer; 512 unless told. */
  readonly hidden?: number;
}

/** All 24 orders of four tiles. */
const ORDERS: readonly (readonly number[])[] = permutations([0, 1, 2, 3]);

/**
 * Jigsaw puzzles: the quarters of every image are exchanged in one of 24 orders, drawn at random,
 * and the order is to be told.
 *
 * Edges of tiles are hidden, so that lines that run across them do not give the order away.
 *
 * Source: after Noroozi and Favaro, arXiv 1603.09246; 2 x 2 tiles in one image instead of 3 x 3 in
 * a siamese network.
 *
 * @param options Width of the hidden edges and of the head.
 * @returns The task, for images of even height and width; metric `accuracy` (by chance 1/24).
 *
 * @example
 * ```ts
 * import { jigsaw, mean, randomKey, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = jigsaw({ gap: 1, hidden: 8 });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const { loss } = task.loss({ encode, head, images: zeros([2, 8, 8, 3]), key: randomKey(1) });
 * assertEquals(loss.shape, []);
 * ```
 */
export function jigsaw({ gap = 2, hidden = 512 }: JigsawOptions = {}): PretextTask {
  const headFor = (inputs: number) =>
    classifierHead({ inputs, classes: ORDERS.length, hidden, statistics: "batch" });
  return {
    name: "jigsaw",
    needsLabels: false,
    initHead: (key, embedding) => headFor(embedding).init(key).params,
    loss({ encode, head, images, key }) {
      const [orderKey, encodeKey] = splitKey(key, 2);
      const order = randomIntegers(orderKey!, [images.shape[0]!], { high: ORDERS.length });
      const embeddings = encode(exchangeQuarters(images, order, gap), encodeKey!);
      const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
        training: true,
      });
      return {
        loss: softmaxCrossEntropy(output, order),
        metrics: { accuracy: accuracy(output, order) },
      };
    },
  };
}

function exchangeQuarters(images: Tensor, order: Tensor, gap: number): Tensor {
  const { n, height, width, channels } = extentsOf("cut", images);
  const [rows, columns] = [height / 2, width / 2];
  if (!Number.isInteger(rows) || !Number.isInteger(columns) || 2 * gap >= Math.min(rows, columns)) {
    throw new RangeError(
      `Cannot cut images of ${height} x ${width} into quarters with hidden edges of ${gap}: ` +
        `expected even sizes and tiles larger than their edges. Crop the images or lower the gap.`,
    );
  }
  const inner = (at: number, extent: number): boolean => at >= gap && at < extent - gap;
  const visible = Array.from(
    { length: rows * columns },
    (_, at) => inner(Math.floor(at / columns), rows) && inner(at % columns, columns) ? 1 : 0,
  );
  const window = constant(visible, { shape: [rows, columns, 1], dtype: "bool" });
  // [n, 2, rows, 2, columns, channels] -> [n, 4, rows, columns, channels]
  const tiles = reshape(
    transpose(reshape(images, [n, 2, rows, 2, columns, channels]), [0, 1, 3, 2, 4, 5]),
    [n, 4, rows, columns, channels],
  );
  const places = takeRows(constant(ORDERS, { dtype: "i32" }), order);
  const exchanged = vmap(takeRows)(where(window, tiles, 0.5), places);
  return reshape(
    transpose(reshape(exchanged, [n, 2, 2, rows, columns, channels]), [0, 1, 3, 2, 4, 5]),
    [n, height, width, channels],
  );
}
