/** Every pretext task in every objective, every weighting, and how many images a step is counted for. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  type Choice,
  makeOne,
  objectives,
  pretextTasks,
  weightings,
} from "../../src/components/mod.ts";
import { linear, visionTransformer } from "../../src/nn/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import type { PretextTask } from "../../src/pretext/mod.ts";
import { bits, randomKey } from "../../src/random/mod.ts";
import { concat, constant, mean, slice, sum } from "../../src/tensor/mod.ts";
import { type Learner, type Objective, pretextObjective } from "../../src/train/mod.ts";
import { flatten } from "../../src/tree/tree.ts";
import { relativeError } from "../meta/host.ts";
import { computed, inputsFor, stageKey, startOf } from "./small_learner.ts";

const SIZE = 16;
const pooled = linear({ inputs: 3, outputs: 4 });

/** A backbone for images and tiles of any size. */
const learner: Learner = {
  encoder: {
    init: pooled.init,
    apply: (params, state, images, options) =>
      pooled.apply(params, state, mean(images, { axes: [1, 2] }), options),
  },
  embedding: 4,
  head: linear({ inputs: 4, outputs: 3 }),
  optimizer: sgd(),
  augment: (images) => images,
  extents: { height: SIZE, width: SIZE, channels: 3 },
};
/** The same with a transformer, for the task that needs one. */
const transformer: Learner = {
  ...learner,
  encoder: visionTransformer({ imageSize: SIZE, features: 4, depth: 1, heads: 2 }),
};
const setting = { imageSize: SIZE, imageChannels: 3, classes: 3, hidden: 6 };
const table = {
  shards: [bits(randomKey(3), [12, SIZE * SIZE * 3 / 4])],
  labels: constant(Array.from({ length: 12 }, (_, k) => k % 3), { dtype: "i32" }),
};

/** Options that keep heads small. */
const small: Choice = {
  "barlow-twins": { projection: 4 },
  colorization: { bin: 40, widths: [4] },
  contrastive: { projection: 4 },
  exemplar: { projection: 4 },
  inpainting: { widths: [4] },
  "masked-autoencoding": { widths: [4] },
  "masked-patches": { features: 4, heads: 2, depth: 1 },
  simsiam: { projection: 4 },
  "supervised-contrastive": { projection: 4 },
  vicreg: { projection: 4 },
};

function made(name: string, options: Record<string, unknown>, own = learner): Objective {
  return makeOne(objectives, { [name]: options }, { learner: own, setting });
}

/** One step: everything is finite; returns the paths of parameters that moved. */
function moved(objective: Objective, own = learner): string[] {
  const start = startOf(objective, own);
  const names = objective.tasks.map(({ name }) => name);
  const result = objective.step(start, table, stageKey, inputsFor(names, { rate: 0.05 }));
  const { params, state } = result.training;
  const after = flatten<Float64Array>(computed({ params, state, metrics: result.metrics }));
  const bad = after.paths.filter((_, k) => !after.leaves[k]!.every(Number.isFinite));
  assertEquals(bad, [], objective.name);
  const before = flatten<Float64Array>(computed({ params: start.params }));
  return before.paths.filter((path, k) => {
    const now = after.leaves[after.paths.indexOf(path)]!;
    return before.leaves[k]!.some((value, i) => value !== now[i]);
  });
}

for (const name of Object.keys(pretextTasks)) {
  Deno.test(`one step of pretext, joint, meta and alignment with '${name}'`, () => {
    const tasks = { [name]: small[name] ?? {} };
    const cases: Record<string, Record<string, unknown>> = {
      pretext: { tasks },
      joint: { tasks },
      meta: { tasks, innerRate: 0.05 },
      alignment: { tasks, innerRate: 0.05 },
    };
    for (const [objective, options] of Object.entries(cases)) {
      const own = name === "masked-patches" ? transformer : learner;
      const paths = moved(made(objective, options, own), own);
      const part = (start: string) => paths.some((path) => path.startsWith(`params.${start}`));
      assert(part("encoder") && part(`pretext.${name}`), `${objective}: ${paths}`);
      assertEquals(part("head"), objective !== "pretext", objective);
    }
  });
}

