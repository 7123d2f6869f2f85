/**
 * Pretext tasks and augmentations against PyTorch: losses, metrics and gradients that
 * `tests/pretext/pytorch/tasks.py` has written, from the papers and the same keys.
 */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import type { Params } from "../../src/nn/mod.ts";
import * as pretext from "../../src/pretext/mod.ts";
import type { Augment, Encode, PretextTask } from "../../src/pretext/mod.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import {
  constant,
  matmul,
  mul,
  range,
  reshape,
  slice,
  sub,
  sum,
  takeAt,
  tanh,
  transpose,
  valuesOf,
} from "../../src/tensor/mod.ts";
import { valueAndGrad } from "../../src/transform/mod.ts";
import { flatten, unflatten } from "../../src/tree/tree.ts";
import { waves } from "../waves.ts";
import golden from "./pytorch/golden.json" with { type: "json" };

const [SIZE, EMBEDDING, HIDDEN] = [12, 6, 5];
const PIXELS = SIZE * SIZE * 3;
const SEEDS = [3, 4, 5];
const images = uniform(randomKey(1), [4, SIZE, SIZE, 3]);
const labels = constant([2, 0, 1, 0], { dtype: "i32" });

/** `wave` of fixtures.py. */
const wave = waves(0.3);

const [hidden, widths, projection] = [HIDDEN, [4], 4];
const masked = { imageSize: SIZE, patch: 2, widths };
const inpainting = { imageSize: SIZE, widths };

/** The sizes of `TASKS` in tasks.py. */
const TASKS: Readonly<Record<keyof typeof golden["tasks"], PretextTask>> = {
  classification: pretext.classification({ classes: 3, hidden }),
  rotation: pretext.rotation({ hidden, turns: "all" }),
  jigsaw: pretext.jigsaw({ gap: 1, hidden }),
  "jigsaw of single tiles": pretext.jigsaw({
    ...{ grid: 3, orders: 12, gap: 1, view: "tiles", hidden },
  }),
  "relative position": pretext.relativePosition({ gap: 1, hidden }),
  colorization: pretext.colorization({ imageSize: SIZE, mapSize: 6, bin: 20, widths }),
  inpainting: pretext.inpainting(inpainting),
  "inpainting anywhere": pretext.inpainting({ ...inpainting, place: "drawn" }),
  "masked, grey": pretext.maskedAutoencoding(masked),
  "masked, token": pretext.maskedAutoencoding({ ...masked, shown: "token" }),
  "masked, channel": pretext.maskedAutoencoding({ ...masked, shown: "channel" }),
  "masked patches": pretext.maskedPatches({
    ...{ imageSize: SIZE, patch: 2, features: 4, depth: 1, heads: 2 },
  }),
  detection: pretext.detection({ classes: 3, imageSize: SIZE, cells: 3, largest: 6, hidden }),
  contrastive: pretext.contrastive({ projection, hidden }),
  "supervised contrastive": pretext.supervisedContrastiveTask({ projection, hidden }),
  exemplar: pretext.exemplar({ projection, hidden }),
  "barlow twins": pretext.barlowTwinsTask({ projection, hidden }),
  vicreg: pretext.vicRegTask({ projection, hidden }),
  simsiam: pretext.simSiam({ projection: HIDDEN, bottleneck: 3 }),
};

interface Both {
  readonly backbone: Tensor;
  readonly head: Params;
}

/** Parameters by the formula of the program, in the order of their sorted paths. */
function headOf(name: string, task: PretextTask, embedding: number): Params {
  const { leaves, paths, structure } = flatten<Tensor>(task.initHead(randomKey(0), embedding));
  const order = paths.toSorted();
  const large = (path: string): number => name === "detection" && path === "output.bias" ? 0.5 : 0;
  const waves = leaves.map((leaf, k) => {
    const path = paths[k]!;
    return wave(leaf.shape, order.indexOf(path), path.endsWith("gamma") ? 1 : large(path));
  });
  return unflatten<Params>(structure, waves);
}

