import type { Tensor } from "../ir/tensor.ts";
import { randomIntegers } from "../random/mod.ts";
import {
  add,
  clip,
  concat,
  convert,
  full,
  mul,
  reshape,
  slice,
  standardize,
  transpose,
} from "../tensor/mod.ts";
import { extentsOf } from "./augment/augment.ts";
import { interpolationWeights, resample } from "./augment/resample.ts";

/** How tiles are cut out of square images. */
export interface TileOptions {
  /** Rows and columns of cells; a tile is cut out of a cell. */
  readonly grid: number;
  /** Pixels by which a tile is smaller than its cell; where it lies within is drawn. */
  readonly gap: number;
  /** Side of the tiles that are returned, in pixels; as cut unless told. */
  readonly side?: number;
}

/** Sizes in pixels that follow from {@linkcode TileOptions}. */
export interface TileSizes {
  /** Side of a cell. */
  readonly cell: number;
  /** Side of a tile as it is cut. */
  readonly tile: number;
  /** Pixels before the first cell, where the grid does not divide the image. */
  readonly margin: number;
}

/**
 * Sizes of the tiles of an image.
 *
 * @param attempt What is being done, for the error: "cut a jigsaw out of".
 * @param images Images `[n, size, size, channels]`.
 * @param options The grid and the gap.
 * @returns The sizes.
 * @throws {RangeError} If the images are not square, or nothing is left of a tile.
 */
export function tileSizes(
  attempt: string,
  images: Tensor,
  { grid, gap }: Pick<TileOptions, "grid" | "gap">,
): TileSizes {
  const { height, width } = extentsOf(attempt, images);
  const cell = Math.floor(height / grid);
  const tile = cell - gap;
  if (height !== width || !Number.isInteger(gap) || gap < 0 || tile < 2) {
    throw new RangeError(
      `Cannot ${attempt} images of ${height} x ${width} in ${grid} x ${grid} cells with a gap of ` +
        `${gap}: expected squares, a whole gap from 0, and tiles of at least 2 pixels, found ` +
        `${tile}. Enlarge the images or lower the gap.`,
    );
  }
  return { cell, tile, margin: Math.floor((height - grid * cell) / 2) };
}

/**
 * Cuts one tile out of every image, at a random place within a cell.
 *
 * @param images Images `[n, size, size, channels]`.
 * @param cells Row and column of each image's cell, `i32[n, 2]`.
 * @param key The key of the places, `u32[2]`.
 * @param options The grid, the gap, and the size to which tiles are scaled.
 * @returns Tiles `[n, side, side, channels]`.
 */
export function cutTiles(
  images: Tensor,
  cells: Tensor,
  key: Tensor,
  options: TileOptions,
): Tensor {
  const { n, height } = extentsOf("cut tiles out of", images);
  const { cell, tile, margin } = tileSizes("cut tiles out of", images, options);
  const { side = tile } = options;
  const places = randomIntegers(key, [n, 2], { high: options.gap + 1 });
  const pixels = add(add(mul(cells, cell), margin), places);
  const start = mul(convert(pixels, "f32"), 1 / height);
  const weights = (axis: number): Tensor =>
    interpolationWeights(height, {
      start: slice(start, [null, axis]),
      extent: full([n], { value: tile / height }),
      count: side,
    });
  return resample(images, { rows: weights(0), columns: weights(1) });
}

/**
 * Cuts a tile out of every cell of every image.
 *
 * @param images Images `[n, size, size, channels]`.
 * @param key The key of the places, `u32[2]`; every tile has a draw of its own.
 * @param options The grid, the gap, and the size to which tiles are scaled.
 * @returns Tiles `[n, grid * grid, side, side, channels]`, row by row.
 */
export function cutAllTiles(images: Tensor, key: Tensor, options: TileOptions): Tensor {
  const { n, channels } = extentsOf("cut tiles out of", images);
  const { grid } = options;
  const count = grid * grid;
  const number = (value: number): Tensor => full([n, 1], { value, dtype: "i32" });
  const cells = Array.from(
    { length: count },
    (_, at) => concat([number(Math.floor(at / grid)), number(at % grid)], { axis: 1 }),
  );
  const copies = concat(cells.map(() => images));
  const tiles = cutTiles(copies, concat(cells), key, options);
  const side = tiles.shape[1]!;
  return transpose(reshape(tiles, [count, n, side, side, channels]), [1, 0, 2, 3, 4]);
}

/**
 * Takes brightness and contrast from every channel of every tile, so that neither tells where in the
 * image it was: mean 0.5, deviation 1/6, cut to `[0, 1]`.
 *
 * Source: Noroozi and Favaro, arXiv 1603.09246, section 4.2.
 *
 * @param tiles Tiles `[n, side, side, channels]`.
 * @returns Tiles of the same shape.
 */
export function normalizeTiles(tiles: Tensor): Tensor {
  const { normal } = standardize(tiles, [1, 2]);
  return clip(add(mul(normal, 1 / 6), 0.5), { low: 0, high: 1 });
}
