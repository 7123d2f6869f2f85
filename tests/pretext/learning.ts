/**
 * What pretext tasks reach on real images, against solvers that have not learned from them.
 *
 * Every task trains a small backbone on CIFAR-10 by the objective that experiments use, and is judged on
 * images that are held out, by its own metric or by its pictures. The trivial solver of a task sees the
 * same pictures, or knows the statistics of its target.
 */
import { type ImageDataset, loadCifar10, subsetDataset } from "../../src/data/mod.ts";
import { type Concrete, type Engine, type HostArray, openEngine } from "../../src/engine/mod.ts";
import {
  classifierHead,
  conv2dLayer,
  flattenLayer,
  type Layer,
  linear,
  normalizationLayer,
  reluLayer,
  sequential,
  statelessLayer,
} from "../../src/nn/mod.ts";
import { adam, cosineSchedule } from "../../src/optim/mod.ts";
import { ones, reshape } from "../../src/tensor/mod.ts";
import { normalizeImages, type PretextTask, supervisedAugment } from "../../src/pretext/mod.ts";
import { patchesOf } from "../../src/pretext/patch_reconstruction.ts";
import {
  ImageTraining,
  pretextObjective,
  type TaskPictures,
  type TrainingState,
} from "../../src/train/mod.ts";
import { SHARED } from "../shared.ts";
import type { Detector } from "./detection_precision.ts";

/** Images of a batch; all of them are judged. */
export const BATCH = 64;
/** Batches of held-out images. */
const JUDGED = 6;

/** Pictures of a batch of held-out images, and the classes of those. */
export type Drawn = TaskPictures & { readonly labels: readonly number[] };

/** How a task is taught, and what it must beat. */
export interface Lesson {
  /** The task. */
  readonly task: PretextTask;
  /** Steps in the long test. */
  readonly steps: number;
  /** A smaller lesson in the tests of every commit; too long for them without it. */
  readonly short?: Required<Pick<Lesson, "task" | "steps" | "backbone" | "rate" | "warmup">>;
  /** The backbone and the length of its embeddings; {@linkcode quickBackbone} unless told. */
  readonly backbone?: { readonly layer: Layer; readonly embedding: number };
  /** Largest rate of Adam; 0.004 unless told. */
  readonly rate?: number;
  /** Steps during which the rate rises; a tenth of them unless told. */
  readonly warmup?: number;
  /** What the trivial solver does, in words. */
  readonly solver: string;
  /** Name of the figure; more is better. */
  readonly figure: string;
  /** The figure of a batch of pictures. */
  of(drawn: Drawn): number;
  /**
   * The trivial solver's figure on the same pictures; `"blind"` is that of the same head, taught as long
   * by itself, with embeddings that are 1 for every image.
   */
  readonly trivial: ((drawn: Drawn) => number) | "blind";
  /** Further figures of what was learned, for people. */
  readonly judge?: (detector: Detector) => Promise<Readonly<Record<string, number>>>;
}

/** What came out of a lesson: means over held-out batches. */
export interface Learned {
  /** The figure before the first step. */
  readonly before: number;
  /** The figure after the last. */
  readonly after: number;
  /** That of the trivial solver. */
  readonly trivial: number;
  /** Loss and metrics after the last step. */
  readonly figures: Readonly<Record<string, number>>;
  /** Seconds of the steps. */
  readonly seconds: number;
}

/** Real images: those that are learned from first, then those that are held out. */
export async function realImages(): Promise<{ dataset: ImageDataset; learned: number }> {
  const data = decodeURIComponent(new URL("data/cifar-10-batches-bin", SHARED).pathname);
  const { train, test } = await loadCifar10({ data });
  const [a, b] = [train, subsetDataset(test, rangeOf(0, JUDGED * BATCH))];
  const images = new Uint8Array(a.images.length + b.images.length);
  images.set(a.images);
  images.set(b.images, a.images.length);
  const labels = Uint8Array.from([...a.labels, ...b.labels]);
  return { dataset: { ...a, images, labels, count: a.count + b.count }, learned: a.count };
}

function rangeOf(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to - from }, (_, k) => from + k);
}

/**
 * What lessons are learned with unless told: a linear layer on patches of 4 x 4, a convolution of stride 2,
 * each with ReLU and batch normalization, then a linear layer, which keeps apart what lies where.
 *
 * It has no dropout: that of the usual encoder (a quarter after each of four stages) is noise that a
 * training of hours needs and one of a minute cannot afford, least of all tasks that compare two views,
 * each of which has lost other features. Pictures are drawn as in training, so the judge would lose them too.
 */
