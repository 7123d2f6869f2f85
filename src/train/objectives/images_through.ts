/**
 * Counts the images that a pretext task sends through the backbone.
 *
 * @module
 */
import type { Tensor } from "../../ir/tensor.ts";
import type { PretextTask } from "../../pretext/mod.ts";
import { trace } from "../../transform/mod.ts";
import { zeros } from "../../tensor/mod.ts";
import type { Learner } from "./objective.ts";

/** Images of the batch that is counted; tasks on pairs or crops multiply it. */
const BATCH = 4;

/**
 * How many images a task sends through the backbone for each image of its batch: 2 for two views, 4 for
 * four tiles of the size of an image. Tiles smaller than an image count by their area, and so do the patches
 * that a vision transformer sees of a masked image.
 *
 * @param task The task.
 * @param learner Extents of the images and length of the embeddings.
 * @returns Images of full size through the backbone, over images of the batch.
 */
export function imagesThrough(
  task: PretextTask,
  { extents: { height, width, channels }, embedding }: Pick<Learner, "extents" | "embedding">,
): number {
  let pixels = 0;
  trace((key: Tensor, images: Tensor, labels: Tensor) =>
    task.loss({
      encode: (views, _, { visible } = {}) => {
        const area = views.shape.slice(0, -1).reduce((a, b) => a * b, 1);
        if (!visible) {
          pixels += area;
          return zeros([views.shape[0]!, embedding]);
        }
        const [n, count] = visible.indices.shape as [number, number];
        pixels += area * count / visible.patches;
        return zeros([n, count, embedding]);
      },
      head: task.initHead(key, embedding),
      images,
      labels,
      key,
    }).loss, [
    { shape: [2], dtype: "u32" },
    { shape: [BATCH, height, width, channels], dtype: "f32" },
    { shape: [BATCH], dtype: "i32" },
  ]);
  return pixels / (BATCH * height * width);
}