/** Patches of 2 x 2 of the places `indices` `[n, count]`: `[n, count, 12]`. */
function chosen(x: Tensor, indices: Tensor): Tensor {
  const [n, half] = [x.shape[0]!, SIZE / 2];
  const cut = transpose(reshape(x, [n, half, 2, half, 2, 3]), [0, 1, 3, 2, 4, 5]);
  return takeAt(reshape(cut, [n, half * half, 12]), [reshape(range(n), [n, 1]), indices]);
}

function assertNear(actual: number, expected: number, where: string, tolerance = 1e-8): void {
  assertAlmostEquals(actual, expected, tolerance * Math.max(1, Math.abs(expected)), where);
}

for (const [name, task] of Object.entries(TASKS) as [keyof typeof golden["tasks"], PretextTask][]) {
  Deno.test(`${name} is PyTorch's program of its paper, with its gradients`, () => {
    const params: Both = {
      backbone: wave([name === "masked patches" ? 12 : PIXELS, EMBEDDING], 0.2),
      head: headOf(name, task, EMBEDDING),
    };
    SEEDS.forEach((seed, row) => {
      const lossOf = ({ backbone, head }: Both) => {
        const encode: Encode = (x, _, { visible } = {}) => {
          const rows = visible ? chosen(x, visible.indices) : reshape(x, [x.shape[0]!, PIXELS]);
          return tanh(matmul(sub(rows, 0.5), backbone));
        };
        return task.loss({ encode, head, images, labels, key: randomKey(seed) });
      };
      const expected = golden.tasks[name][row]!;
      const { metrics } = lossOf(params);
      const { value, grad } = valueAndGrad((given: Both) => lossOf(given).loss)(params);
      assertNear(valuesOf(value)[0]!, expected.loss, `loss of ${seed}`);
      for (const [metric, number] of Object.entries(expected.metrics)) {
        // 1e-8 is added to the error that `explained` is divided by.
        const tolerance = metric === "explained" ? 1e-6 : 1e-8;
        assertNear(valuesOf(metrics[metric]!)[0]!, number, `${metric} of ${seed}`, tolerance);
      }
      assertEquals(Object.keys(metrics).length, Object.keys(expected.metrics).length);
      const heads = flatten<Tensor>(grad.head);
      const gradients = new Map([
        ["backbone", grad.backbone],
        ...heads.leaves.map((leaf, k) => [heads.paths[k]!, leaf] as const),
      ]);
      assertEquals([...gradients.keys()].sort(), Object.keys(expected.gradients).sort());
      for (const [path, number] of Object.entries(expected.gradients)) {
        const gradient = gradients.get(path)!;
        const product = sum(mul(gradient, wave(gradient.shape, 1.1)));
        assertNear(valuesOf(product)[0]!, number, `gradient of ${path}, ${seed}`);
      }
    });
  });
}

const AUGMENTATIONS: Readonly<Record<keyof typeof golden["augmentations"], Augment>> = {
  randomResizedCrop: pretext.randomResizedCrop,
  horizontalFlip: pretext.horizontalFlip,
  randomGrayscale: pretext.randomGrayscale,
  colorJitter: pretext.colorJitter,
  gaussianBlur: (x, key) => pretext.gaussianBlur(x, key, { radius: 2 }),
  randomCrop: pretext.randomCrop,
  simclrAugment: pretext.simclrAugment(),
};

for (const [name, change] of Object.entries(AUGMENTATIONS)) {
  Deno.test(`${name}() gives the images of PyTorch's program`, () => {
    const changed = change(uniform(randomKey(2), [12, 8, 8, 3]), randomKey(9));
    golden.augmentations[name as keyof typeof AUGMENTATIONS].forEach((number, k) => {
      const product = sum(mul(slice(changed, [k]), wave([8, 8, 3], 0.4)));
      assertNear(valuesOf(product)[0]!, number, `image ${k}`);
    });
  });
}