export function quickBackbone(): { readonly layer: Layer; readonly embedding: number } {
  const [embedding, patch, side] = [128, 4, 8];
  return {
    layer: sequential({
      cut: statelessLayer((x) => reshape(patchesOf(x, patch), [x.shape[0]!, side, side, -1])),
      patches: linear({ inputs: 3 * patch * patch, outputs: 32 }),
      relu1: reluLayer(),
      norm1: normalizationLayer("batch", 32),
      conv: conv2dLayer({ inputs: 32, outputs: 64, stride: 2, padding: 1 }),
      relu2: reluLayer(),
      norm2: normalizationLayer("batch", 64),
      flatten: flattenLayer(),
      embedding: linear({ inputs: side * side / 4 * 64, outputs: embedding }),
      norm: normalizationLayer("batch", embedding),
    }),
    embedding,
  };
}

/** Trains a task and judges it. */
export async function learn(
  lesson: Lesson,
  { engine, images, steps, seed = 0, blind = false }: {
    readonly engine: Engine;
    readonly images: { readonly dataset: ImageDataset; readonly learned: number };
    readonly steps: number;
    readonly seed?: number;
    readonly blind?: boolean;
  },
): Promise<Learned> {
  const { task, trivial, judge, rate = 0.004, warmup = Math.floor(steps / 10) } = lesson;
  const { dataset, learned } = images;
  const classes = dataset.classNames.length;
  const { layer, embedding } = lesson.backbone ?? quickBackbone();
  const side = {
    dataset,
    head: classifierHead({ inputs: embedding, classes, hidden: 8 }),
    train: rangeOf(0, learned),
    validation: rangeOf(learned, learned + JUDGED * BATCH),
  };
  const backbone: Layer = blind ? nothing(embedding) : {
    init: layer.init,
    apply: (params, state, x, options) => {
      const pixels = normalizeImages(x, {
        mean: [0.49, 0.48, 0.45],
        deviation: [0.25, 0.24, 0.26],
      });
      return layer.apply(params, state, pixels, options);
    },
  };
  const training = ImageTraining.open(engine, {
    encoder: backbone,
    embedding,
    source: side,
    target: side,
    probe: linear({ inputs: embedding, outputs: classes }),
    optimizer: adam(),
    augment: supervisedAugment(),
    ...{ batchSize: BATCH, evaluationBatch: BATCH, seed, refreshBatches: 0, adaptationDraws: 1 },
    // All pictures of a batch, of those tasks too that show an image several times.
    pictures: 4 * BATCH,
  });
  const batches = Array.from(
    { length: JUDGED },
    (_, k) => side.validation.subarray(k * BATCH, (k + 1) * BATCH),
  );
  const objective = pretextObjective(training.learner("source"), { tasks: [task] });
  const stage = training.stage(objective, {
    ...{ arm: "test", phase: "pretrain", steps, side: "source" },
    rate: cosineSchedule({ peak: rate, steps, warmup }),
  });
  const judgeAll = async (state: Concrete<TrainingState>): Promise<Drawn[]> => {
    const all: Drawn[] = [];
    for (const rows of batches) {
      const labels = [...rows].map((row) => dataset.labels[row]!);
      for (const drawn of await training.pictures(objective, state, rows)) {
        all.push({ ...drawn, labels });
      }
    }
    return all;
  };
  let state = await stage.start();
  const first = await judgeAll(state);
  const clock = performance.now();
  for (let step = 0; step < steps; step++) {
    const result = await stage.step(state, step);
    state = result.training;
    // One reading now and then, so that the queue of the device stays short.
    if (step % 16 === 15) await engine.read(result.metrics);
    engine.release(result.metrics);
  }
  const last = await judgeAll(state);
  const seconds = (performance.now() - clock) / 1000;
  const judged = await judge?.({ engine, encoder: backbone, state, dataset, batches });
  engine.release(state);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    before: mean(first.map(lesson.of)),
    after: mean(last.map(lesson.of)),
    trivial: trivial !== "blind"
      ? mean(last.map(trivial))
      : blind
      ? NaN
      : (await learn(lesson, { engine, images, steps, seed, blind: true })).after,
    figures: {
      ...Object.fromEntries(
        Object.keys(last[0]!.figures)
          .map((name) => [name, mean(last.map(({ figures }) => figures[name]!))]),
      ),
      ...judged,
    },
    seconds,
  };
}

/** A backbone that shows nothing. */
function nothing(embedding: number): Layer {
  return {
    init: () => ({ params: {}, state: {} }),
    apply: (_, state, x) => ({ output: ones([x.shape[0]!, embedding]), state }),
  };
}

/** Whether a task has learned, and more than its trivial solver knows. */
export function beats({ before, after, trivial }: Learned): boolean {
  return after > trivial && after > before;
}

/** Opens an engine for lessons, and closes it. */
export async function withEngine<T>(body: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await openEngine("webgpu");
  try {
    return await body(engine);
  } finally {
    engine.close();
  }
}

/** The pixels of each picture of a row. */
export function each({ shape: [count], data }: HostArray): number[][] {
  const size = data.length / count!;
  return Array.from({ length: count! }, (_, k) => [...data.subarray(k * size, (k + 1) * size)]);
}
