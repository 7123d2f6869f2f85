/**
 * Training of a backbone on labelled images, by the ways that experiments compare: all stages share
 * the images, the order of the batches, the initialisation and the compiled programs.
 *
 * @module
 */
import { EpochSampler, type ImageDataset } from "../data/mod.ts";
import {
  type Concrete,
  type Engine,
  type HostArray,
  hostArray,
  type Value,
} from "../engine/mod.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { GuardReport } from "../meta/mod.ts";
import { keyWords } from "../random/mod.ts";
import { compiledStage, rowsOf, stepInputs } from "./compiled_stage.ts";
import { type ImageTable, packImages } from "./device_images.ts";
import type { Evaluation, Variables } from "./evaluate_classifier.ts";
import { guardMetaTraining } from "./guard_meta_training.ts";
import { type ImagePrograms, imagePrograms, type ImageTrainingOptions } from "./image_programs.ts";
import type { MetaTraining } from "./meta_train.ts";
import { type RandomStream, SHARED_PHASE, streamKey, streamSeed } from "./random_streams.ts";
import type { Stage } from "./run_stage.ts";
import type { TrainingState } from "./train_classifier.ts";

/** Length and learning rate of a stage, and the arm it belongs to. */
export interface StagePlan {
  /** Arm of the experiment. */
  readonly arm: string;
  /** Number of steps. */
  readonly steps: number;
  /** Learning rate. */
  readonly rate: number;
}

/** Phases whose stages are made here. */
type Phase = "pretrain" | "fine-tune" | "probe";

/** Keys on the device. */
const STREAMS = {
  backbone: { phase: SHARED_PHASE, purpose: "initialisation" },
  head: { phase: "pretrain", purpose: "head" },
  pretextHeads: { phase: "pretrain", purpose: "pretext heads" },
  fineTuneHead: { phase: "fine-tune", purpose: "head" },
  probeHead: { phase: "probe", purpose: "head" },
  pretrain: { phase: "pretrain", purpose: "steps" },
  "fine-tune": { phase: "fine-tune", purpose: "steps" },
  probe: { phase: "probe", purpose: "steps" },
  adaptation: { phase: "pretrain", purpose: "adaptation" },
} as const satisfies Record<string, RandomStream>;

type Keys = Readonly<Record<keyof typeof STREAMS, Value>>;

/**
 * Training of a backbone on labelled images: makes the stages that `runStage` runs.
 *
 * Everything is a pure function of the seed and the step: all stages of a phase see the same batches
 * with the same augmentation, and all arms begin at the same initialisation of the backbone and, in
 * each phase, with the same fresh head. Different phases share no other draw.
 */
export class ImageTraining {
  readonly #engine: Engine;
  readonly #options: ImageTrainingOptions;
  readonly #programs: ImagePrograms;
  readonly #table: Concrete<ImageTable>;
  readonly #keys: Keys;
  readonly #wanted: Readonly<Record<Phase, EpochSampler>>;
  readonly #support: readonly { readonly name: string; readonly batches: EpochSampler }[];

