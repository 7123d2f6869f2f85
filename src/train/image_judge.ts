/**
 * Judging models of an image training: accuracy under every protocol, alignment of gradients.
 *
 * @module
 */
import type { ImageDataset } from "../data/in_memory.ts";
import type { Concrete } from "../engine/mod.ts";
import { packImages } from "./device_images.ts";
import type { Evaluation, Variables } from "./evaluate_classifier.ts";
import { type Side, sideOf, type Top } from "./image_programs.ts";
import { type ImageSetting, learnerOf } from "./image_setting.ts";
import { modelOf } from "./model_parts.ts";
import type { LabelledRows } from "./nearest_neighbours.ts";
import type { MetaObjective } from "./objectives/meta.ts";
import type { Objective } from "./objectives/objective.ts";
import type { TrainingState } from "./objectives/train_classifier.ts";
import type { Refresh } from "./refresh_statistics.ts";

/**
 * Judges models; made by `ImageTraining`.
 *
 * @example
 * ```ts
 * import { encoder, linear, openEngine, sgd, syntheticImages } from "@mutasesumele/toolkit";
 * import { ImageTraining } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const { train: dataset } = syntheticImages({ seed: 0, trainCount: 20, testCount: 10 });
 * const head = linear({ inputs: 2, outputs: 10 });
 * const task = { dataset, head, train: Int32Array.of(0, 1), validation: Int32Array.of(2, 3) };
 *
 * using engine = await openEngine("reference");
 * const { judge } = ImageTraining.open(engine, {
 *   ...{ encoder: encoder({ widths: [2], embedding: 2 }), embedding: 2, probe: head },
 *   ...{ optimizer: sgd(), augment: (images) => images, source: task, target: task },
 *   ...{ batchSize: 2, evaluationBatch: 2, seed: 0, refreshBatches: 0, adaptationDraws: 1 },
 * });
 * assertEquals(judge.held("target").rows, Int32Array.of(2, 3));
 * ```
 */
export class ImageJudge {
  readonly #setting: ImageSetting;

  /**
   * Prepares a judge.
   *
   * @param setting Model, images and draws.
   */
  constructor(setting: ImageSetting) {
    this.#setting = setting;
  }

  /**
   * Accuracy and loss on the validation images.
   *
   * @param top What is on top of the backbone.
   * @param variables The model: `params` and `state` of `encoder` and `head`.
   */
  async validate(
    top: Top,
    variables: Concrete<Variables>,
  ): Promise<{ validationAccuracy: number; validationLoss: number }> {
    const { accuracy, loss } = await this.classify(top, variables, this.held(sideOf(top)));
    return { validationAccuracy: accuracy, validationLoss: loss };
  }

  /**
   * Accuracy and loss of a model on any images, with refreshed running statistics.
   *
   * @param top What is on top of the backbone.
   * @param variables The model; see {@linkcode withHead}.
   * @param images What to judge by.
   */
  async classify(
    top: Top,
    { params, state }: Concrete<Variables>,
    { table, rows }: LabelledRows,
  ): Promise<Evaluation> {
    const { evaluate, refresh } = this.#setting.programs.judging(top);
    const model = modelOf({ params, state });
    const fresh = await this.#refresh(refresh, { side: sideOf(top), model });
    const result = await evaluate(fresh, table, rows);
    if (fresh !== model) this.#setting.engine.release(fresh.state);
    return result;
  }

