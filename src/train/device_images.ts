/**
 * A data set on the device: uploaded once as bytes, four of them a word; batches are rows by index.
 *
 * @module
 */
import * as kinds from "./kinds.ts";
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import type { HostArray } from "../engine/mod.ts";
import type { Tensor } from "../ir/tensor.ts";
import { and, select, shiftRight } from "../ops/mod.ts";
import {
  broadcastTo,
  constant,
  convert,
  expandDims,
  greaterEqual,
  mul,
  reshape,
  slice,
  sub,
  takeRows,
} from "../tensor/mod.ts";
import type { ImageDataset } from "../data/in_memory.ts";

/** Images and labels as tensors of a program. */
export interface ImageTable {
  /** Parts of the images, each `u32[rows, words]`: whole images, four bytes a word. */
  readonly shards: readonly Tensor[];
  /** Classes, `i32[count]`. */
  readonly labels: Tensor;
}

/** Images and labels on the host, ready for `engine.put`. */
export interface HostImageTable {
  /** Parts of the images. */
  readonly shards: readonly HostArray[];
  /** Classes. */
  readonly labels: HostArray;
}

/** Extents of every image of a table. */
export interface ImageExtents {
  /** Rows of an image. */
  readonly height: number;
  /** Columns of an image. */
  readonly width: number;
  /** Channels of a pixel. */
  readonly channels: number;
}

/** What {@linkcode packImages} needs of a data set, or of a batch. */
export type PackedImages = Pick<
  ImageDataset,
  "name" | "count" | "images" | "labels" | "height" | "width" | "channels" | "classNames"
>;

/** Bytes of a part: half of the smallest limit of a binding that WebGPU devices have. */
const SHARD_BYTES = 64 * 1024 * 1024;

/**
 * Packs a data set for the device: a quarter of the memory of `f32`, in parts that fit a binding.
 *
 * @param dataset Images of one byte a channel.
 * @param options `shardBytes`: largest size of a part, 64 MiB unless told.
 * @returns Arrays to be put on an engine once; rows keep their order.
 * @throws {RangeError} If there is no image.
 *
 * @example
 * ```ts
 * import { openEngine, syntheticImages } from "@mutasesumele/toolkit";
 * import { packImages, takeImages } from "@mutasesumele/toolkit/train";
 * import { hostArray, type Tensor } from "@mutasesumele/toolkit";
 * import type { ImageTable } from "@mutasesumele/toolkit/train";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 20, testCount: 10 });
 * const engine = await openEngine("reference");
 * const table = engine.put(packImages(train));
 * const take = engine.jit((rows: ImageTable, indices: Tensor) => takeImages(rows, indices, train));
 * const image = await engine.read(await take(table, hostArray([7], [1], "i32")));
 * assertAlmostEquals(image.data[0]!, train.images[7 * 32 * 32 * 3]! / 255, 1e-6);
 * engine.close();
 * ```
 */
export function packImages(
  dataset: PackedImages,
  options: { readonly shardBytes?: number } = {},
): HostImageTable {
  requireArguments("packImages", { dataset }, {
    dataset: is.objectWith({
      count: is.natural,
      images: is.bytes,
      labels: is.list,
      height: is.count,
      width: is.count,
      channels: is.count,
      classNames: is.list,
    }, "a data set"),
  });
  requireOptions("packImages", options, { shardBytes: is.optional(is.count) });
  const { shardBytes = SHARD_BYTES } = options;
  const { count, images, labels } = dataset;
  if (count === 0) {
    throw new RangeError(
      `Cannot pack the images of ${dataset.name}: found none, expected at least one.`,
    );
  }
  const classes = dataset.classNames.length;
  const wrong = labels.findIndex((label) => !(label >= 0 && label < classes));
  if (wrong >= 0) {
    throw new RangeError(
      `Cannot pack the images of ${dataset.name}: image ${wrong} has the label ${labels[wrong]}, ` +
        `expected one of its ${classes} classes, 0 to ${classes - 1}.`,
    );
  }
  const bytes = dataset.height * dataset.width * dataset.channels;
  const words = Math.ceil(bytes / 4);
  const rowsOfShard = Math.max(1, Math.floor(shardBytes / (4 * words)));
  const shards: HostArray[] = [];
  for (let first = 0; first < count; first += rowsOfShard) {
    const rows = Math.min(rowsOfShard, count - first);
    const packed = new Uint8Array(rows * words * 4);
    for (let row = 0; row < rows; row++) {
      const from = (first + row) * bytes;
      packed.set(images.subarray(from, from + bytes), row * words * 4);
    }
    shards.push({ shape: [rows, words], dtype: "u32", data: new Uint32Array(packed.buffer) });
  }
  return { shards, labels: { shape: [count], dtype: "i32", data: Int32Array.from(labels) } };
}

