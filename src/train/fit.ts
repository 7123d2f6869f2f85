/**
 * Training a model of one's own.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import {
  type Concrete,
  type Engine,
  type Given,
  type HostArray,
  hostArray,
} from "../engine/mod.ts";
import type { Value } from "../engine/mod.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { Schedule } from "../optim/mod.ts";
import { foldIn, keyWords, splitKey } from "../random/mod.ts";
import { writeFileAtomic } from "../run/atomic_write.ts";
import { lockFolder } from "../run/folder_lock.ts";
import type { MetricRecord } from "../run/metrics.ts";
import { MetricsLog } from "../run/metrics_log.ts";
import { Progress } from "../run/progress.ts";
import { compiledStage } from "./compiled_stage.ts";
import {
  examplesOf,
  requireFigures,
  requireRate,
  requireStep,
  stageLabel,
  withRate,
} from "./fit_checks.ts";
import type { StepResult } from "./objectives/train_classifier.ts";
import { runStage, stageName, type StageResult } from "./run_stage.ts";
import { lastMetricsPosition } from "./stage_checkpoints.ts";

/** A tree of arrays with tensors in their place. */
export type TensorsOf<T> = T extends Tensor | Value | HostArray ? Tensor
  : T extends readonly [] ? []
  : T extends readonly [infer Head, ...infer Tail] ? [TensorsOf<Head>, ...TensorsOf<Tail>]
  : T extends readonly (infer Item)[] ? TensorsOf<Item>[]
  : T extends object ? { [K in keyof T]: TensorsOf<T[K]> }
  : T;

/** What a step gets besides its state and its batch. */
export interface FitStep<Constants> {
  /** Random key of this step, `u32[2]`. */
  readonly key: Tensor;
  /** Number of the step, from 0, `u32[]`. */
  readonly step: Tensor;
  /** Learning rate of this step, `f32[]`. */
  readonly rate: Tensor;
  /** What all steps share. */
  readonly constants: Constants;
}

/** Options of {@linkcode fit}. */
export interface FitOptions<State, Batch, Constants> {
  /**
   * Makes what training starts from, everything that it changes: parameters, running state, state of the
   * optimizer. Traced; its key is a `u32[2]`.
   */
  readonly init: (key: Tensor) => State;
  /** Host arrays or values of a step, counted from 0: a function of nothing but its number. */
  readonly batch: (step: number) => Batch | Promise<Batch>;
  /** One step: from state and batch to the next state and figures of the batch, scalars. Traced, pure. */
  readonly step: (
    training: NoInfer<State>,
    batch: TensorsOf<NoInfer<Batch>>,
    given: FitStep<TensorsOf<NoInfer<Constants>>>,
  ) => StepResult<NoInfer<State>>;
  /** Number of steps. */
  readonly steps: number;
  /** Learning rate of every step; it stands in the metrics of the step. */
  readonly rate: number | Schedule;
  /** Values or host arrays that all steps share and none changes, such as a table of images. */
  readonly constants?: Constants;
  /** Decides all that is random; 0 unless told. */
  readonly seed?: number;
  /** Examples of a step, for the costs; the first extent of the first array of a batch unless told. */
  readonly samples?: number;
  /** Evaluates without changing anything; figures by name. */
  readonly evaluate?: (
    training: Concrete<State>,
  ) => Promise<Readonly<Record<string, number>>> | Readonly<Record<string, number>>;
  /** Steps between evaluations; unless told, there is one before the first and one after the last step only. */
  readonly evaluateEvery?: number;
  /**
   * Where metrics and checkpoints are kept: training goes on from the latest checkpoint there, and ends with the
   * numbers of one that was never interrupted. Without a folder nothing is written.
   */
  readonly folder?: string;
  /** Steps between checkpoints; a tenth of all steps unless told. */
  readonly saveEvery?: number;
  /** What is trained, for progress, metrics and checkpoints: letters, digits, `_`, `.` and `-`; `fit` unless told. */
  readonly name?: string;
  /**
   * Receives every record of metrics: those of each step, with its learning rate as `rate` unless the step gives
   * another figure of this name, and evaluations.
   */
  readonly onMetrics?: (record: MetricRecord) => void;
  /** The live line; `null` for none. Standard error unless told. */
  readonly progress?: Progress | null;
  /** Ends training after a checkpoint. */
  readonly signal?: AbortSignal;
}

