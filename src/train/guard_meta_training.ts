/**
 * The start-up guard of meta-training.
 *
 * @module
 */
import * as kinds from "./kinds.ts";
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import type { Concrete, Engine, HostArray, Value } from "../engine/mod.ts";
import type { NdArray } from "../ir/nd_array.ts";
import type { Tensor } from "../ir/tensor.ts";
import {
  guardMetaGradient,
  type GuardReport,
  type HostNumbers,
  type MetaOrder,
} from "../meta/mod.ts";
import { flatten, unflatten } from "../tree/tree.ts";
import type { HostImageTable, ImageTable } from "./device_images.ts";
import {
  type MetaStepInputs,
  metaTrainGradient,
  type MetaTrainGradientOf,
  type MetaTraining,
  type MetaTrainOptions,
  type MetaTrainParams,
} from "./objectives/meta_train.ts";

/** Where the guard looks. */
export interface MetaTrainingGuardOptions {
  /** What meta-training starts from; not used up. */
  readonly training: Concrete<MetaTraining>;
  /** The images. */
  readonly table: Concrete<ImageTable> | HostImageTable;
  /** Random key, `u32[2]`. */
  readonly key: Value | HostArray;
  /** Rows of the images, and the number of a step. */
  readonly inputs: {
    readonly rows: HostArray;
    readonly step: HostArray;
    readonly support: Readonly<Record<string, HostArray>>;
  };
  /** Paths of parameters that have no gradient by construction. */
  readonly exempt?: (path: string) => boolean;
}

/**
 * Proves, before the first step, that every meta-parameter receives a finite, non-zero gradient; on
 * a reference engine with `float64` and at exact order also that directional finite differences of
 * the outer loss agree with it, to a ten-thousandth of what second order adds, for the backbone, the
 * head and each pretext head by itself.
 *
 * Finite differences need float64: the inner gradient of a network with ReLU or max-pooling jumps
 * where a unit switches, so the outer loss is smooth only within steps that `f32` cannot resolve.
 * The reference being slow, run it on a narrow copy of the model and a few images: it takes two
 * gradients and two or four losses a group.
 *
 * @param engine The engine of meta-training, or a reference that holds float64.
 * @param options Backbone, heads, tasks and inner loop, as for the steps.
 * @param start Where to look.
 * @returns What was found; `directional` is `null` unless finite differences were taken.
 * @throws {Error} Names the first parameter whose gradient is missing, not finite, zero or wrong.
 * @throws {unknown} The reason of the engine's signal, between two evaluations.
 *
 * @example
 * ```ts
 * import { flattenLayer, linear } from "@mutasesumele/toolkit";
 * import type { MetaTrainOptions } from "@mutasesumele/toolkit/train";
 * import { hostArray, openEngine, randomKey, rotation, sequential } from "@mutasesumele/toolkit";
 * import { guardMetaTraining } from "@mutasesumele/toolkit/train";
 * import { sgd, syntheticImages } from "@mutasesumele/toolkit";
 * import { type MetaTraining, packImages } from "@mutasesumele/toolkit/train";
 * import { assert } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 12, testCount: 10 });
 * const encoder = sequential({ flatten: flattenLayer(), out: linear({ inputs: 3072, outputs: 4 }) });
 * const options: MetaTrainOptions = {
 *   encoder,
 *   head: linear({ inputs: 4, outputs: 10 }),
 *   tasks: [rotation({ hidden: 8 })],
 *   inner: { innerSteps: 1, innerRate: 1e-3, optimizer: sgd() },
 *   order: "exact",
 *   optimizer: sgd(),
 *   augment: (images) => images,
 *   extents: train,
 * };
 * const engine = await openEngine("reference", { float64: true });
 * const training = await engine.jit((): MetaTraining => ({
 *   params: {
 *     encoder: encoder.init(randomKey(0)).params,
 *     head: options.head.init(randomKey(1)).params,
 *     pretext: { rotation: options.tasks[0]!.initHead(randomKey(2), 4) },
 *   },
 *   state: { encoder: {}, head: {} },
 *   optimizer: {},
 * }))();
 * const { directional } = await guardMetaTraining(engine, options, {
 *   training,
 *   table: packImages(train),
 *   key: hostArray([0, 1], [2], "u32"),
 *   inputs: {
 *     rows: hostArray([0, 1, 2, 3], [4], "i32"),
 *     step: hostArray([0], [], "u32"),
 *     support: { rotation: hostArray([4, 5, 6, 7], [4], "i32") },
 *   },
 * });
 * assert(directional!["pretext.rotation"]!.error < 1e-4);
 * engine.close();
 * ```
 */
