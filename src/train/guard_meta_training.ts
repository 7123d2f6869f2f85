/**
 * The start-up guard of meta-training: the meta-gradient of the engine against that of the float64
 * reference, and that against finite differences.
 *
 * @module
 */
import {
  type Concrete,
  type Engine,
  type HostArray,
  openEngine,
  type Value,
} from "../engine/mod.ts";
import type { NdArray } from "../ir/nd_array.ts";
import type { Tensor } from "../ir/tensor.ts";
import { guardMetaGradient, type GuardReport, type HostNumbers } from "../meta/mod.ts";
import { flatten, unflatten } from "../tree/tree.ts";
import type { HostImageTable, ImageTable } from "./device_images.ts";
import {
  type MetaStepInputs,
  metaTrainGradient,
  type MetaTraining,
  type MetaTrainOptions,
  type MetaTrainParams,
} from "./meta_train.ts";

/** Where the guard looks. */
export interface MetaTrainingGuardOptions {
  /** What meta-training starts from; not used up. */
  readonly training: Concrete<MetaTraining>;
  /** A few images: the reference is slow. */
  readonly table: HostImageTable;
  /** Random key, `u32[2]`. */
  readonly key: HostArray;
  /** Rows of these images, and a number of a step. */
  readonly inputs: {
    readonly rows: HostArray;
    readonly step: HostArray;
    readonly support: Readonly<Record<string, HostArray>>;
  };
  /** Paths of parameters that have no gradient by construction. */
  readonly exempt?: (path: string) => boolean;
  /** Accepted relative difference of engine and reference; 0.01 unless told. */
  readonly tolerance?: number;
}

/** What the guard found. */
export interface MetaTrainingGuardReport extends GuardReport {
  /** Norm of the difference of the engine's meta-gradient and the reference's, relative to its norm. */
  readonly engineError: number;
}

/** Loss and gradients of the parameters in their order, on the host. */
interface Evaluated {
  readonly loss: number;
  readonly grads: readonly HostNumbers[];
}

/**
 * Proves, before the first step, that every meta-parameter receives a finite, non-zero gradient, that
 * the engine computes the gradient that the float64 reference does, and, at exact order, that a
 * directional finite difference of the outer loss agrees.
 *
 * Finite differences need float64: the inner gradient of a network with ReLU and max-pooling jumps
 * where a unit switches, so the outer loss is smooth only within steps that `f32` cannot resolve.
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
  start: MetaTrainingGuardOptions,
): Promise<MetaTrainingGuardReport> {
  const { training, exempt = () => false, tolerance = 0.01 } = start;
  const { leaves, structure, paths } = flatten<Value>(training.params);
  const params = (await engine.read(leaves) as HostArray[]).map(({ data }) =>
    Float64Array.from(data)
  );
  // At first order the outer loss does not reach the pretext heads; they learn from their own.
  const unreached = (path: string): boolean =>
    exempt(path) || (options.order === "first" && path.startsWith("pretext."));

  const found = await evaluator(engine, options, start)(params);
  const reference = await openEngine("reference");
  try {
    const evaluate = evaluator(reference, options, {
      ...start,
      training: reference.put(await readTree(engine, training)),
    });
    const meta = unflatten(structure, params);
    let exact: Evaluated | undefined;
    const report = await guardMetaGradient({
      meta,
      order: options.order,
      exempt: unreached,
      tolerance: 1e-4,
      largestStep: 1e-8,
      scans: 4,
      evaluate: async (moved) => {
        const { loss, grads } = await evaluate(flatten<HostNumbers>(moved).leaves, moved === meta);
        exact ??= { loss, grads };
        return { loss, grads: unflatten(structure, moved === meta ? grads : params) };
      },
    });
    const engineError = compare(found, { exact: exact!, paths, tolerance, exempt: unreached });
    return { ...report, engineError };
  } finally {
    reference.close();
  }
}

/** Makes the function that evaluates loss and, if wanted, gradients at given parameters. */
function evaluator(
  engine: Engine,
  options: MetaTrainOptions,
  { training, table, key, inputs }: MetaTrainingGuardOptions,
): (params: readonly HostNumbers[], wantGrads?: boolean) => Promise<Evaluated> {
  const gradient = metaTrainGradient(options);
  // The reference takes and holds float64, which `read` would round.
  const exact = engine.info.name === "reference";
  const { leaves, structure } = flatten<Value>(training.params);
  type Rest = { state: MetaTraining["state"]; table: ImageTable; key: Tensor };
  type Given = Omit<MetaStepInputs, "rate">;
  const both = (params: MetaTrainParams, rest: Rest, given: Given) => {
    const { loss, grads } = gradient({ ...rest, params }, rest.table, rest.key, given);
    return { loss, grads: flatten<Tensor>(grads).leaves };
  };
  const withGrads = engine.jit(both);
  const withoutGrads = engine.jit((...args: Parameters<typeof both>) => ({
    loss: both(...args).loss,
    grads: [] as Tensor[],
  }));
  const rest = { state: training.state, table, key };
  return async (params, wantGrads = true) => {
    const at = unflatten<never>(
      structure,
      params.map((data, k) => ({
        shape: leaves[k]!.shape,
        dtype: "f32",
        data: exact ? data : Float32Array.from(data),
      })),
    );
    const result = await (wantGrads ? withGrads : withoutGrads)(at, rest, inputs);
    const values: Value[] = [result.loss, ...result.grads];
    const numbers = exact
      ? values.map(({ handle }) => (handle as NdArray).data as Float64Array)
      : (await engine.read(values)).map(({ data }) => data as HostNumbers);
    engine.release(values);
    return { loss: numbers[0]![0]!, grads: numbers.slice(1) };
  };
}

async function readTree<T>(engine: Engine, tree: T): Promise<T> {
  const { leaves, structure } = flatten<Value>(tree);
  return unflatten(structure, await engine.read(leaves));
}

function compare(
  found: Evaluated,
  { exact, paths, tolerance, exempt }: {
    readonly exact: Evaluated;
    readonly paths: readonly string[];
    readonly tolerance: number;
    readonly exempt: (path: string) => boolean;
  },
): number {
  let [difference, size, worst] = [0, 0, { path: "", error: 0 }];
  exact.grads.forEach((wanted, k) => {
    let [own, whole] = [0, 0];
    wanted.forEach((value, i) => {
      own += (found.grads[k]![i]! - value) ** 2;
      whole += value ** 2;
    });
    difference += own;
    size += whole;
    const error = whole === 0 ? 0 : Math.sqrt(own / whole);
    if (!(error <= worst.error || Number.isNaN(worst.error)) && !exempt(paths[k]!)) {
      worst = { path: paths[k]!, error };
    }
  });
  const error = Math.sqrt(difference / size);
  if (error <= tolerance) return error;
  throw new Error(
    `Cannot start meta-learning: this engine's meta-gradient differs from the float64 reference's ` +
      `by ${error} of its norm, most in '${worst.path}' (${worst.error}), expected at most ` +
      `${tolerance}. Run 'deno task doctor' to check the engine's kernels.`,
  );
}
