/**
 * Training image classifiers in the ways that are compared: stages of any objective, linear probes, and
 * evaluation, with shared images, heads, orders of data and random keys.
 *
 * @module
 */
import type { Concrete, Engine } from "../engine/mod.ts";
import type { GuardReport } from "../meta/mod.ts";
import type { Schedule } from "../optim/mod.ts";
import { compiledStage, rowsOf } from "./compiled_stage.ts";
import type { Variables } from "./evaluate_classifier.ts";
import { guardMetaTraining } from "./guard_meta_training.ts";
import { ImageJudge } from "./image_judge.ts";
import type { Side } from "./image_programs.ts";
import { ImageSetting, type ImageTrainingOptions, learnerOf } from "./image_setting.ts";
import { withHead } from "./model_parts.ts";
import type { MetaObjective } from "./objectives/meta.ts";
import type { MetaTraining } from "./objectives/meta_train.ts";
import type { Learner, Objective } from "./objectives/objective.ts";
import type { TrainingState } from "./objectives/train_classifier.ts";
import { type Purpose, SHARED_PHASE } from "./random_streams.ts";
import type { Stage } from "./run_stage.ts";
import { isStreamed, StreamedSteps } from "./streamed_steps.ts";
import type { TaskPictures } from "./task_pictures.ts";

/** Length and learning rate of a stage, and the arm it belongs to. */
export interface StagePlan {
  /** Arm of the experiment. */
  readonly arm: string;
  /** Part of the arm; with the seed it decides what is drawn. */
  readonly phase: string;
  /** Number of steps. */
  readonly steps: number;
  /** Learning rate of every step. */
  readonly rate: number | Schedule;
}

/**
 * Makes the stages of one experiment. The initialisation of the backbone is shared by all arms. Heads,
 * orders of data and what steps draw belong to a phase: arms share them, phases do not.
 */
export class ImageTraining {
  /** Judges what was trained. */
  readonly judge: ImageJudge;
  readonly #setting: ImageSetting;

  private constructor(setting: ImageSetting) {
    this.#setting = setting;
    this.judge = new ImageJudge(setting);
  }

  /**
   * Puts the images on the device; programs are compiled when they are first used.
   *
   * @param engine Where to train.
   * @param options Model, images, seed.
   * @returns The maker of stages; its values live as long as the engine.
   *
   * @example
   * ```ts
   * import { adam, classifierHead, encoder } from "@mutasesumele/toolkit";
   * import { ImageTraining } from "@mutasesumele/toolkit/train";
   * import { linear, openEngine, supervisedAugment, syntheticImages } from "@mutasesumele/toolkit";
   * import { assert } from "@std/assert";
   *
   * const { train: dataset } = syntheticImages({ seed: 0, trainCount: 20, testCount: 10 });
   * const engine = await openEngine("reference");
   * const task = {
   *   dataset,
   *   train: Int32Array.from({ length: 16 }, (_, row) => row),
   *   validation: Int32Array.of(16, 17, 18, 19),
   *   head: classifierHead({ inputs: 4, classes: 10, hidden: 4 }),
   * };
   * const training = ImageTraining.open(engine, {
   *   encoder: encoder({ widths: [2], embedding: 4 }),
   *   embedding: 4,
   *   probe: linear({ inputs: 4, outputs: 10 }),
   *   optimizer: adam(),
   *   augment: supervisedAugment(),
   *   source: task,
   *   target: task,
   *   batchSize: 4,
   *   evaluationBatch: 4,
   *   seed: 0,
   *   refreshBatches: 0,
   *   adaptationDraws: 1,
   * });
   * const stage = training.stage(training.classification("target"), {
   *   ...{ arm: "scratch", phase: "fine-tune", steps: 1, rate: 0.001, side: "target" },
   * });
   * const start = await stage.start();
   * const { validationLoss } = await stage.evaluate(start);
   * assert(validationLoss! > 1);
   * engine.close();
   * ```
   */
  static open(engine: Engine, options: ImageTrainingOptions): ImageTraining {
    return new ImageTraining(new ImageSetting(engine, options));
  }

