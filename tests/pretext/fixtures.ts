/** Every pretext task at a size for tests. */
import type { Tensor } from "../../src/ir/tensor.ts";
import { encoder, type Params, visionTransformer } from "../../src/nn/mod.ts";
import * as pretext from "../../src/pretext/mod.ts";
import type { Encode, PretextInputs, PretextTask } from "../../src/pretext/mod.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import { constant, mean, valuesOf, zeros } from "../../src/tensor/mod.ts";

export const EMBEDDING = 6;
export const SIZE = 8;
export const BATCH = 4;

/** One row for each task of the folder. */
export const TASKS: Record<string, PretextTask> = {
  barlowTwinsTask: pretext.barlowTwinsTask({ projection: 5 }),
  classification: pretext.classification({ classes: 3, hidden: 8 }),
  colorization: pretext.colorization({ imageSize: SIZE, mapSize: 4, bin: 40, widths: [4] }),
  contrastive: pretext.contrastive({ projection: 5, temperature: 0.5 }),
  detection: pretext.detection({ classes: 3, imageSize: SIZE, cells: 2, smallest: 4, hidden: 6 }),
  exemplar: pretext.exemplar({ projection: 5 }),
  inpainting: pretext.inpainting({ imageSize: SIZE, widths: [4] }),
  jigsaw: pretext.jigsaw({ gap: 1, hidden: 8 }),
  maskedAutoencoding: pretext.maskedAutoencoding({ imageSize: SIZE, widths: [4] }),
  maskedPatches: pretext.maskedPatches({
    imageSize: SIZE,
    patch: 2,
    features: 4,
    depth: 1,
    heads: 2,
  }),
  relativePosition: pretext.relativePosition({ gap: 0, hidden: 8 }),
  rotation: pretext.rotation({ hidden: 8 }),
  simSiam: pretext.simSiam({ projection: 6, bottleneck: 3 }),
  supervisedContrastiveTask: pretext.supervisedContrastiveTask({ projection: 5, temperature: 0.5 }),
  vicRegTask: pretext.vicRegTask({ projection: 5 }),
};

export const backbone = encoder({
  widths: [3],
  embedding: EMBEDDING,
  imageSize: SIZE,
  normalization: "batch-own",
});
/** For the task that needs a transformer. */
export const transformer = visionTransformer({
  imageSize: SIZE,
  patch: 2,
  features: EMBEDDING,
  depth: 1,
  heads: 2,
});
export const images = uniform(randomKey(1), [BATCH, SIZE, SIZE, 3]);
export const labels = constant([2, 0, 1, 0], { dtype: "i32" });

export interface Both {
  readonly backbone: Params;
  readonly head: Params;
}

export function paramsFor(task: PretextTask, seed = 2): Both {
  return {
    backbone:
      (task.name === "masked-patches" ? transformer : backbone).init(randomKey(seed)).params,
    head: task.initHead(randomKey(seed + 100), EMBEDDING),
  };
}

export function encodeBy(params: Params): Encode {
  const layer = "patches" in params ? transformer : backbone;
  return (x, key, options) =>
    layer.apply(params, {}, x, { training: true, key, ...options }).output;
}

export function lossOf(
  task: PretextTask,
  params: Both,
  given: Partial<PretextInputs> = {},
): Tensor {
  const inputs = { head: params.head, encode: encodeBy(params.backbone), images, labels };
  return task.loss({ key: randomKey(3), ...inputs, ...given }).loss;
}

/** What the backbone is shown. */
export function shown(task: PretextTask, given: Partial<PretextInputs> = {}): number[][] {
  const seen: number[][] = [];
  const encode: Encode = (x, _, { visible } = {}) => {
    seen.push(valuesOf(x));
    return visible ? zeros([...visible.indices.shape, 3]) : mean(x, { axes: [1, 2] });
  };
  const head = task.initHead(randomKey(0), 3);
  task.loss({ encode, head, images, labels, key: randomKey(3), ...given });
  return seen;
}
