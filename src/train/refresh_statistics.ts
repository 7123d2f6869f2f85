/**
 * Running statistics of the weights that are judged.
 *
 * @module
 */
import * as kinds from "./kinds.ts";
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { type Concrete, type Engine, hostArray } from "../engine/mod.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { Layer, Params } from "../nn/mod.ts";
import { foldIn, randomKey } from "../random/mod.ts";
import { abs, add, div, mul, sub, zeros } from "../tensor/mod.ts";
import { flatten, mapTree } from "../tree/tree.ts";
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
 * Prepares passes in training mode that change nothing but running statistics, which become the mean of
 * those of all batches. Weights are often judged with statistics that were collected at other weights:
 * those of earlier steps, or, in meta-training, of the adapted copies; nothing of them remains.
 *
 * A running statistic is `keep old + (1 - keep) new`. From 0 a pass gives `(1 - keep) new`; two passes
 * over one batch give `keep`, so that no layer has to say how it averages.
 *
 * @param engine Where to compute.
 * @param model The layer and the extents of its images.
 * @returns A function; it gives back its variables if the layer has no statistics.
 *
 * @example
 * ```ts
 * import { batchNorm, type HostArray, hostArray, openEngine } from "@mutasesumele/toolkit";
 * import { syntheticImages } from "@mutasesumele/toolkit";
 * import { packImages, refreshStatistics } from "@mutasesumele/toolkit/train";
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
  options: { readonly layer: Layer; readonly extents: ImageExtents },
): Refresh {
  requireArguments("refreshStatistics", { engine }, { engine: is.engine });
  requireOptions("refreshStatistics", options, { layer: kinds.layer, extents: kinds.extents });
  const { layer, extents } = options;
  const pass = engine.jit(
    ({ params, state }: Variables, table: ImageTable, rows: Tensor, number: Tensor) =>
      layer.apply(params, state, takeImages(table, rows, extents), {
        training: true,
        key: foldIn(randomKey(DROPOUT), number),
      }).state,
  );
  const nothing = engine.jit((state: Params) =>
    mapTree<Params>((x: Tensor) => zeros(x.shape), state)
  );
  const shifted = engine.jit((state: Params) =>
    mapTree<Params>((x: Tensor) => add(abs(x), 1), state)
  );
  const plus = engine.jit((a: Params, b: Params) => mapTree<Params>(add, a, b));
  const meanOf = engine.jit((total: Params, { from0, start, after }: First, count: Tensor) =>
    mapTree<Params>(
      (sum: Tensor, low: Tensor, x: Tensor, high: Tensor) =>
        div(sum, mul(count, sub(1, div(sub(high, low), x)))),
      total,
      from0,
      start,
      after,
    )
  );
  return async (variables, { table, batches }) => {
    const { params, state } = variables;
    if (flatten(state).leaves.length === 0) return variables;
    const from = async (start: Concrete<Params>, k: number) =>
      await pass(
        { params, state: start },
        table,
        rowsOf(batches[k]!),
        hostArray([k], [], "u32"),
      ) as Concrete<Params>;
    const zero = await nothing(state) as Concrete<Params>;
    const from0 = await from(zero, 0);
    const start = await shifted(from0) as Concrete<Params>;
    const after = await from(start, 0);
    let total = from0;
    for (let k = 1; k < batches.length; k++) {
      const [before, more] = [total, await from(zero, k)];
      total = await plus(before, more) as Concrete<Params>;
      engine.release(k > 1 ? [before, more] : more);
    }
    const count = hostArray([batches.length], []);
    const fresh = await meanOf(total, { from0, start, after }, count) as Concrete<Params>;
    engine.release([zero, start, after, from0, ...(total === from0 ? [] : [total])]);
    return { params, state: fresh };
  };
}

/** Two passes over one batch, from which the weight of the old statistics is read. */
interface First {
  /** Statistics after a pass that began at 0. */
  readonly from0: Params;
  /** What the other pass began at. */
  readonly start: Params;
  /** Statistics after it. */
  readonly after: Params;
}