/**
 * Takes images out of a table.
 *
 * @param table The table, inside of a traced function.
 * @param indices Rows, `i32[n]`.
 * @param extents Extents of an image; a data set has them.
 * @returns Images `f32[n, height, width, channels]` in `[0, 1]`.
 *
 * @example
 * ```ts
 * import { constant, valuesOf } from "@mutasesumele/toolkit";
 * import { type ImageTable, takeImages } from "@mutasesumele/toolkit/train";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const table: ImageTable = {
 *   shards: [constant([[0x33ff00cc]], { dtype: "u32" })],
 *   labels: constant([7], { dtype: "i32" }),
 * };
 * const extents = { height: 2, width: 2, channels: 1 };
 * const images = takeImages(table, constant([0], { dtype: "i32" }), extents);
 * [0.8, 0, 1, 0.2].forEach((value, k) => assertAlmostEquals(valuesOf(images)[k]!, value, 1e-6));
 * ```
 */
export function takeImages(table: ImageTable, indices: Tensor, extents: ImageExtents): Tensor {
  requireArguments("takeImages", { table, indices, extents }, {
    table: kinds.table,
    indices: is.tensor,
    extents: kinds.extents,
  });
  const { height, width, channels } = extents;
  const count = indices.shape[0]!;
  let first = 0;
  let rows: Tensor | undefined;
  for (const shard of table.shards) {
    const own = takeRows(shard, first === 0 ? indices : sub(indices, first));
    const here = (): Tensor => broadcastTo(expandDims(greaterEqual(indices, first), 1), own.shape);
    rows = rows ? select(here(), own, rows) : own;
    first += shard.shape[0]!;
  }
  const words = rows!;
  const spread: readonly number[] = [count, words.shape[1]!, 4];
  const shifts = broadcastTo(constant([0, 8, 16, 24], { dtype: "u32" }), spread);
  const mask = broadcastTo(constant(255, { dtype: "u32" }), spread);
  const bytes = and(shiftRight(broadcastTo(expandDims(words, 2), spread), shifts), mask);
  const pixels = height * width * channels;
  const flat = slice(reshape(bytes, [count, -1]), [null, [0, pixels]]);
  return mul(convert(reshape(flat, [count, height, width, channels]), "f32"), 1 / 255);
}

/**
 * Takes labels out of a table.
 *
 * @param table The table, inside of a traced function.
 * @param indices Rows, `i32[n]`.
 * @returns Classes, `i32[n]`.
 *
 * @example
 * ```ts
 * import { constant, valuesOf } from "@mutasesumele/toolkit";
 * import { type ImageTable, takeLabels } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const table: ImageTable = { shards: [], labels: constant([7, 8, 9], { dtype: "i32" }) };
 * assertEquals(valuesOf(takeLabels(table, constant([2, 0], { dtype: "i32" }))), [9, 7]);
 * ```
 */
export function takeLabels(table: ImageTable, indices: Tensor): Tensor {
  requireArguments("takeLabels", { table, indices }, { table: kinds.table, indices: is.tensor });
  return takeRows(table.labels, indices);
}
