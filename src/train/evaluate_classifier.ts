/**
 * Accuracy of a classifier on a split, in evaluation mode.
 *
 * @module
 */
import * as kinds from "./kinds.ts";
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { type Concrete, type Engine, hostArray, type Value } from "../engine/mod.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { Layer, Params } from "../nn/mod.ts";
import { hits, labelLogProbabilities } from "../loss/mod.ts";
import { mul, neg, sum } from "../tensor/mod.ts";
import { FiniteCheck, inWords, NotFiniteError } from "./check_finite.ts";
import { type ImageExtents, type ImageTable, takeImages, takeLabels } from "./device_images.ts";

/** Parameters and running state of a classifier. */
export interface Variables {
  /** What is learned. */
  readonly params: Params;
  /** What is remembered, such as running statistics. */
  readonly state: Params;
}

/** How good a classifier is on a split. */
export interface Evaluation {
  /** Share of right answers, from 0 to 1. */
  readonly accuracy: number;
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
}

/** What an evaluation runs. */
export interface EvaluationOptions {
  /** From images to logits. */
  readonly model: Layer;
  /** Extents of the images. */
  readonly extents: ImageExtents;
  /** Images of one dispatch. */
  readonly batchSize: number;
}

/** Evaluates variables on the rows `indices` of a table of images. */
export type Evaluate = (
  variables: Concrete<Variables>,
  table: Concrete<ImageTable>,
  indices: Int32Array,
) => Promise<Evaluation>;

/**
 * Makes an evaluation: running statistics, no dropout, no augmentation, every image once. Counts stay
 * on the device until the end, so that an evaluation waits for the device once.
 *
 * @param engine Where to run.
 * @param options Model, extents, size of the batches.
 * @returns The evaluation; it compiles at its first call. It throws a `RangeError` that names the
 *   tensor if parameters or state are not finite.
 *
 * @example
 * ```ts
 * import { flattenLayer, linear, openEngine } from "@mutasesumele/toolkit";
 * import { classifierEvaluation } from "@mutasesumele/toolkit/train";
 * import { randomKey, sequential, syntheticImages } from "@mutasesumele/toolkit";
 * import { packImages } from "@mutasesumele/toolkit/train";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 20, testCount: 10 });
 * const engine = await openEngine("reference");
 * const model = sequential({
 *   flatten: flattenLayer(),
 *   output: linear({ inputs: 3072, outputs: 10 }),
 * });
 * const variables = await engine.jit(() => model.init(randomKey(0)))();
 * const evaluate = classifierEvaluation(engine, { model, extents: train, batchSize: 8 });
 * const rows = Int32Array.from({ length: 20 }, (_, row) => row);
 * const { accuracy } = await evaluate(variables, engine.put(packImages(train)), rows);
 * assertAlmostEquals(accuracy * 20, Math.round(accuracy * 20), 1e-9);
 * engine.close();
 * ```
 */
export function classifierEvaluation(engine: Engine, options: EvaluationOptions): Evaluate {
  requireArguments("classifierEvaluation", { engine }, { engine: is.engine });
  requireOptions("classifierEvaluation", options, {
    model: kinds.layer,
    extents: kinds.extents,
    batchSize: is.count,
  });
  const { model, extents, batchSize } = options;
  const count = engine.jit(
    ({ params, state }: Variables, table: ImageTable, batch: { rows: Tensor; weights: Tensor }) => {
      const images = takeImages(table, batch.rows, extents);
      const labels = takeLabels(table, batch.rows);
      const { output } = model.apply(params, state, images, { training: false });
      const losses = neg(sum(labelLogProbabilities(output, labels), { axes: -1 }));
      return {
        right: sum(mul(hits(output, labels), batch.weights)),
        loss: sum(mul(losses, batch.weights)),
      };
    },
  );
  const check = new FiniteCheck(engine);
  return async (variables, table, indices) => {
    const { counts, findings } = await check.start(variables);
    const parts: { readonly right: Value; readonly loss: Value }[] = [];
    for (let first = 0; first < indices.length; first += batchSize) {
      // The last batch is filled up with its first row, which then has no weight.
      const used = Math.min(batchSize, indices.length - first);
      const rows = new Int32Array(batchSize).fill(indices[first]!);
      rows.set(indices.subarray(first, first + used));
      const weights = new Float32Array(batchSize).fill(1, 0, used);
      parts.push(
        await count(variables, table, {
          rows: hostArray(rows, [batchSize], "i32"),
          weights: hostArray(weights),
        }),
      );
    }
    const { sums, found } = await engine.read({ sums: parts, found: counts });
    engine.release([parts, counts]);
    const finite = findings(found);
    if (finite.bad.length > 0) {
      throw new NotFiniteError(`Cannot evaluate a classifier: ${inWords(finite)}.`);
    }
    const total = (name: "right" | "loss"): number =>
      sums.reduce((whole, part) => whole + part[name].data[0]!, 0);
    return {
      accuracy: total("right") / indices.length,
      loss: total("loss") / indices.length,
    };
  };
}