  /** What objectives are made of, with the head of one of the tasks. */
  learner(side: Side): Learner {
    return learnerOf(this.#setting.options, side);
  }

  /**
   * Supervised training on one of the tasks; the same object for equal arguments.
   *
   * @param side Which of the tasks.
   * @param options `clip`: largest global norm of a gradient; `null`, or absent, clips nothing.
   */
  classification(side: Side, options: { readonly clip?: number | null } = {}): Objective {
    return this.#setting.programs.classification(this.learner(side), options.clip ?? null);
  }

  /**
   * Training by an objective.
   *
   * @param objective What each step lowers.
   * @param plan Arm, phase, steps, rate; `side`: whose images; `backbone`: where the backbone comes from,
   *   the initialisation unless told. Heads are fresh ones, drawn for the phase. `evaluate`: what is
   *   measured along the way; accuracy and loss on the validation images unless told. `draw`: what is drawn
   *   at both ends; nothing unless told.
   */
  stage(
    objective: Objective,
    plan: StagePlan & {
      readonly side: Side;
      readonly backbone?: Concrete<Variables>;
      readonly evaluate?: Stage<Concrete<TrainingState>>["evaluate"];
      readonly draw?: NonNullable<Stage<Concrete<TrainingState>>["draw"]>;
    },
  ): Stage<Concrete<TrainingState>> {
    const { phase, side, backbone } = plan;
    const { start, startOn, step } = this.#setting.programs.objective(objective);
    const { labelled, support } = objective.images();
    const passes = Object.values(support).reduce((a, b) => a + b, labelled);
    const key = (purpose: Purpose) => this.#setting.draws.key({ phase, purpose });
    const streamed = this.#streamed(objective, plan);
    return compiledStage({
      ...plan,
      samples: Math.round(this.#setting.options.batchSize * passes),
      compiled: step,
      table: streamed ? async (at) => (await streamed.at(at)).table : this.#setting.tables[side],
      key: key("steps"),
      start: async () =>
        backbone ? await startOn(backbone, key("head"), key("pretext heads")) : await start(
          this.#setting.draws.key({ phase: SHARED_PHASE, purpose: "initialisation" }),
          key("head"),
          key("pretext heads"),
        ),
      inputs: async (at) => {
        const inputs = this.#setting.stepInputs(plan, at);
        if (streamed) {
          const { rows, support } = await streamed.at(at);
          return { ...inputs, rows, support };
        }
        return {
          ...inputs,
          support: this.#setting.support(objective.tasks, { phase, step: at, side }),
        };
      },
      ...(streamed && {
        close: async () => {
          await streamed.close();
          this.#setting.options.onStream?.(plan, streamed.report);
        },
      }),
      evaluate: plan.evaluate ?? ((training) => this.judge.validate(side, training)),
    });
  }

  /** The images of steps on the source, if any of them are streamed. */
  #streamed(
    objective: Objective,
    { phase, side }: { readonly phase: string; readonly side: Side },
  ): StreamedSteps | undefined {
    const { stream: source } = this.#setting.options;
    if (!source || side !== "source" || !objective.tasks.some(isStreamed)) return undefined;
    return new StreamedSteps(this.#setting, { source, objective, phase });
  }

  /**
   * A linear probe of a backbone on the target; the stage trains the head only.
   *
   * @param plan Arm, phase, steps, rate; `backbone`: what is probed; `clip`: largest global norm of a
   *   gradient; `null`, or absent, clips nothing.
   */
  probe(
    plan: StagePlan & { readonly backbone: Concrete<Variables>; readonly clip?: number | null },
  ): Stage<Concrete<TrainingState>> {
    const { phase, backbone, clip = null } = plan;
    const { start, step } = this.#setting.programs.probe(clip);
    return compiledStage({
      ...plan,
      samples: this.#setting.options.batchSize,
      compiled: step,
      table: this.#setting.tables.target,
      key: this.#setting.draws.key({ phase, purpose: "steps" }),
      start: async () => await start(this.#setting.draws.key({ phase, purpose: "head" })),
      inputs: (at) => ({ ...this.#setting.stepInputs({ ...plan, side: "target" }, at), backbone }),
      evaluate: (head) => this.judge.validate("probe", withHead(backbone, head)),
    });
  }

  /**
   * Draws the pretext tasks of an objective on images of the source: the same images and the same draws
   * whenever it is asked.
   *
   * @param objective The objective.
   * @param training What it has left so far; not used up.
   * @param rows The batch, rows of the source; images that are held out unless told.
   * @returns Input, target and prediction of every task; none if it has no task.
   */
  async pictures(
    objective: Pick<Objective, "tasks">,
    { params, state }: Concrete<TrainingState>,
    rows: Int32Array = this.#shown(),
  ): Promise<TaskPictures[]> {
    const { engine, draws, programs, tables } = this.#setting;
    const key = draws.key({ phase: "pictures", purpose: "pictures" });
    const drawn: TaskPictures[] = [];
    for (const task of objective.tasks) {
      const draw = programs.pictures(task);
      const values = await draw({ params, state } as never, tables.source, key, rowsOf(rows));
      const { figures, pictures } = await engine.read(values);
      engine.release(values);
      const scalars = Object.entries(figures).map(([name, { data }]) => [name, data[0]!] as const);
      drawn.push({ task: task.name, figures: Object.fromEntries(scalars), pictures });
    }
    return drawn;
  }

  /** Held-out images; a few are no batch: it has statistics, and partners to be found among others. */
  #shown(): Int32Array {
    const { source: { validation, train }, batchSize } = this.#setting.options;
    return (validation.length >= 4 ? validation : train).subarray(0, batchSize);
  }

  /**
   * Checks that every meta-parameter learns, at the first step of meta-training.
   *
   * @param objective The objective.
   * @param options `phase`: that of the step; `exempt`: paths of parameters that have no gradient by
   *   construction.
   * @returns What was found; see `guardMetaTraining`.
   */
  async guard(
    objective: MetaObjective,
    { phase, exempt }: { readonly phase: string; readonly exempt?: (path: string) => boolean },
  ): Promise<GuardReport> {
    const plan = { arm: "guard", phase, steps: 1, rate: 0, side: "source" } as const;
    const training = await this.stage(objective, plan).start() as Concrete<MetaTraining>;
    const { rows, step } = this.#setting.stepInputs(plan, 0);
    const support = this.#setting.support(objective.tasks, { phase, step: 0, side: "source" });
    const report = await guardMetaTraining(this.#setting.engine, objective.meta, {
      ...(exempt && { exempt }),
      training,
      table: this.#setting.tables.source,
      key: this.#setting.draws.key({ phase, purpose: "steps" }),
      inputs: { rows, step, support },
    });
    this.#setting.engine.release(training);
    return report;
  }

  /** The backbone that every arm begins with. */
  async initialBackbone(): Promise<Concrete<Variables>> {
    const key = this.#setting.draws.key({ phase: SHARED_PHASE, purpose: "initialisation" });
    return await this.#setting.programs.backbone()(key) as Concrete<Variables>;
  }
}
