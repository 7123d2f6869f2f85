/** The start-up guard on convolutional networks, with second order that is small beside the rest. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { syntheticImages } from "../../src/data/mod.ts";
import { type EngineWatch, hostArray, openEngine } from "../../src/engine/mod.ts";
import type { GuardReport, metaGradient } from "../../src/meta/mod.ts";
import { metaGradientThrough } from "../../src/meta/meta_gradient.ts";
import { reverseStep } from "../../src/meta/reverse_step.ts";
import { classifierHead, encoder, sequential } from "../../src/nn/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import { contrastive, rotation, supervisedAugment } from "../../src/pretext/mod.ts";
import { randomKey, splitKey } from "../../src/random/mod.ts";
import { guardTrainGradient } from "../../src/train/guard_meta_training.ts";
import {
  type MetaTraining,
  type MetaTrainOptions,
  packImages,
  rowsOf,
  trainingState,
} from "../../src/train/mod.ts";
import { metaTrainGradientBy } from "../../src/train/objectives/meta_train.ts";
import {
  afterTheStep,
  keysOfTheNextStep,
  type MakeReverseStep,
  scaledSecondOrder,
} from "../meta/wrong_reverse_steps.ts";

const { train } = syntheticImages({ seed: 1, trainCount: 10, testCount: 10 });
/** The same bytes as smaller images, for speed. */
const images = { ...train, height: 12, width: 12, images: train.images.slice(0, 10 * 12 * 12 * 3) };
const embedding = 4;

function optionsOf(innerSteps: number): MetaTrainOptions {
  return {
    encoder: encoder({ widths: [2, 2], embedding, imageSize: 12 }),
    head: classifierHead({ inputs: embedding, classes: 10, hidden: 4 }),
    tasks: [rotation({ hidden: 4 }), contrastive({ projection: 4 })],
    inner: { innerSteps, innerRate: 5e-4, optimizer: sgd() },
    order: "exact",
    optimizer: sgd(),
    augment: supervisedAugment(),
    extents: images,
  };
}

/** Runs the guard of a network whose inner steps are gone back through by `reverse`. */
async function guard(
  reverse: MakeReverseStep,
  { innerSteps = 1, seed = 0, watch = {} }: {
    readonly innerSteps?: number;
    readonly seed?: number;
    readonly watch?: EngineWatch;
  } = {},
): Promise<GuardReport> {
  const engine = await openEngine("reference", { float64: true, ...watch });
  try {
    const options = optionsOf(innerSteps);
    const training = await engine.jit((): MetaTraining => {
      const model = sequential({ encoder: options.encoder, head: options.head });
      const { params, state } = model.init(randomKey(seed)) as Omit<MetaTraining, "optimizer">;
      const keys = splitKey(randomKey(100 + seed), 2);
      const pretext = {
        rotation: options.tasks[0]!.initHead(keys[0]!, embedding),
        contrastive: options.tasks[1]!.initHead(keys[1]!, embedding),
      };
      return trainingState({ params: { ...params, pretext }, state }, sgd());
    })();
    const through: typeof metaGradient = (problem, how) =>
      metaGradientThrough(reverse, problem, how);
    const gradientOf = (order: MetaTrainOptions["order"]) =>
      metaTrainGradientBy(through, { ...options, order });
    return await guardTrainGradient(engine, { gradientOf, order: "exact" }, {
      training,
      table: packImages(images),
      key: hostArray([seed, 7], [2], "u32"),
      inputs: {
        rows: rowsOf(Int32Array.of(0, 1, 2, 3)),
        step: hostArray([0], [], "u32"),
        support: {
          rotation: rowsOf(Int32Array.of(4, 5, 6)),
          contrastive: rowsOf(Int32Array.of(7, 8, 9)),
        },
      },
      // Batch normalization follows this bias at once and takes any constant away.
      exempt: (path) => path === "encoder.embedding.bias",
    });
  } finally {
    engine.close();
  }
}

Deno.test("the guard proves second order of every group of a convolutional network", async () => {
  for (const innerSteps of [1, 2]) {
    const { directional, norms } = await guard(reverseStep, { innerSteps });
    const groups = Object.entries(directional!);
    assertEquals(groups.map(([name]) => name), [
      ...["encoder", "head", "pretext.contrastive", "pretext.rotation"],
    ]);
    for (const [name, { error, correction, predicted, measured, step }] of groups) {
      // Float64 has some units of 4e-16 of a loss near 2: that much of a difference is rounding.
      const rounding = 2e-15 / (2 * step);
      assert(error < 1e-5 || Math.abs(measured - predicted) < rounding, `${name}: ${error}`);
      assertEquals(correction === 0, name === "head");
    }
    assert(norms["pretext.rotation.output.weight"]! > 0);
  }
});

const isFast = (path: string) => path.startsWith("fast.");
const WRONG: Record<string, readonly [MakeReverseStep, { readonly innerSteps?: number }]> = {
  "all second-order and mixed terms times 0.9": [scaledSecondOrder(0.9), {}],
  "the Hessian term times 0.0001": [scaledSecondOrder(1e-4, isFast), {}],
  "no Hessian term": [scaledSecondOrder(0, isFast), {}],
  "mixed terms times 0.9": [scaledSecondOrder(0.9, (path) => !isFast(path)), {}],
  "the Hessian term of one normalization times 0.9": [
    scaledSecondOrder(0.9, (path) => path.startsWith("fast.stage1.norm1")),
    {},
  ],
  "weights after the step": [afterTheStep, {}],
  "randomness of another step": [keysOfTheNextStep, { innerSteps: 2 }],
};
for (const [name, [reverse, how]] of Object.entries(WRONG)) {
  Deno.test(`the guard of a convolutional network rejects a wrong way back: ${name}`, async () => {
    await assertRejects(() => guard(reverse, how), Error, "is wrong: it gives a directional");
  });
}

Deno.test("the guard ends between two evaluations when its engine's signal says so", async () => {
  const stop = new AbortController();
  let runs = 0;
  const onWork: EngineWatch["onWork"] = ({ kind }) => {
    // Start, gradient, first-order gradient, a loss.
    if (kind === "run" && ++runs === 4) stop.abort();
  };
  await assertRejects(
    () => guard(reverseStep, { watch: { signal: stop.signal, onWork } }),
    DOMException,
    "aborted",
  );
  assertEquals(runs, 4);
});
