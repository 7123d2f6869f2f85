/**
 * Steps whose pretext images are streamed, while labelled ones stay in memory.
 *
 * @module
 */
import { subsetDataset } from "../data/in_memory.ts";
import { type HostArray, hostArray } from "../engine/mod.ts";
import { rowsOf } from "./compiled_stage.ts";
import { type HostImageTable, packImages } from "./device_images.ts";
import type { ImageSetting } from "./image_setting.ts";
import type { Objective } from "./objectives/objective.ts";
import { streamSeed } from "./random_streams.ts";
import { type BatchSource, type StreamedTables, streamedTables } from "./streamed_tables.ts";

/** Opens a stream of images. */
export type ImageSource = (options: {
  /** Images of a batch. */
  readonly batchSize: number;
  /** Seed of their order. */
  readonly seed: number;
}) => BatchSource;

/** How well a stream has kept up with the steps. */
export interface StreamReport {
  /** Batches that were asked for. */
  readonly batches: number;
  /** Those of them that were there within a millisecond. */
  readonly ready: number;
  /** Seconds that steps have waited for the others. */
  readonly waited: number;
}

/** Images of a step: a table of its own, and which of its rows are whose. */
export interface StreamedStep {
  /** Labelled images, then streamed ones. */
  readonly table: HostImageTable;
  /** Rows of the labelled batch, `i32[batch]`. */
  readonly rows: HostArray;
  /** Rows of every pretext task by its name, `i32[batch]`. */
  readonly support: Readonly<Record<string, HostArray>>;
}

/** A batch that has not been there within so many milliseconds was waited for. */
const READY = 1;

/**
 * The images of the steps of one stage. Labelled batches, those of pretext tasks that read labels too, are
 * drawn as ever; every other task has images of its own of the stream. All depends on the number of the step
 * and nothing else, so a resumed run sees what one that was not stopped would have seen.
 */
export class StreamedSteps {
  readonly #setting: ImageSetting;
  readonly #objective: Pick<Objective, "tasks">;
  readonly #phase: string;
  readonly #tables: StreamedTables;
  #last: { readonly step: number; readonly images: Promise<StreamedStep> } | undefined;
  #report: StreamReport = { batches: 0, ready: 0, waited: 0 };

  /**
   * Prepares the steps of a phase on the source; nothing is opened before the first is asked for.
   *
   * @param setting Model, images and draws.
   * @param options The stream, the objective, the phase.
   */
  constructor(
    setting: ImageSetting,
    { source, objective, phase }: {
      readonly source: ImageSource;
      readonly objective: Pick<Objective, "tasks">;
      readonly phase: string;
    },
  ) {
    const { batchSize, seed } = setting.options;
    this.#setting = setting;
    this.#objective = objective;
    this.#phase = phase;
    this.#tables = streamedTables(source({
      batchSize: batchSize * objective.tasks.filter(isStreamed).length,
      seed: streamSeed(seed, { phase, purpose: "support order", name: "stream" }),
    }));
  }

  /** Images of a step, from 0. */
  at(step: number): Promise<StreamedStep> {
    if (this.#last?.step !== step) this.#last = { step, images: this.#take(step) };
    return this.#last.images;
  }

  /** How well the stream has kept up so far. */
  get report(): StreamReport {
    return this.#report;
  }

  /** Ends the stream. */
  async close(): Promise<void> {
    this.#last = undefined;
    await this.#tables.close();
  }

  async #take(step: number): Promise<StreamedStep> {
    const { options: { batchSize, source }, draws } = this.#setting;
    const { tasks } = this.#objective;
    const from = { phase: this.#phase, rows: source.train, step };
    const own = [
      draws.labelled(from),
      ...tasks.filter((task) => !isStreamed(task)).map(({ name }) => draws.support(name, from)),
    ];
    const { table: streamed, waited } = await this.#tables.at(step);
    const ready = waited < READY;
    this.#report = {
      batches: this.#report.batches + 1,
      ready: this.#report.ready + (ready ? 1 : 0),
      waited: this.#report.waited + (ready ? 0 : waited / 1000),
    };
    const rows = Int32Array.from(own.flatMap((batch) => [...batch]));
    const held = packImages(subsetDataset(source.dataset, rows));
    const labels = [held, streamed].flatMap(({ labels }) => [...labels.data]);
    let [nextOwn, nextStreamed] = [batchSize, rows.length];
    const take = (first: number): HostArray =>
      rowsOf(Int32Array.from({ length: batchSize }, (_, k) => first + k));
    return {
      table: {
        shards: [...held.shards, ...streamed.shards],
        labels: hostArray(labels, [labels.length], "i32"),
      },
      rows: take(0),
      support: Object.fromEntries(tasks.map((task) => {
        const first = isStreamed(task) ? nextStreamed : nextOwn;
        if (isStreamed(task)) nextStreamed += batchSize;
        else nextOwn += batchSize;
        return [task.name, take(first)];
      })),
    };
  }
}

/**
 * Whether the images of a task may come from a stream: no label of them is read.
 *
 * @param task The task.
 */
export function isStreamed({ needsLabels }: Objective["tasks"][number]): boolean {
  return !needsLabels;
}
