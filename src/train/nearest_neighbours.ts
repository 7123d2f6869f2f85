/**
 * Weighted nearest neighbours in a space of embeddings.
 *
 * @module
 */
import * as kinds from "./kinds.ts";
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import type { Concrete, Engine, Value } from "../engine/mod.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { Layer } from "../nn/mod.ts";
import { div, maximum, sqrt, square, sum } from "../tensor/mod.ts";
import { rowsOf } from "./compiled_stage.ts";
import { type ImageExtents, type ImageTable, takeImages } from "./device_images.ts";
import type { Variables } from "./evaluate_classifier.ts";

/** How neighbours vote. */
export interface NearestNeighboursOptions {
  /** From images to embeddings. */
  readonly encoder: Layer;
  /** Extents of the images. */
  readonly extents: ImageExtents;
  /** Images of one dispatch. */
  readonly batchSize: number;
  /** Neighbours that vote; 20 unless told. */
  readonly neighbours?: number;
  /** Temperature of the votes; 0.07 unless told. */
  readonly temperature?: number;
  /** Whether votes are counted, which the host does; without them nobody is right. True unless told. */
  readonly votes?: boolean;
}

/** Labelled images. */
export interface LabelledRows {
  /** The images. */
  readonly table: Concrete<ImageTable>;
  /** Rows of the table. */
  readonly rows: Int32Array;
  /** The class of every image of the table. */
  readonly labels: ArrayLike<number>;
}

/** Share of right answers on `judged`, from 0 to 1, of neighbours among `known`. */
export type NearestNeighbours = (
  backbone: Concrete<Variables>,
  images: { readonly known: LabelledRows; readonly judged: LabelledRows },
) => Promise<number>;

/**
 * Prepares a classifier that learns nothing: every image takes the class for which its nearest
 * neighbours vote, each with weight `exp(cosine / temperature)`.
 *
 * Source: Wu et al., arXiv 1805.01978, section 3.4, whose temperature is the default. With fewer known
 * images than `neighbours` all of them vote.
 *
 * @param engine Where to compute embeddings; votes are counted on the host.
 * @param options Backbone, number of neighbours, temperature.
 * @returns A function of a backbone's variables and images.
 *
 * @example
 * ```ts
 * import { flattenLayer, openEngine, syntheticImages } from "@mutasesumele/toolkit";
 * import { nearestNeighbours, packImages } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 10, testCount: 10 });
 * const engine = await openEngine("reference");
 * const judge = nearestNeighbours(engine, {
 *   encoder: flattenLayer(),
 *   extents: train,
 *   batchSize: 5,
 *   neighbours: 1,
 * });
 * const all = {
 *   table: engine.put(packImages(train)),
 *   rows: Int32Array.from({ length: 10 }, (_, row) => row),
 *   labels: train.labels,
 * };
 * // Every image is its own nearest neighbour.
 * assertEquals(await judge({ params: {}, state: {} }, { known: all, judged: all }), 1);
 * engine.close();
 * ```
 */
export function nearestNeighbours(
  engine: Engine,
  options: NearestNeighboursOptions,
): NearestNeighbours {
  requireArguments("nearestNeighbours", { engine }, { engine: is.engine });
  requireOptions("nearestNeighbours", options, {
    encoder: kinds.layer,
    extents: kinds.extents,
    batchSize: is.count,
    neighbours: is.optional(is.count),
    temperature: is.optional(is.positive),
    votes: is.optional(is.flag),
  });
  const { encoder, extents, batchSize, neighbours = 20, temperature = 0.07 } = options;
  const { votes = true } = options;
  const embed = engine.jit(({ params, state }: Variables, table: ImageTable, rows: Tensor) => {
    const images = takeImages(table, rows, extents);
    const { output } = encoder.apply(params, state, images, { training: false });
    const norm = sqrt(maximum(sum(square(output), { axes: -1, keepAxes: true }), 1e-12));
    return div(output, norm);
  });
  const embeddings = async (
    backbone: Concrete<Variables>,
    { table, rows }: LabelledRows,
  ): Promise<Float32Array[]> => {
    const parts: Value[] = [];
    for (let first = 0; first < rows.length; first += batchSize) {
      // The last batch is filled up with its first row.
      const batch = new Int32Array(batchSize).fill(rows[first]!);
      batch.set(rows.subarray(first, first + batchSize));
      parts.push(await embed(backbone, table, rowsOf(batch)) as Value);
    }
    const read = await engine.read(parts);
    engine.release(parts);
    const vectors = read.flatMap(({ data, shape }) =>
      Array.from(
        { length: batchSize },
        (_, k) => (data as Float32Array).subarray(k * shape[1]!, (k + 1) * shape[1]!),
      )
    );
    return vectors.slice(0, rows.length);
  };
  return async (backbone, { known, judged }) => {
    const bank = await embeddings(backbone, known);
    const queries = judged === known ? bank : await embeddings(backbone, judged);
    if (!votes) return 0;
    const labels = Array.from(known.rows, (row) => known.labels[row]!);
    let right = 0;
    queries.forEach((query, k) => {
      const vote = voteOf(query, { bank, labels, neighbours, temperature });
      if (vote === judged.labels[judged.rows[k]!]) right++;
    });
    return right / queries.length;
  };
}

/** The class with most votes among the nearest; the lowest of equal ones. */
function voteOf(
  query: Float32Array,
  { bank, labels, neighbours, temperature }: {
    readonly bank: readonly Float32Array[];
    readonly labels: readonly number[];
    readonly neighbours: number;
    readonly temperature: number;
  },
): number {
  /** The nearest so far, farthest first. */
  const near: { readonly cosine: number; readonly label: number }[] = [];
  bank.forEach((known, k) => {
    let cosine = 0;
    for (let c = 0; c < query.length; c++) cosine += query[c]! * known[c]!;
    if (near.length === neighbours && cosine <= near[0]!.cosine) return;
    if (near.length === neighbours) near.shift();
    let at = near.length;
    while (at > 0 && near[at - 1]!.cosine > cosine) at--;
    near.splice(at, 0, { cosine, label: labels[k]! });
  });
  const votes = new Map<number, number>();
  for (const { cosine, label } of near) {
    votes.set(label, (votes.get(label) ?? 0) + Math.exp((cosine - 1) / temperature));
  }
  const most = Math.max(...votes.values());
  return Math.min(...[...votes].filter(([, count]) => count === most).map(([label]) => label));
}
