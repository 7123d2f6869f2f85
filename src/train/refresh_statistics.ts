/**
 * Running statistics of the weights that are judged.
 *
 * @module
 */
import { type Concrete, type Engine, hostArray } from "../engine/mod.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { Layer } from "../nn/mod.ts";
import { foldIn, randomKey } from "../random/mod.ts";
import { flatten } from "../tree/tree.ts";
import { rowsOf } from "./compiled_stage.ts";
import { type ImageExtents, type ImageTable, takeImages } from "./device_images.ts";
import type { Variables } from "./evaluate_classifier.ts";

/** Seed of the dropout masks of the passes. */
const DROPOUT = 0x5747;

/** Where the images of the passes come from. */
export interface RefreshImages {
  /** The images. */
  readonly table: Concrete<ImageTable>;
  /** One list of rows for every pass, all of one length. */
  readonly batches: readonly Int32Array[];
}

/** Gives the variables other running statistics; the parameters stay the same values. */
export type Refresh = (
  variables: Concrete<Variables>,
  images: RefreshImages,
) => Promise<Concrete<Variables>>;

/**
 * Prepares passes in training mode that change nothing but running statistics. Weights are often judged
 * with statistics that were collected at other weights: those of earlier steps, or, in meta-training, of
 * the adapted copies.
 *
 * @param engine Where to compute.
 * @param model The layer and the extents of its images.
 * @returns A function; it gives back its variables if the layer has no statistics.
 *
 * @example
 * ```ts
 * import { batchNorm, type HostArray, hostArray, openEngine, packImages, refreshStatistics, syntheticImages } from "@mutasesumele/toolkit";
 * import { assertNotEquals } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 10, testCount: 10 });
 * const engine = await openEngine("reference");
 * const layer = batchNorm({ features: 3 });
 * const refresh = refreshStatistics(engine, { layer, extents: train });
 * const variables = engine.put({
 *   params: { beta: hostArray([0, 0, 0]), gamma: hostArray([1, 1, 1]) },
 *   state: { mean: hostArray([0, 0, 0]), variance: hostArray([1, 1, 1]) },
 * });
 * const { state } = await refresh(variables, {
 *   table: engine.put(packImages(train)),
 *   batches: [Int32Array.of(0, 1, 2)],
 * });
 * const { mean } = await engine.read(state) as { mean: HostArray };
 * assertNotEquals(mean.data[0], 0);
 * engine.close();
 * ```
 */
export function refreshStatistics(
  engine: Engine,
  { layer, extents }: { readonly layer: Layer; readonly extents: ImageExtents },
): Refresh {
  const pass = engine.jit(
    ({ params, state }: Variables, table: ImageTable, rows: Tensor, number: Tensor) =>
      layer.apply(params, state, takeImages(table, rows, extents), {
        training: true,
        key: foldIn(randomKey(DROPOUT), number),
      }).state,
  );
  return async (variables, { table, batches }) => {
    if (flatten(variables.state).leaves.length === 0) return variables;
    let { state } = variables;
    for (const [k, rows] of batches.entries()) {
      const before = state;
      const number = hostArray([k], [], "u32");
      state = await pass({ params: variables.params, state }, table, rowsOf(rows), number);
      if (k > 0) engine.release(before);
    }
    return { params: variables.params, state };
  };
}
