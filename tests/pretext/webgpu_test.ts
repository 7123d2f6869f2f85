import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { encoder, type Params } from "../../src/nn/mod.ts";
import * as pretext from "../../src/pretext/mod.ts";
import {
  bits,
  keyWords,
  normal,
  randomIntegers,
  randomKey,
  splitKeys,
  uniform,
} from "../../src/random/mod.ts";
import { concat, reshape } from "../../src/tensor/mod.ts";
import { valueAndGrad } from "../../src/transform/mod.ts";
import { flatten } from "../../src/tree/tree.ts";
import { assertAgrees, referenceOf, runOn } from "../cases/device.ts";
import type { Fn, Subject } from "../cases/laws.ts";
import { uniform as hostUniform } from "../cases/random.ts";
import { webgpuTest } from "../webgpu.ts";

const [BATCH, SIZE, EMBEDDING] = [4, 8, 12];
const next = hostUniform(3);
const imageShape = { shape: [BATCH, SIZE, SIZE, 3], dtype: "f32" } as const;
const images = ndArray(
  imageShape,
  Array.from({ length: BATCH * SIZE * SIZE * 3 }, () => Math.fround(next())),
);
const key = ndArray({ shape: [2], dtype: "u32" }, keyWords(12));
const labels = ndArray({ shape: [BATCH], dtype: "i32" }, [0, 1, 2, 0]);

function subject(name: string, fn: Fn, point: Subject["point"]): Subject {
  return { name, fn, point, varying: [] };
}

webgpuTest("random draws on WebGPU are those of the reference", async (gpu) => {
  const backend = new WebGpuBackend(gpu);
  const exact = subject("bits", (seed) => [
    bits(seed!, [65]),
    splitKeys(seed!, 3),
    randomIntegers(seed!, [65], { low: -3, high: 7 }),
  ], [key]);
  assertAgrees(exact.name, await runOn(backend, exact), { want: referenceOf(exact), tolerance: 0 });
  const real = subject("draws", (seed) => [uniform(seed!, [257]), normal(seed!, [257])], [key]);
  assertAgrees(real.name, await runOn(backend, real), { want: referenceOf(real), tolerance: 1e-6 });
});

const AUGMENTS: Record<string, pretext.Augment> = {
  randomResizedCrop: pretext.randomResizedCrop,
  colorJitter: pretext.colorJitter,
  colorJitterInDrawnOrder: (x, seed) => pretext.colorJitter(x, seed, { order: "drawn" }),
  gaussianBlur: pretext.gaussianBlur,
  simclrAugment: pretext.simclrAugment({ blur: 0.5 }),
  supervisedAugment: pretext.supervisedAugment(),
};

webgpuTest("augmentation on WebGPU is that of the reference", async (gpu) => {
  const backend = new WebGpuBackend(gpu);
  for (const [name, augment] of Object.entries(AUGMENTS)) {
    const one = subject(name, (x, seed) => [augment(x!, seed!)], [images, key]);
    assertAgrees(name, await runOn(backend, one), { want: referenceOf(one), tolerance: 2e-6 });
  }
});

const TASKS = [
  pretext.classification({ classes: 3, hidden: 8 }),
  pretext.colorization({ imageSize: SIZE, mapSize: 4, bin: 40, widths: [4] }),
  pretext.contrastive({ projection: 8, temperature: 0.5 }),
  pretext.detection({ classes: 3, imageSize: SIZE, cells: 2, smallest: 4, hidden: 8 }),
  pretext.jigsaw({ gap: 1, hidden: 8 }),
  pretext.exemplar({ projection: 8 }),
  pretext.inpainting({ imageSize: SIZE, widths: [4] }),
  pretext.maskedAutoencoding({ imageSize: SIZE, widths: [4] }),
  pretext.relativePosition({ gap: 0, hidden: 8 }),
  pretext.rotation({ hidden: 8, turns: "all" }),
  pretext.barlowTwinsTask({ projection: 8 }),
  pretext.simSiam({ projection: 8 }),
  pretext.supervisedContrastiveTask({ projection: 8, temperature: 0.5 }),
  pretext.vicRegTask({ projection: 8 }),
];

for (const task of TASKS) {
  webgpuTest(
    `loss and gradient of ${task.name} on WebGPU agree with the reference`,
    async (gpu) => {
      const model = encoder({
        widths: [4],
        embedding: EMBEDDING,
        imageSize: SIZE,
        normalization: "batch-own",
      });
      interface Both {
        readonly backbone: Params;
        readonly head: Params;
      }
      const one = subject(task.name, (x, seed, classes) => {
        const loss = ({ backbone, head }: Both): Tensor => {
          const encode: pretext.Encode = (views, own) =>
            model.apply(backbone, {}, views, { training: true, key: own }).output;
          return task.loss({ encode, head, images: x!, key: seed!, labels: classes! }).loss;
        };
        const { value, grad } = valueAndGrad(loss)({
          backbone: model.init(randomKey(1)).params,
          head: task.initHead(randomKey(2), EMBEDDING),
        });
        const parts = flatten<Tensor>(grad).leaves.map((leaf) => reshape(leaf, [-1]));
        return [value, concat(parts)];
      }, [images, key, labels]);
      const got = await runOn(new WebGpuBackend(gpu), one);
      assertAgrees(task.name, got, { want: referenceOf(one), tolerance: 5e-5 });
    },
  );
}
