/**
 * The programs of an image training; each is compiled when it is first used.
 *
 * @module
 */
import type { Engine, Jitted } from "../engine/mod.ts";
import type { Tensor } from "../ir/tensor.ts";
import { type Layer, type Params, sequential } from "../nn/mod.ts";
import type { Optimizer } from "../optim/mod.ts";
import type { Augment, PretextTask } from "../pretext/mod.ts";
import type { CompiledStep } from "./compiled_stage.ts";
import type { ImageTable } from "./device_images.ts";
import { classifierEvaluation, type Evaluate, type Variables } from "./evaluate_classifier.ts";
import { gradientAlignment } from "./gradient_alignment.ts";
import type { ImageTask } from "./image_task.ts";
import { type ProbeInputs, probeStep } from "./linear_probe.ts";
import { type NearestNeighbours, nearestNeighbours } from "./nearest_neighbours.ts";
import { clipping } from "./objectives/clipping.ts";
import type { MetaObjective } from "./objectives/meta.ts";
import { adaptToTasks, type MetaTraining } from "./objectives/meta_train.ts";
import { classificationObjective } from "./objectives/classification.ts";
import type { Learner, Objective, ObjectiveInputs } from "./objectives/objective.ts";
import { type TrainingState, trainingState } from "./objectives/train_classifier.ts";
import { type Refresh, refreshStatistics } from "./refresh_statistics.ts";
import { taskPictures } from "./task_pictures.ts";

/** Which of the two tasks: the one that is pretrained on, or the one that counts. */
export type Side = "source" | "target";

/** What is on top of a backbone. */
export type Top = Side | "probe";

/** Model and images of the programs. */
export interface ImageProgramsOptions {
  /** From images to embeddings. */
  readonly encoder: Layer;
  /** Length of the embeddings. */
  readonly embedding: number;
  /** Moves the parameters. */
  readonly optimizer: Optimizer;
  /** How labelled images are changed. */
  readonly augment: Augment;
  /** From embeddings to logits of the target's classes: the head of a linear probe. */
  readonly probe: Layer;
  /** What backbones are pretrained on. */
  readonly source: ImageTask;
  /** What they are judged by; the same object where nothing is transferred. */
  readonly target: ImageTask;
  /** Images of a batch in evaluations. */
  readonly evaluationBatch: number;
  /** How many pictures of a pretext task are drawn; 6 unless told. */
  readonly pictures?: number;
  /** Whether nearest neighbours vote, on the host; false only where nothing is computed. True unless told. */
  readonly votes?: boolean;
}

/** The programs of an objective. */
export interface ObjectivePrograms {
  /** From keys of backbone, head and pretext heads. */
  readonly start: Jitted<[Tensor, Tensor, Tensor], TrainingState>;
  /** From a backbone and keys of head and pretext heads. */
  readonly startOn: Jitted<[Variables, Tensor, Tensor], TrainingState>;
  /** The step, which uses its first argument up. */
  readonly step: CompiledStep<TrainingState, ObjectiveInputs>;
}

/** How a model is judged. */
export interface Judging {
  /** Accuracy and loss. */
  readonly evaluate: Evaluate;
  /** Running statistics at given weights. */
  readonly refresh: Refresh;
}

/** Adapts a meta-trained backbone to the pretext tasks. */
export type Adapt = Jitted<
  [Pick<MetaTraining, "params" | "state">, ImageTable, Tensor, ObjectiveInputs["support"]],
  Readonly<Record<string, Params>>
>;

/**
 * Makes programs, each once.
 *
 * @example
 * ```ts
 * import { encoder, linear, openEngine, sgd, syntheticImages } from "@mutasesumele/toolkit";
 * import { ImagePrograms } from "@mutasesumele/toolkit/train";
 * import { hostArray, keyWords } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { train: dataset } = syntheticImages({ seed: 0, trainCount: 20, testCount: 10 });
 * const head = linear({ inputs: 2, outputs: 10 });
 * const task = { dataset, head, train: Int32Array.of(0, 1), validation: Int32Array.of(2, 3) };
 *
 * using engine = await openEngine("reference");
 * const programs = new ImagePrograms(engine, {
 *   ...{ encoder: encoder({ widths: [2], embedding: 2 }), embedding: 2, probe: head },
 *   ...{ optimizer: sgd(), augment: (images) => images, source: task, target: task },
 *   evaluationBatch: 2,
 * });
 * const backbone = await programs.backbone()(hostArray(keyWords(0), [2], "u32"));
 * assertEquals(Object.keys(backbone), ["params", "state"]);
 * ```
 */
