/**
 * What pretext tasks show to people.
 *
 * @module
 */
import * as kinds from "./kinds.ts";
import * as is from "../ir/kinds.ts";
import { describe } from "../ir/describe.ts";
import { requireArguments } from "../ir/options.ts";
import type { HostArray } from "../engine/mod.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { Params } from "../nn/mod.ts";
import type { PretextPictures, PretextTask } from "../pretext/mod.ts";
import { constant, takeRows } from "../tensor/mod.ts";
import { mapTree } from "../tree/tree.ts";
import { type ImageTable, takeImages, takeLabels } from "./device_images.ts";
import type { Learner } from "./objectives/objective.ts";
import type { TrainingState } from "./objectives/train_classifier.ts";

/** What a training shows of one of its pretext tasks. */
export interface TaskPictures {
  /** Name of the task. */
  readonly task: string;
  /** Loss and metrics on the batch that the pictures are of, by name. */
  readonly figures: Readonly<Record<string, number>>;
  /** Input, target and prediction, each `f32[count, height, width, channels]`. */
  readonly pictures: Readonly<Record<keyof PretextPictures, HostArray>>;
}

/** What {@linkcode taskPictures} computes. */
export interface DrawnTask {
  /** Loss and metrics, scalars. */
  readonly figures: Readonly<Record<string, Tensor>>;
  /** The pictures. */
  readonly pictures: Readonly<Record<keyof PretextPictures, Tensor>>;
}

/**
 * Makes the function that draws a pretext task: its loss as in training, and pictures of some of the
 * batch, spread over it evenly.
 *
 * @param learner Backbone and extents.
 * @param options The task, and how many pictures at most.
 * @returns A function of a training, the images, a key `u32[2]` and rows `i32[batch]`.
 *
 * @example
 * ```ts
 * import { constant, encoder, inpainting, randomKey, zeros } from "@mutasesumele/toolkit";
 * import { taskPictures } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const [task, layer] = [inpainting({ imageSize: 8, widths: [4] }), encoder({ widths: [2], embedding: 4, imageSize: 8 })];
 * const extents = { height: 8, width: 8, channels: 3 };
 * const draw = taskPictures({ encoder: layer, extents }, { task, count: 2 });
 * const backbone = layer.init(randomKey(0));
 * const params = { encoder: backbone.params, pretext: { inpainting: task.initHead(randomKey(1), 4) } };
 * const table = { shards: [zeros([5, 48], "u32")], labels: zeros([5], "i32") };
 * const rows = constant([0, 1, 2, 3], { dtype: "i32" });
 * const { pictures } = draw({ params, state: { encoder: backbone.state } }, table, randomKey(2), rows);
 * assertEquals(pictures.prediction.shape, [2, 8, 8, 3]);
 * ```
 */
export function taskPictures(
  learner: Pick<Learner, "encoder" | "extents">,
  shown: { readonly task: PretextTask; readonly count: number },
): (
  training: Pick<TrainingState, "params" | "state">,
  table: ImageTable,
  key: Tensor,
  rows: Tensor,
) => DrawnTask {
  requireArguments("taskPictures", { learner, shown }, {
    learner: is.objectWith({ encoder: kinds.layer, extents: kinds.extents }, "a learner"),
    shown: is.objectWith({ task: is.object, count: is.count }),
  });
  const { encoder, extents } = learner;
  const { task, count } = shown;
  return ({ params, state }, table, key, rows) => {
    const { loss, metrics, pictures } = task.loss({
      encode: (views, own, given) =>
        encoder.apply(params["encoder"] as Params, state["encoder"] as Params, views, {
          training: true,
          key: own,
          ...given,
        }).output,
      head: (params["pretext"] as Readonly<Record<string, Params>>)[task.name]!,
      images: takeImages(table, rows, extents),
      labels: takeLabels(table, rows),
      key,
    });
    if (typeof pictures !== "function") {
      throw new TypeError(
        `Cannot draw the task '${task.name}': its loss returns ${
          describe(pictures)
        } as 'pictures', ` +
          `expected a function that returns input, target and prediction.`,
      );
    }
    const { input, target, prediction } = pictures();
    const all = input.shape[0]!;
    const shown = Math.min(count, all);
    const places = Array.from({ length: shown }, (_, k) => Math.floor((k + 0.5) * all / shown));
    const some = (x: Tensor): Tensor => takeRows(x, constant(places, { dtype: "i32" }));
    return {
      figures: { loss, ...metrics },
      pictures: mapTree<DrawnTask["pictures"]>(some, { input, target, prediction }),
    };
  };
}
