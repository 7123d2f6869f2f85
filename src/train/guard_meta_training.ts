/**
 * The start-up guard of meta-training on an engine.
 *
 * @module
 */
import {
  type Concrete,
  type Engine,
  type HostArray,
  hostArray,
  type Value,
} from "../engine/mod.ts";
import type { Tensor } from "../ir/tensor.ts";
import { guardMetaGradient, type GuardReport, type HostNumbers } from "../meta/mod.ts";
import { flatten, unflatten } from "../tree/tree.ts";
import type { ImageTable } from "./device_images.ts";
import {
  type MetaStepInputs,
  metaTrainGradient,
  type MetaTraining,
  type MetaTrainOptions,
  type MetaTrainParams,
} from "./meta_train.ts";

/** What the guard looks at. */
export interface MetaTrainingGuardOptions {
  /** What meta-training starts from; not used up. */
  readonly training: Concrete<MetaTraining>;
  /** The images. */
  readonly table: Concrete<ImageTable>;
  /** Key of the stage, `u32[2]`. */
  readonly key: Value | HostArray;
  /** Rows and number of a step. */
  readonly inputs: {
    readonly rows: HostArray;
    readonly step: HostArray;
    readonly support: Readonly<Record<string, HostArray>>;
  };
  /** Paths of parameters that have no gradient by construction. */
  readonly exempt?: (path: string) => boolean;
}

/**
 * Proves, before the first step, that every meta-parameter receives a finite, non-zero gradient and,
 * at exact order, that a directional finite difference of the outer loss agrees with it.
 *
 * @param engine Where meta-training will run.
 * @param options Backbone, heads, tasks and inner loop, as for the steps.
 * @param start Where to look.
 * @returns What was found.
 * @throws {Error} Names the first parameter whose gradient is missing, not finite, zero or wrong.
 */
export async function guardMetaTraining(
  engine: Engine,
  options: MetaTrainOptions,
  { training, table, key, inputs, exempt }: MetaTrainingGuardOptions,
): Promise<GuardReport> {
  const gradient = metaTrainGradient(options);
  const evaluate = engine.jit(
    (
      params: MetaTrainParams,
      rest: { state: MetaTraining["state"]; table: ImageTable; key: Tensor },
      given: Omit<MetaStepInputs, "rate">,
    ) => {
      const { loss, grads } = gradient(
        { params, state: rest.state },
        rest.table,
        rest.key,
        given,
      );
      return { loss, grads };
    },
  );
  const { leaves, structure } = flatten<Value>(training.params);
  const start = (await engine.read(leaves) as HostArray[]).map(({ data }) => data as HostNumbers);
  const rest = { state: training.state, table, key };
  // At first order the outer loss does not reach the pretext heads; they learn from their own.
  const unreached = (path: string): boolean =>
    options.order === "first" && path.startsWith("pretext.");
  return await guardMetaGradient({
    meta: unflatten(structure, start),
    order: options.order,
    tolerance: 10, exempt: (path) => unreached(path) || (exempt?.(path) ?? false),
    evaluate: async (meta) => {
      const moved = flatten<HostNumbers>(meta).leaves;
      const params = unflatten<never>(
        structure,
        moved.map((numbers, k) => hostArray(numbers, leaves[k]!.shape)),
      );
      const result = await evaluate(params, rest, inputs);
      const values = [result.loss, ...flatten<Value>(result.grads).leaves];
      const [loss, ...grads] = (await engine.read(values)).map(({ data }) => data as HostNumbers);
      engine.release(values);
      return { loss: loss![0]!, grads: unflatten(structure, grads) };
    },
  });
}