  /**
   * A backbone with running statistics that were collected at its weights.
   *
   * @param backbone The backbone; not used up.
   * @returns It, or one with its parameters and other statistics.
   */
  async refreshed(backbone: Concrete<Variables>): Promise<Concrete<Variables>> {
    return await this.#refresh(this.#setting.programs.refreshBackbone(), {
      side: "target",
      model: backbone,
    });
  }

  /**
   * Accuracy of nearest neighbours among the labelled training images of the target.
   *
   * @param backbone The backbone.
   * @param images What to judge by; the validation images unless told.
   */
  async nearest(
    backbone: Concrete<Variables>,
    images: LabelledRows = this.held("target"),
  ): Promise<number> {
    const { dataset: { labels }, train } = this.#setting.options.target;
    const fresh = await this.refreshed(backbone);
    const known = { table: this.#setting.tables.target, rows: train, labels };
    const accuracy = await this.#setting.programs.nearest()(fresh, { known, judged: images });
    if (fresh !== backbone) this.#setting.engine.release(fresh.state);
    return accuracy;
  }

  /**
   * Accuracy of the source task at backbones that were adapted to the pretext tasks, mean over tasks and
   * draws of support batches.
   *
   * @param objective Tasks and inner loop.
   * @param training What meta-training left, with the head of the wanted task.
   * @param images What to judge by.
   * @param support Images to adapt to; the pretext images of the source unless told.
   */
  async adapted(
    objective: MetaObjective,
    { params, state }: Concrete<TrainingState>,
    images: LabelledRows,
    support?: LabelledRows,
  ): Promise<Evaluation & { readonly byTask: Readonly<Record<string, number>> }> {
    const draws = this.#setting.options.adaptationDraws;
    const names = objective.tasks.map(({ name }) => name);
    const share = 1 / (draws * names.length);
    let [accuracy, loss] = [0, 0];
    const byTask: Record<string, number> = Object.fromEntries(names.map((name) => [name, 0]));
    for (let draw = 0; draw < draws; draw++) {
      const phase = `adaptation ${draw}`;
      const copies = await this.#setting.programs.adapt(objective)(
        { params, state } as never,
        support?.table ?? this.#setting.tables.source,
        this.#setting.draws.key({ phase, purpose: "adaptation" }),
        this.#setting.support(objective.tasks, {
          ...{ phase, step: 0, side: "source", images: support },
        }),
      );
      for (const name of names) {
        const adapted = { ...params, encoder: copies[name]! } as Concrete<Variables["params"]>;
        const result = await this.classify("source", { params: adapted, state }, images);
        accuracy += share * result.accuracy;
        loss += share * result.loss;
        byTask[name]! += result.accuracy / draws;
      }
      this.#setting.engine.release(copies);
    }
    return { accuracy, loss, byTask };
  }

  /**
   * How far the gradients of the pretext tasks agree with that of the wanted task on the source; see
   * {@linkcode gradientAlignment}. Mean over as many batches as an adaptation is averaged over.
   *
   * @param objective An objective with a wanted and pretext losses.
   * @param training What it has left so far.
   */
  async alignment(
    objective: Objective,
    { params, state }: Concrete<TrainingState>,
  ): Promise<Readonly<Record<string, number>>> {
    const { adaptationDraws: draws } = this.#setting.options;
    const measure = this.#setting.programs.alignment(
      objective,
      learnerOf(this.#setting.options, "source"),
    );
    const phase = "alignment";
    const mean: Record<string, number> = {};
    for (let step = 0; step < draws; step++) {
      const { rows, step: number } = this.#setting.stepInputs(
        { phase, side: "source", rate: 0 },
        step,
      );
      const support = this.#setting.support(objective.tasks, { phase, step, side: "source" });
      const figures = await measure(
        { params, state } as never,
        this.#setting.tables.source,
        this.#setting.draws.key({ phase, purpose: "steps" }),
        { rows, step: number, support },
      );
      for (const [name, { data }] of Object.entries(await this.#setting.engine.read(figures))) {
        mean[name] = (mean[name] ?? 0) + data[0]! / draws;
      }
      this.#setting.engine.release(figures);
    }
    return mean;
  }

  /** Puts images to judge by on the device; the caller releases `table`. */
  put(dataset: ImageDataset, count: number = dataset.count): LabelledRows {
    const rows = Int32Array.from({ length: count }, (_, row) => row);
    return { table: this.#setting.engine.put(packImages(dataset)), rows, labels: dataset.labels };
  }

  /** The validation images of a task. */
  held(side: Side): LabelledRows {
    const { validation, dataset: { labels } } = this.#setting.options[side];
    return { table: this.#setting.tables[side], rows: validation, labels };
  }

  async #refresh(
    refresh: Refresh,
    { side, model }: { readonly side: Side; readonly model: Concrete<Variables> },
  ): Promise<Concrete<Variables>> {
    const { refreshBatches, [side]: { train: rows } } = this.#setting.options;
    if (refreshBatches === 0) return model;
    const phase = "refresh";
    return await refresh(model, {
      table: this.#setting.tables[side],
      batches: Array.from(
        { length: refreshBatches },
        (_, step) => this.#setting.draws.labelled({ phase, rows, step }),
      ),
    });
  }
}