export function guardMetaTraining(
  engine: Engine,
  options: MetaTrainOptions,
  where: MetaTrainingGuardOptions,
): Promise<GuardReport> {
  requireArguments("guardMetaTraining", { engine, options, where }, {
    engine: is.engine,
    options: kinds.metaTraining,
    where: is.objectWith({ training: kinds.variables, table: is.object, inputs: is.object }),
  });
  const gradientOf = (order: MetaOrder) => metaTrainGradient({ ...options, order });
  return guardTrainGradient(engine, { gradientOf, order: options.order }, where);
}

/**
 * {@linkcode guardMetaTraining} of a given meta-gradient. Not exported from the package: tests prove
 * with wrong ones that they are seen.
 */
export async function guardTrainGradient(
  engine: Engine,
  { gradientOf, order }: {
    readonly gradientOf: (order: MetaOrder) => MetaTrainGradientOf;
    readonly order: MetaOrder;
  },
  { training, table, key, inputs, exempt = () => false }: MetaTrainingGuardOptions,
): Promise<GuardReport> {
  // `read` would round.
  const exact = engine.info.holds === "float64";
  const { leaves, structure } = flatten<Value>(training.params);
  const numbersOf = async (values: readonly Value[]): Promise<HostNumbers[]> =>
    exact
      ? values.map(({ handle }) => (handle as NdArray).data as Float64Array)
      : (await engine.read(values) as HostArray[]).map(({ data }) => data as HostNumbers);

  type Rest = { state: MetaTraining["state"]; table: ImageTable; key: Tensor };
  type Inputs = Omit<MetaStepInputs, "rate">;
  const compiled = (of: MetaTrainGradientOf, { withGrads }: { readonly withGrads: boolean }) => {
    const run = engine.jit((params: MetaTrainParams, rest: Rest, given: Inputs) => {
      const { loss, grads } = of({ ...rest, params }, rest.table, rest.key, given);
      return [loss, ...withGrads ? flatten<Tensor>(grads).leaves : []];
    });
    return async (moved: unknown) => {
      engine.signal?.throwIfAborted();
      const at = flatten<HostNumbers>(moved).leaves.map((data, k) => ({
        ...avalOf(leaves[k]!),
        data,
      }));
      const rest = { state: training.state, table, key };
      const values = await run(unflatten<never>(structure, at), rest, inputs);
      const [loss, ...grads] = await numbersOf(values);
      engine.release(values);
      return { loss: loss![0]!, grads };
    };
  };
  const lossAt = compiled(gradientOf("first"), { withGrads: false });
  const meta = unflatten<object>(structure, await numbersOf(leaves));
  return await guardMetaGradient({
    meta,
    order: exact ? order : "first",
    tolerance: 1e-4,
    resolution: 1e-6,
    largestStep: 1e-7,
    scans: 6,
    groupOf: (path) => path.split(".").slice(0, path.startsWith("pretext.") ? 2 : 1).join("."),
    // At first order the outer loss does not reach the pretext heads; they learn from their own.
    exempt: (path) => exempt(path) || (order === "first" && path.startsWith("pretext.")),
    gradient: async (wanted) => {
      // Where finite differences are not taken, the training's own order is asked for all the same.
      const { loss, grads } = await compiled(
        gradientOf(exact ? wanted : order),
        { withGrads: true },
      )(meta);
      return { loss, grads: unflatten(structure, grads) };
    },
    loss: async (moved) => (await lossAt(moved)).loss,
  });
}

function avalOf({ shape, dtype }: Value): Pick<Value, "shape" | "dtype"> {
  return { shape, dtype };
}