  private constructor(engine: Engine, options: ImageTrainingOptions, keys: Keys) {
    this.#engine = engine;
    this.#options = options;
    this.#keys = keys;
    this.#programs = imagePrograms(engine, options);
    this.#table = engine.put(packImages(options.dataset));
    const batches = (stream: RandomStream & { readonly name?: string }): EpochSampler =>
      new EpochSampler({
        indices: options.train,
        batchSize: options.batchSize,
        seed: streamSeed(options.seed, stream),
      });
    const order = (phase: Phase) => batches({ phase, purpose: "order" });
    this.#wanted = {
      pretrain: order("pretrain"),
      "fine-tune": order("fine-tune"),
      probe: order("probe"),
    };
    this.#support = options.tasks.map(({ name }) => ({
      name,
      batches: batches({ phase: "pretrain", purpose: "support order", name }),
    }));
  }

  /**
   * Puts the images on the device and prepares the programs.
   *
   * @param engine Where to train.
   * @param options Model, tasks, images, seed.
   * @returns The maker of stages; its values live as long as the engine.
   *
   * @example
   * ```ts
   * import { adam, classifierHead, encoder, ImageTraining, linear } from "@mutasesumele/toolkit";
   * import { openEngine, rotation, sgd, supervisedAugment } from "@mutasesumele/toolkit";
   * import { syntheticImages } from "@mutasesumele/toolkit";
   * import { assert } from "@std/assert";
   *
   * const { train: dataset } = syntheticImages({ seed: 0, trainCount: 20, testCount: 10 });
   * const engine = await openEngine("reference");
   * const training = await ImageTraining.open(engine, {
   *   encoder: encoder({ widths: [2], embedding: 4 }),
   *   embedding: 4,
   *   head: classifierHead({ inputs: 4, classes: 10, hidden: 4 }),
   *   probe: linear({ inputs: 4, outputs: 10 }),
   *   tasks: [rotation({ hidden: 4 })],
   *   inner: { innerSteps: 1, innerRate: 0.01, optimizer: sgd() },
   *   order: "exact",
   *   optimizer: adam(),
   *   augment: supervisedAugment(),
   *   dataset,
   *   train: Int32Array.from({ length: 16 }, (_, row) => row),
   *   validation: Int32Array.of(16, 17, 18, 19),
   *   batchSize: 4,
   *   evaluationBatch: 4,
   *   seed: 0,
   * });
   * const stage = training.classification({ arm: "scratch", phase: "fine-tune", steps: 1, rate: 0.001 });
   * const start = await stage.start();
   * const { validationLoss } = await stage.evaluate(start);
   * assert(validationLoss! > 1);
   * engine.close();
   * ```
   */
  static async open(engine: Engine, options: ImageTrainingOptions): Promise<ImageTraining> {
    const makeKeys = engine.jit((key: Tensor) =>
      Object.values(STREAMS).map((stream) => streamKey(key, stream))
    );
    const keys = await makeKeys(hostArray(keyWords(options.seed), [2], "u32"));
    const named = Object.keys(STREAMS).map((name, k) => [name, keys[k]!]);
    return new ImageTraining(engine, options, Object.fromEntries(named) as Keys);
  }

  /**
   * Meta-training: inner losses are the pretext tasks, the outer loss is classification. Evaluated at
   * the backbone itself and, as `validationAccuracyAdapted`, at its copies adapted to the tasks.
   */
  metaTraining({ arm, steps, rate }: StagePlan): Stage<Concrete<MetaTraining>> {
    const { inner: { innerSteps }, batchSize } = this.#options;
    const { start, step, adapt } = this.#programs;
    const keys = this.#keys;
    return compiledStage({
      arm,
      phase: "pretrain",
      steps,
      samples: batchSize * this.#support.length * (innerSteps + 1),
      compiled: step.meta,
      table: this.#table,
      key: keys.pretrain,
      start: () => start.meta(keys.backbone, keys.head, keys.pretextHeads),
      inputs: (at) => ({
        ...stepInputs(this.#wanted.pretrain.batch(at), { step: at, rate }),
        support: this.#supportRows(at),
      }),
      evaluate: async ({ params, state }) => {
        const { encoder, head } = params;
        const figures = await this.#validate("classifier", { params: { encoder, head }, state });
        const copies = await adapt(
          { params, state },
          this.#table,
          keys.adaptation,
          this.#supportRows(0),
        );
        let sum = 0;
        for (const copy of Object.values(copies)) {
          const adapted = await this.#validate("classifier", {
            params: { encoder: copy, head },
            state,
          });
          sum += adapted.validationAccuracy;
        }
        this.#engine.release(copies);
        return { ...figures, validationAccuracyAdapted: sum / this.#support.length };
      },
    });
  }

  /**
   * Training by classification.
   *
   * @param plan Arm, phase, steps, rate; `backbone`: where the backbone comes from; the initialisation
   *   unless told. The head is a fresh one, drawn for the phase.
   */
  classification(
    { arm, phase, steps, rate, backbone }: StagePlan & {
      readonly phase: "pretrain" | "fine-tune";
      readonly backbone?: Concrete<Variables>;
    },
  ): Stage<Concrete<TrainingState>> {
    const { start, step } = this.#programs;
    const { backbone: initial, ...keys } = this.#keys;
    const head = phase === "pretrain" ? keys.head : keys.fineTuneHead;
    return compiledStage({
      arm,
      phase,
      steps,
      samples: this.#options.batchSize,
      compiled: step.classifier,
      table: this.#table,
      key: keys[phase],
      start: () => backbone ? start.onBackbone(backbone, head) : start.classifier(initial, head),
      inputs: (at) => stepInputs(this.#wanted[phase].batch(at), { step: at, rate }),
      evaluate: ({ params, state }) => this.#validate("classifier", { params, state }),
    });
  }

  /** A linear probe of a backbone; the stage trains the head only. */
  linearProbe(
    { arm, steps, rate, backbone }: StagePlan & { readonly backbone: Concrete<Variables> },
  ): Stage<Concrete<TrainingState>> {
    const { start, step } = this.#programs;
    return compiledStage({
      arm,
      phase: "probe",
      steps,
      samples: this.#options.batchSize,
      compiled: step.probe,
      table: this.#table,
      key: this.#keys.probe,
      start: () => start.probe(this.#keys.probeHead),
      inputs: (at) => ({
        ...stepInputs(this.#wanted.probe.batch(at), { step: at, rate }),
        backbone,
      }),
      evaluate: (head) => this.#validate("probe", withHead(backbone, head)),
    });
  }

  /**
   * Checks that every meta-parameter learns, at the first step of meta-training.
   *
   * @param options `exempt`: paths of parameters that have no gradient by construction.
   * @returns What was found; see `guardMetaTraining`.
   */
  async guard(
    options: { readonly exempt?: (path: string) => boolean } = {},
  ): Promise<GuardReport> {
    const { meta, start } = this.#programs;
    const keys = this.#keys;
    const training = await start.meta(keys.backbone, keys.head, keys.pretextHeads);
    const { rows, step } = stepInputs(this.#wanted.pretrain.batch(0), { step: 0, rate: 0 });
    const report = await guardMetaTraining(this.#engine, meta, {
      ...options,
      training,
      table: this.#table,
      key: keys.pretrain,
      inputs: { rows, step, support: this.#supportRows(0) },
    });
    this.#engine.release(training);
    return report;
  }

  /**
   * Evaluates a finished model on other images.
   *
   * @param kind Whether a linear probe or the classifier's head is on top.
   * @param variables The model, from the stages' results; see {@linkcode withHead} for probes.
   * @param test The images, and how many of them, from the first on.
   */
  async test(
    kind: "classifier" | "probe",
    variables: Concrete<Variables>,
    { dataset, count }: { readonly dataset: ImageDataset; readonly count: number },
  ): Promise<Evaluation> {
    const table = this.#engine.put(packImages(dataset));
    const rows = Int32Array.from({ length: count }, (_, row) => row);
    const evaluation = await this.#programs.evaluate[kind](variables, table, rows);
    this.#engine.release(table);
    return evaluation;
  }

  async #validate(
    kind: "classifier" | "probe",
    variables: Concrete<Variables>,
  ): Promise<{ validationAccuracy: number; validationLoss: number }> {
    const evaluate = this.#programs.evaluate[kind];
    const { accuracy, loss } = await evaluate(variables, this.#table, this.#options.validation);
    return { validationAccuracy: accuracy, validationLoss: loss };
  }

  #supportRows(step: number): Record<string, HostArray> {
    return Object.fromEntries(
      this.#support.map(({ name, batches }) => [name, rowsOf(batches.batch(step))]),
    );
  }
}

/**
 * The backbone of a model of backbone and head.
 *
 * @param model Parameters and state, each with an entry `encoder`.
 * @returns Parameters and state of the backbone alone.
 *
 * @example
 * ```ts
 * import { backboneOf, hostArray, openEngine } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const engine = await openEngine("reference");
 * const weight = engine.put(hostArray([1])) as never;
 * const model = { params: { encoder: { weight }, head: {} }, state: { encoder: {}, head: {} } };
 * assertEquals(Object.keys(backboneOf(model).params), ["weight"]);
 * engine.close();
 * ```
 */
export function backboneOf(
  { params, state }: Concrete<Variables> | Concrete<MetaTraining>,
): Concrete<Variables> {
  return { params: params["encoder"], state: state["encoder"] } as Concrete<Variables>;
}

/**
 * A backbone with a head on top.
 *
 * @param backbone Parameters and state of the backbone.
 * @param head Parameters and state of the head.
 * @returns Parameters and state, each with entries `encoder` and `head`.
 *
 * @example
 * ```ts
 * import { backboneOf, withHead } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const backbone = { params: {}, state: {} };
 * assertEquals(backboneOf(withHead(backbone, { params: {}, state: {} })), backbone);
 * ```
 */
export function withHead(
  backbone: Concrete<Variables>,
  head: Concrete<Variables>,
): Concrete<Variables> {
  return {
    params: { encoder: backbone.params, head: head.params },
    state: { encoder: backbone.state, head: head.state },
  };
}