/** Part of the name of the only stage. */
const PHASE = "train";

/**
 * Trains a model of one's own by a step of one's own: compiled once, run on the device without waiting for it, with
 * metrics, progress, evaluations, checkpoints and resumption. Experiments train by the same loop,
 * {@linkcode runStage}.
 *
 * @param engine Where to train.
 * @param options Start, step, batches, steps, rate; evaluation, folder.
 * @returns What training has left on the engine, its cost and its evaluations.
 * @throws {TypeError} If an option is missing or not known, the step returns another structure, shape or type than
 *   it was given or a metric that is no scalar, or the evaluation anything but numbers.
 * @throws {RangeError} If a loss or anything that training changes is not finite; names step and tensor. If the
 *   folder has more steps than are asked for.
 * @throws {Error} If the folder cannot be made or is that of another seed, another training works in it, or the device fails.
 * @throws {DOMException} `AbortError`, after a checkpoint, if the signal says so.
 *
 * @example
 * ```ts
 * import { fit, trainingState } from "@mutasesumele/toolkit/train";
 * import { adam, hostArray, linear, meanSquaredError, openEngine } from "@mutasesumele/toolkit";
 * import { valueAndGrad, type WeightAndBias } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const model = linear({ inputs: 2, outputs: 1 });
 * const optimizer = adam();
 * using engine = await openEngine("reference");
 * const x = hostArray([[0, 1], [1, 0], [1, 1]]);
 * const y = hostArray([[1], [2], [3]]);
 * const losses: number[] = [];
 * const { training } = await fit(engine, {
 *   init: (key) => trainingState(model.init(key), optimizer),
 *   batch: () => ({ x, y }),
 *   step: ({ params, state, optimizer: memory }, batch, { rate }) => {
 *     const { value, grad } = valueAndGrad((params: WeightAndBias) =>
 *       meanSquaredError(model.apply(params, state, batch.x, { training: true }).output, batch.y)
 *     )(params);
 *     const updated = optimizer.update(grad, memory, params, { rate });
 *     return {
 *       training: { params: updated.params, state, optimizer: updated.state },
 *       metrics: { loss: value },
 *     };
 *   },
 *   steps: 50,
 *   rate: 0.1,
 *   progress: null,
 *   onMetrics: ({ loss }) => losses.push(Number(loss)),
 * });
 * assert(losses.at(-2)! < losses[1]! / 10, `${losses}`);
 * const { weight } = await engine.read(training.params);
 * assert(weight !== undefined);
 * ```
 */
