/**
 * Model, images and draws of an image training on an engine.
 *
 * @module
 */
import * as kinds from "./kinds.ts";
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import type { Concrete, Engine, HostArray } from "../engine/mod.ts";
import type { PretextTask } from "../pretext/mod.ts";
import type { Schedule } from "../optim/mod.ts";
import { rowsOf, stepInputs } from "./compiled_stage.ts";
import { type ImageTable, packImages } from "./device_images.ts";
import { ImageDraws } from "./image_draws.ts";
import { ImagePrograms, type ImageProgramsOptions, type Side } from "./image_programs.ts";
import type { Learner } from "./objectives/objective.ts";
import type { ImageSource, StreamReport } from "./streamed_steps.ts";
import type { LabelledRows } from "./nearest_neighbours.ts";

/** What is trained, on which images. */
export interface ImageTrainingOptions extends ImageProgramsOptions {
  /** Images of a batch, in every loss. */
  readonly batchSize: number;
  /** Seed of all that is random. */
  readonly seed: number;
  /**
   * Batches of training images from which running statistics are collected again before weights are
   * judged; 0 judges with those that training left.
   */
  readonly refreshBatches: number;
  /** Support batches over which the accuracy of adapted backbones is averaged. */
  readonly adaptationDraws: number;
  /**
   * Where steps on the source take the images of pretext tasks without labels from, in place of those in
   * memory, which evaluations go on to use.
   */
  readonly stream?: ImageSource;
  /** Told how well the stream has kept up when a stage ends. */
  readonly onStream?: (
    stage: { readonly arm: string; readonly phase: string },
    report: StreamReport,
  ) => void;
}

/**
 * What the makers of stages and the judge share.
 *
 * @example
 * ```ts
 * import { encoder, linear, openEngine, sgd, syntheticImages } from "@mutasesumele/toolkit";
 * import { ImageSetting } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const { train: dataset } = syntheticImages({ seed: 0, trainCount: 20, testCount: 10 });
 * const head = linear({ inputs: 2, outputs: 10 });
 * const task = { dataset, head, train: Int32Array.of(0, 1), validation: Int32Array.of(2, 3) };
 *
 * using engine = await openEngine("reference");
 * const { tables, draws } = new ImageSetting(engine, {
 *   ...{ encoder: encoder({ widths: [2], embedding: 2 }), embedding: 2, probe: head },
 *   ...{ optimizer: sgd(), augment: (images) => images, source: task, target: task },
 *   ...{ batchSize: 2, evaluationBatch: 2, seed: 0, refreshBatches: 0, adaptationDraws: 1 },
 * });
 * assertEquals(tables.source, tables.target);
 * assertEquals(draws.key({ phase: "all", purpose: "head" }).shape, [2]);
 * ```
 */
export class ImageSetting {
  /** Draws of batches and keys. */
  readonly draws: ImageDraws;
  /** Compiled programs. */
  readonly programs: ImagePrograms;
  /** The images of both sides. */
  readonly tables: Readonly<Record<Side, Concrete<ImageTable>>>;

  /**
   * Puts the images on the device.
   *
   * @param engine Where to train.
   * @param options Model, images, seed.
   */
  constructor(readonly engine: Engine, readonly options: ImageTrainingOptions) {
    requireArguments("ImageTraining", { engine }, { engine: is.engine });
    requireArguments("ImageTraining", { options }, {
      options: is.objectWith({
        encoder: kinds.layer,
        embedding: is.count,
        optimizer: kinds.optimizer,
        augment: is.callback,
        probe: kinds.layer,
        source: kinds.imageTask,
        target: kinds.imageTask,
        evaluationBatch: is.count,
        pictures: is.optional(is.natural),
        batchSize: is.count,
        seed: is.natural,
        refreshBatches: is.natural,
        adaptationDraws: is.natural,
      }),
    });
    this.draws = new ImageDraws(options);
    this.programs = new ImagePrograms(engine, options);
    const { source: { dataset }, target } = options;
    const source = engine.put(packImages(dataset));
    this.tables = {
      source,
      target: target.dataset === dataset ? source : engine.put(packImages(target.dataset)),
    };
  }

  /**
   * Batches of pretext tasks, by their names. Those that read labels get labelled images, others the
   * images of the pretext tasks.
   *
   * @param tasks The tasks.
   * @param from Phase, step and side; `images`: others than those of the side, for tasks without labels.
   */
  support(
    tasks: readonly PretextTask[],
    { phase, step, side, images }: {
      readonly phase: string;
      readonly step: number;
      readonly side: Side;
      readonly images?: LabelledRows | undefined;
    },
  ): Readonly<Record<string, HostArray>> {
    const { train, unlabelled = train } = this.options[side];
    return Object.fromEntries(tasks.map(({ name, needsLabels }) => {
      const rows = images?.rows ?? (needsLabels ? train : unlabelled);
      return [name, rowsOf(this.draws.support(name, { phase, step, rows }))];
    }));
  }

  /** What travels to the device for a step. */
  stepInputs(
    { phase, side, rate }: {
      readonly phase: string;
      readonly side: Side;
      readonly rate: number | Schedule;
    },
    step: number,
  ): ReturnType<typeof stepInputs> {
    const rows = this.options[side].train;
    return stepInputs(this.draws.labelled({ phase, rows, step }), {
      step,
      rate: typeof rate === "number" ? rate : rate(step),
    });
  }
}

/** What objectives are made of, with the head of one of the tasks. */
export function learnerOf(options: ImageTrainingOptions, side: Side): Learner {
  const { encoder, embedding, optimizer, augment, [side]: { dataset, head } } = options;
  return { encoder, embedding, optimizer, augment, head, extents: dataset };
}
