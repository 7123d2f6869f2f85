/** Mean average precision of a trained detector on images that are held out. */
import type { ImageDataset } from "../../src/data/mod.ts";
import { type Concrete, type Engine, hostArray } from "../../src/engine/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import type { Layer, Params } from "../../src/nn/mod.ts";
import {
  type Box,
  type DetectionTask,
  meanAveragePrecision,
  type ScoredBox,
  suppressOverlaps,
  type TrueBox,
} from "../../src/pretext/mod.ts";
import { keyWords } from "../../src/random/mod.ts";
import {
  type ImageTable,
  packImages,
  takeImages,
  takeLabels,
  type TrainingState,
} from "../../src/train/mod.ts";

/** What is judged. */
export interface Detector {
  readonly engine: Engine;
  readonly encoder: Layer;
  readonly state: Concrete<TrainingState>;
  readonly dataset: ImageDataset;
  /** Batches of held-out images. */
  readonly batches: readonly Int32Array[];
}

/** Mean average precision at overlaps of a half, and over those of COCO. */
export async function detectionPrecision(
  task: DetectionTask,
  { engine, encoder, state, dataset, batches }: Detector,
): Promise<{ mAP50: number; mAP: number }> {
  const table = engine.put(packImages(dataset));
  const run = engine.jit((
    trained: Pick<TrainingState, "params" | "state">,
    images: ImageTable,
    key: Tensor,
    rows: Tensor,
  ) => {
    const { params, state } = trained;
    const labels = takeLabels(images, rows);
    const composed = task.compose(takeImages(images, rows, dataset), labels, key);
    const { output } = encoder.apply(
      params["encoder"] as Params,
      state["encoder"] as Params,
      composed.images,
      { training: true, key },
    );
    const head = (params["pretext"] as Readonly<Record<string, Params>>)[task.name]!;
    return { ...composed, ...prefixed(task.detect(head, output)) };
  });
  const [found, truths]: [ScoredBox[], TrueBox[]] = [[], []];
  const { params, state: statistics } = state;
  for (const [k, rows] of batches.entries()) {
    const values = await engine.read(
      await run(
        { params, state: statistics } as never,
        table,
        hostArray(keyWords(100 + k), [2], "u32"),
        hostArray(rows, [rows.length], "i32"),
      ),
    );
    const boxAt = ({ data }: { readonly data: ArrayLike<number> }, at: number): Box =>
      [0, 1, 2, 3].map((edge) => data[4 * at + edge]!) as unknown as Box;
    const [n, objects] = values.present.shape as [number, number];
    for (let at = 0; at < n * objects; at++) {
      if (!values.present.data[at]) continue;
      const image = k * n + Math.floor(at / objects);
      truths.push({ image, class: values.classes.data[at]!, box: boxAt(values.boxes, at) });
    }
    const [, boxes, classes] = values.foundScores.shape as [number, number, number];
    for (let at = 0; at < n * boxes; at++) {
      const image = k * n + Math.floor(at / boxes);
      for (let name = 0; name < classes; name++) {
        const score = values.foundScores.data[at * classes + name]!;
        found.push({ image, class: name, box: boxAt(values.foundBoxes, at), score });
      }
    }
  }
  engine.release(table);
  const apart = suppressOverlaps(found);
  return {
    mAP50: meanAveragePrecision(apart, truths, { overlaps: [0.5] }),
    mAP: meanAveragePrecision(apart, truths),
  };
}

function prefixed({ boxes, scores }: { readonly boxes: Tensor; readonly scores: Tensor }) {
  return { foundBoxes: boxes, foundScores: scores };
}