export async function fit<State, const Batch, Constants = Record<string, never>>(
  engine: Engine,
  options: FitOptions<State, Batch, Constants>,
): Promise<StageResult<Concrete<State>>> {
  requireArguments("fit", { engine }, { engine: is.engine });
  checkOptions(options);
  const { init, batch, step, steps, rate, seed = 0, name = "fit", folder, signal } = options;
  const { evaluate = () => ({}), evaluateEvery = steps } = options;
  type Inputs = { batch: TensorsOf<Batch>; step: Tensor; rate: Tensor };
  const rateOf = typeof rate === "number" ? () => rate : rate;
  const key = hostArray(keyWords(seed), [2], "u32");
  const start = engine.jit(function fitStart(key: Tensor) {
    return init(splitKey(key, 2)[0]!);
  });
  const compiled = engine.jit(
    function fitStep(
      training: State,
      constants: TensorsOf<Constants>,
      key: Tensor,
      given: Inputs,
    ): StepResult<State> {
      const own = foldIn(splitKey(key, 2)[1]!, given.step);
      const result = step(training, given.batch, { ...given, key: own, constants });
      return withRate(requireStep(result, training), given.rate);
    },
    { donate: [0] },
  );
  const stage = compiledStage<State, Inputs, TensorsOf<Constants>>({
    arm: name,
    phase: PHASE,
    steps,
    compiled,
    table: engine.put(options.constants ?? {}) as Concrete<TensorsOf<Constants>>,
    key,
    samples: options.samples ?? examplesOf(await batch(0)),
    start: () => start(key) as Promise<Concrete<State>>,
    inputs: async (at) => ({
      batch: await batch(at),
      step: hostArray([at], [], "u32"),
      rate: hostArray([requireRate(rateOf(at), at)], []),
    } as unknown as Given<Inputs>),
    evaluate: async (training) => requireFigures(await evaluate(training)),
  });
  using _lock = folder === undefined ? undefined : await locked(folder);
  using log = folder === undefined ? undefined : await openLog(folder, { name, seed });
  return await runStage(stage, {
    engine,
    ...(folder !== undefined && { checkpoints: `${folder}/checkpoints` }),
    metrics: {
      get position() {
        return log?.position ?? {};
      },
      sync: () => log?.sync() ?? {},
      writeImages: (at, images) => log?.writeImages(at, images),
      write: (record) => {
        log?.write(record);
        options.onMetrics?.(record);
      },
    },
    progress: options.progress ?? new Progress(options.progress === null ? SILENT : undefined),
    signal: signal ?? new AbortController().signal,
    evaluateEvery,
    saveEvery: options.saveEvery ?? Math.max(1, Math.ceil(steps / 10)),
  });
}

const SILENT = {
  write: () => {},
  terminal: false,
  color: false,
  columns: () => 0,
  now: () => performance.now(),
} as const;

function checkOptions<State, Batch, Constants>(
  options: FitOptions<State, Batch, Constants>,
): void {
  requireOptions("fit", options, {
    init: is.callback,
    batch: is.callback,
    step: is.callback,
    steps: is.count,
    rate: is.kind(
      "a number or a schedule such as cosineSchedule()",
      (found) => is.callback.holds(found) || is.finite.holds(found),
    ),
    constants: true,
    seed: is.optional(is.natural),
    samples: is.optional(is.count),
    evaluate: is.optional(is.callback),
    evaluateEvery: is.optional(is.count),
    folder: is.optional(is.name),
    saveEvery: is.optional(is.count),
    name: is.optional(stageLabel),
    onMetrics: is.optional(is.callback),
    progress: is.kind(
      "a Progress, null or nothing",
      (found) => found === null || found === undefined || found instanceof Progress,
    ),
    signal: is.optional(is.kind("an AbortSignal", (found) => found instanceof AbortSignal)),
  });
}

/** Makes and locks the folder: two trainings in one would each write over the other. */
async function locked(folder: string): Promise<Disposable> {
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new Error(
      `Cannot train in ${folder}: ${
        (cause as Error).message
      }, expected a folder, or a place where one can ` +
        `be made. Name another folder.`,
      { cause },
    );
  }
  return await lockFolder(folder);
}

/** Opens the metrics where the latest checkpoint left them, if the folder is of the same training. */
async function openLog(
  folder: string,
  about: { readonly name: string; readonly seed: number },
): Promise<MetricsLog> {
  const path = `${folder}/fit.json`;
  const wanted = `${JSON.stringify(about)}\n`;
  const found = await Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (found !== undefined && found !== wanted) {
    throw new Error(
      `Cannot go on with the training in ${folder}: it is that of ${found.trim()}, expected ` +
        `${wanted.trim()}. Its numbers would not be those of one training: take another folder.`,
    );
  }
  if (found === undefined) await writeFileAtomic(path, wanted);
  const stage = stageName({ arm: about.name, phase: PHASE });
  const resumeAt = await lastMetricsPosition([stage], {
    run: folder,
    folder: `${folder}/checkpoints`,
  });
  return MetricsLog.open(folder, resumeAt ? { resumeAt } : {});
}
