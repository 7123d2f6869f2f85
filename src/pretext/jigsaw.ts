import * as is from "../ir/kinds.ts";
import { requireOneOf, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { accuracy, softmaxCrossEntropy } from "../loss/mod.ts";
import { classifierHead } from "../nn/mod.ts";
import { randomIntegers, splitKey } from "../random/mod.ts";
import { argMax, constant, pad, reshape, takeRows, transpose } from "../tensor/mod.ts";
import { vmap } from "../transform/vmap.ts";
import { extentsOf } from "./augment/augment.ts";
import { randomGrayscale } from "./augment/mod.ts";
import { distantPermutations } from "./distant_permutations.ts";
import type { PretextTask } from "./pretext_task.ts";
import { cutAllTiles, normalizeTiles, tileSizes } from "./tiles.ts";

/** Options of {@linkcode jigsaw}. */
export interface JigsawOptions {
  /** Rows and columns of tiles, 2 or 3; 2 unless told. */
  readonly grid?: 2 | 3;
  /** Number of orders that are told apart; all 24, or 100 of 3 x 3 tiles, unless told. */
  readonly orders?: number;
  /** Pixels by which a tile is smaller than its cell, at a random place in it; 4 unless told. */
  readonly gap?: number;
  /** Share of images that lose their colour; 0.3 unless told, as in the paper. */
  readonly grayscale?: number;
  /**
   * What the backbone sees: one image in which the tiles have changed places (`"mosaic"`, unless
   * told), or every tile by itself, enlarged to the size of an image (`"tiles"`), as in the paper.
   */
  readonly view?: "mosaic" | "tiles";
  /** Width of the head's hidden layer; 512 unless told. */
  readonly hidden?: number;
}

/** What fills the space between the tiles of a mosaic. */
const GREY = 0.5;

/**
 * Jigsaw puzzles: the tiles of every image are exchanged in one of several orders, drawn at random,
 * and the order is to be told.
 *
 * Tiles lie at random places in their cells and lose mean and contrast, and some images their
 * colour, so that neither edges that fit, nor gradients of light, nor the colour fringes of a lens
 * give the order away.
 *
 * Source: Noroozi and Favaro, arXiv 1603.09246, sections 3 and 4.2; unless told, with one network
 * for the mosaic in place of one for each tile, which costs a fourth. Orders are chosen by their least
 * distance from each other, where the paper's algorithm 1 takes the sum of distances.
 *
 * @param options Tiles, orders, gap, share of grey images, what is seen, width of the head.
 * @returns The task, for square images; metric `accuracy` (by chance one over the orders). Its pictures
 *   are mosaics, put back into order as far as the order was told.
 * @throws {RangeError} If there are fewer than 2 or too many orders, or the grid or the view is none of those.
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
export function jigsaw(options: JigsawOptions = {}): PretextTask {
  requireOptions("jigsaw", options, {
    grid: true,
    orders: is.optionalNumber,
    gap: is.optionalNumber,
    grayscale: is.optionalNumber,
    view: true,
    hidden: is.optionalNumber,
  });
  const { grid = 2, gap = 4, grayscale = 0.3, view = "mosaic", hidden = 512 } = options;
  requireOneOf("jigsaw", ["grid", grid], [2, 3]);
  requireOneOf("jigsaw", ["view", view], ["mosaic", "tiles"]);
  const count = grid * grid;
  const most = grid === 2 ? 24 : 362_880;
  const { orders = Math.min(most, 100) } = options;
  if (!(Number.isInteger(orders) && orders >= 2 && orders <= most)) {
    throw new RangeError(
      `Cannot make a jigsaw of ${grid} x ${grid} tiles with ${orders} orders: expected a whole ` +
        `number from 2 to ${most}.`,
    );
  }
  const permutations = distantPermutations(count, orders);
  const table = constant(permutations, { dtype: "i32" });
  const headFor = (inputs: number) =>
    classifierHead({ inputs, classes: orders, hidden, normalization: "batch-own" });
  return {
    name: "jigsaw",
    needsLabels: false,
    initHead: (key, embedding) =>
      headFor(view === "tiles" ? count * embedding : embedding).init(key).params,
    loss({ encode, head, images, key }) {
      const { n, height, channels } = extentsOf("cut a jigsaw out of", images);
      const sizes = tileSizes("cut a jigsaw out of", images, { grid, gap });
      const [orderKey, placeKey, greyKey, encodeKey] = splitKey(key, 4);
      const order = randomIntegers(orderKey!, [n], { high: orders });
      const seen = channels === 3 && grayscale > 0
        ? randomGrayscale(images, greyKey!, { probability: grayscale })
        : images;
      const side = view === "tiles" ? height : sizes.tile;
      const tiles = cutAllTiles(seen, placeKey!, { grid, gap, side });
      const shape = [n * count, side, side, channels];
      const normal = reshape(normalizeTiles(reshape(tiles, shape)), tiles.shape);
      const exchanged = vmap(takeRows)(normal, takeRows(table, order));
      const laid = (tiles: Tensor): Tensor => {
        const places = view === "tiles"
          ? { size: grid * side, cell: side, tile: side }
          : { size: height, ...sizes };
        return mosaic(tiles, { grid, ...places });
      };
      const input = laid(exchanged);
      const embeddings = view === "tiles"
        ? reshape(encode(reshape(exchanged, shape), encodeKey!), [n, -1])
        : encode(input, encodeKey!);
      const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
        training: true,
      });
      return {
        loss: softmaxCrossEntropy(output, order),
        metrics: { accuracy: accuracy(output, order) },
        pictures: () => {
          const inverse = permutations.map((places) => places.map((_, k) => places.indexOf(k)));
          const told = argMax(output, { axes: 1 });
          const back = takeRows(constant(inverse, { dtype: "i32" }), told);
          const prediction = laid(vmap(takeRows)(exchanged, back));
          return { input, target: laid(normal), prediction };
        },
      };
    },
  };
}

/** Tiles `[n, grid * grid, tile, tile, channels]` in the middle of the cells of one grey image. */
function mosaic(
  tiles: Tensor,
  { grid, size, cell, tile }: {
    readonly grid: number;
    readonly size: number;
    readonly cell: number;
    readonly tile: number;
  },
): Tensor {
  const [n, , , , channels] = tiles.shape as [number, number, number, number, number];
  const none = [0, 0] as const;
  const around = (inner: number, outer: number): readonly [number, number] => {
    const before = Math.floor((outer - inner) / 2);
    return [before, outer - inner - before];
  };
  const gap = around(tile, cell);
  const cells = pad(tiles, [none, none, gap, gap, none], { value: GREY });
  const rows = transpose(reshape(cells, [n, grid, grid, cell, cell, channels]), [0, 1, 3, 2, 4, 5]);
  const margin = around(grid * cell, size);
  return pad(reshape(rows, [n, grid * cell, grid * cell, channels]), [none, margin, margin, none], {
    value: GREY,
  });
}