export class ImagePrograms {
  readonly #engine: Engine;
  readonly #options: ImageProgramsOptions;
  readonly #made = new Map<unknown, unknown>();

  /**
   * Prepares programs.
   *
   * @param engine Where they run.
   * @param options Model and images.
   */
  constructor(engine: Engine, options: ImageProgramsOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  /** Start and step of an objective. */
  objective(objective: Objective): ObjectivePrograms {
    const { encoder } = this.#options;
    return this.#once(objective.step, () => ({
      start: this.#engine.jit((key: Tensor, head: Tensor, pretext: Tensor) =>
        objective.start(encoder.init(key), { head, pretext })
      ),
      startOn: this.#engine.jit((backbone: Variables, head: Tensor, pretext: Tensor) =>
        objective.start(backbone, { head, pretext })
      ),
      step: this.#engine.jit(objective.step, { donate: [0] }),
    }));
  }

  /** The backbone, drawn from a key. */
  backbone(): Jitted<[Tensor], Variables> {
    const { encoder } = this.#options;
    return this.#once("initial", () => this.#engine.jit((key: Tensor) => encoder.init(key)));
  }

  /** Supervised training on one of the tasks; `clip`: largest global norm of a gradient, or none. */
  classification(learner: Learner, clip: number | null = null): Objective {
    const made = this.#once(learner.head, () => new Map<number | null, Objective>());
    if (!made.has(clip)) made.set(clip, classificationObjective(clipping(learner, clip)));
    return made.get(clip)!;
  }

  /** Adaptation to the tasks of a meta objective. */
  adapt({ meta }: MetaObjective): Adapt {
    return this.#once(meta, () => this.#engine.jit(adaptToTasks(meta)));
  }

  /** Alignment of the gradients of an objective. */
  alignment(objective: Objective, learner: Learner): Jitted<
    Parameters<ReturnType<typeof gradientAlignment>>,
    Readonly<Record<string, Tensor>>
  > {
    return this.#once(objective, () => this.#engine.jit(gradientAlignment(learner, objective)));
  }

  /** Pictures of a pretext task of the source. */
  pictures(task: PretextTask): Jitted<
    Parameters<ReturnType<typeof taskPictures>>,
    ReturnType<ReturnType<typeof taskPictures>>
  > {
    const { encoder, source: { dataset: extents }, pictures: count = 6 } = this.#options;
    return this.#once(
      task,
      () => this.#engine.jit(taskPictures({ encoder, extents }, { task, count })),
    );
  }

  /** Start and step of a linear probe; `clip`: largest global norm of a gradient, or none. */
  probe(clip: number | null = null): {
    readonly start: Jitted<[Tensor], TrainingState>;
    readonly step: CompiledStep<TrainingState, ProbeInputs>;
  } {
    const { probe, augment, encoder, target: { dataset } } = this.#options;
    const { optimizer } = clipping(this.#options, clip);
    return this.#once(`probe ${clip}`, () => ({
      start: this.#engine.jit((key: Tensor) => trainingState(probe.init(key), optimizer)),
      step: this.#engine.jit(
        probeStep({ optimizer, augment, extents: dataset, encoder, head: probe }),
        { donate: [0] },
      ),
    }));
  }

  /** Evaluation of a backbone with a head. */
  judging(top: Top): Judging {
    const { encoder, probe, evaluationBatch, ...tasks } = this.#options;
    const { head, dataset: extents } = tasks[sideOf(top)];
    return this.#once(`judging ${top}`, () => {
      const model = sequential({ encoder, head: top === "probe" ? probe : head });
      return {
        evaluate: classifierEvaluation(this.#engine, {
          model,
          extents,
          batchSize: evaluationBatch,
        }),
        refresh: refreshStatistics(this.#engine, { layer: model, extents }),
      };
    });
  }

  /** Running statistics of a backbone alone. */
  refreshBackbone(): Refresh {
    const { encoder, target: { dataset } } = this.#options;
    return this.#once(
      "backbone",
      () => refreshStatistics(this.#engine, { layer: encoder, extents: dataset }),
    );
  }

  /** Nearest neighbours of the target's images. */
  nearest(): NearestNeighbours {
    const { encoder, evaluationBatch: batchSize, target: { dataset }, votes = true } =
      this.#options;
    return this.#once(
      "nearest",
      () => nearestNeighbours(this.#engine, { encoder, extents: dataset, batchSize, votes }),
    );
  }

  #once<T>(id: unknown, make: () => T): T {
    if (!this.#made.has(id)) this.#made.set(id, make());
    return this.#made.get(id) as T;
  }
}

/** Whose images a model is judged by. */
export function sideOf(top: Top): Side {
  return top === "probe" ? "target" : top;
}