Deno.test("every weighting makes a step of joint training, and one of meta-training", () => {
  const tasks = { rotation: {}, contrastive: { projection: 4 } };
  for (const name of Object.keys(weightings)) {
    const joint = { [name]: name === "fixed" ? { weights: [1, 2, 3] } : {} };
    assert(moved(made("joint", { tasks, weighting: joint })).length > 5, name);
    const meta = { [name]: name === "fixed" ? { weights: [1, 2] } : {} };
    assert(moved(made("meta", { tasks, weighting: meta })).length > 5, name);
  }
});

Deno.test("images through the backbone are those that a count by hand gives", () => {
  const through = (tasks: Choice, options: Record<string, unknown> = {}, name = "meta") =>
    made(name, { tasks, ...options }).images();
  const cases: readonly (readonly [Choice, number])[] = [
    [{ rotation: {} }, 1],
    [{ rotation: { turns: "all" } }, 4],
    [{ contrastive: {} }, 2],
    [{ simsiam: {} }, 2],
    [{ classification: {} }, 1],
    [{ inpainting: {} }, 1],
    // Tiles and patches are enlarged to the size of an image.
    [{ jigsaw: { view: "tiles" } }, 4],
    [{ jigsaw: { view: "tiles", grid: 3, gap: 1 } }, 9],
    [{ jigsaw: { view: "mosaic" } }, 1],
    [{ "relative-position": { gap: 1 } }, 2],
    [{ "masked-autoencoding": { shown: "channel" } }, 1],
    [{ "masked-patches": {} }, 1 / 4],
    [{ "masked-patches": { ratio: 0.5 } }, 1 / 2],
  ];
  for (const [tasks, expected] of cases) {
    const [name] = Object.keys(tasks) as [string];
    assertAlmostEquals(through(tasks).support[name]!, expected, 1e-12, name);
  }
  // What is smaller than an image counts by its area: three crops of 4 x 8 pixels.
  const crops: PretextTask = {
    name: "crops",
    needsLabels: false,
    initHead: () => ({}),
    loss: ({ encode, images, key }) => {
      const crop = slice(images, [null, [0, 4], [0, 8]]);
      return {
        loss: sum(encode(concat([crop, crop, crop]), key)),
        metrics: {},
        pictures: () => ({ input: images, target: images, prediction: images }),
      };
    },
  };
  assertEquals(pretextObjective(learner, { tasks: [crops] }).images().support, { crops: 3 / 8 });
  const two = { contrastive: {}, rotation: {} };
  const counts = (name: string, options: Record<string, unknown> = {}) =>
    through(two, options, name);
  assertEquals(counts("meta", { innerSteps: 3 }), {
    labelled: 2,
    support: { contrastive: 6, rotation: 3 },
  });
  assertEquals(counts("joint"), { labelled: 1, support: { contrastive: 2, rotation: 1 } });
  assertEquals(counts("pretext"), { labelled: 0, support: { contrastive: 2, rotation: 1 } });
  assertEquals(counts("alignment"), { labelled: 1, support: { contrastive: 2, rotation: 1 } });
  // FAMO looks at the losses again after the step.
  assertEquals(counts("joint", { weighting: { famo: {} } }), {
    labelled: 2,
    support: { contrastive: 4, rotation: 2 },
  });
  assertEquals(made("classification", {}).images(), { labelled: 1, support: {} });
});

Deno.test("steps of one key and number are the same, of other numbers they are not", () => {
  const objective = made("joint", { tasks: { rotation: {} } });
  const after = (step: number) =>
    computed(
      objective.step(
        startOf(objective, learner),
        table,
        stageKey,
        inputsFor(["rotation"], { step }),
      ).training.params,
    );
  assertEquals(after(0), after(0));
  assert(relativeError(after(0), after(1)) > 1e-6);
});
