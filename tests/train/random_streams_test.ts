/** Which phases share random numbers, and which must not. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { syntheticImages } from "../../src/data/mod.ts";
import {
  type Concrete,
  type Engine,
  type HostArray,
  openEngine,
  type Value,
} from "../../src/engine/mod.ts";
import { classifierHead, encoder, linear } from "../../src/nn/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import { rotation, supervisedAugment } from "../../src/pretext/mod.ts";
import { randomKey } from "../../src/random/mod.ts";
import { valuesOf } from "../../src/tensor/mod.ts";
import {
  backboneOf,
  ImageTraining,
  type ImageTrainingOptions,
  jointObjective,
  metaObjective,
  type Objective,
  type Purpose,
  SHARED_PHASE,
  streamKey,
  streamSeed,
  type Variables,
} from "../../src/train/mod.ts";
import { flatten } from "../../src/tree/tree.ts";

const { train: dataset } = syntheticImages({ seed: 4, trainCount: 20, testCount: 10 });
const rows = (count: number) => Int32Array.from({ length: count }, (_, row) => row);
const plan = { side: "target", steps: 1, rate: 0.1 } as const;

type Changes = Partial<ImageTrainingOptions> & {
  readonly dropout?: number;
  readonly train?: Int32Array;
};

async function withTraining(
  { dropout = 0, train = rows(8), ...changes }: Changes,
  body: (training: ImageTraining, engine: Engine) => Promise<void>,
): Promise<void> {
  const engine = await openEngine("reference", { float64: true });
  try {
    const head = classifierHead({ inputs: 4, classes: 10, hidden: 4 });
    const task = { dataset, train, validation: rows(4), head };
    const training = ImageTraining.open(engine, {
      encoder: encoder({ widths: [2], embedding: 4, dropout }),
      embedding: 4,
      probe: linear({ inputs: 4, outputs: 10 }),
      optimizer: sgd(),
      augment: (images) => images,
      ...{ source: task, target: task, batchSize: 8, evaluationBatch: 4, seed: 1 },
      ...{ refreshBatches: 0, adaptationDraws: 1 },
      ...changes,
    });
    await body(training, engine);
  } finally {
    engine.close();
  }
}

/** Elements of the leaves whose path begins with `part`. */
async function numbers(engine: Engine, tree: unknown, part: string): Promise<number[]> {
  const { leaves, paths } = flatten<Value>(tree);
  const chosen = leaves.filter((_, k) => paths[k]!.startsWith(part));
  assert(chosen.length > 0);
  return (await engine.read(chosen) as HostArray[]).flatMap(({ data }) => [...data]);
}

/** Loss of the first step of both phases of classification, from the same parameters. */
async function firstLosses(changes: Parameters<typeof withTraining>[0]): Promise<number[]> {
  const losses: number[] = [];
  await withTraining(changes, async (training, engine) => {
    const objective = training.classification("target");
    const pretrain = training.stage(objective, { arm: "a", phase: "pretrain", ...plan });
    const fineTune = training.stage(objective, { arm: "a", phase: "fine-tune", ...plan });
    for (const stage of [pretrain, fineTune]) {
      const { metrics } = await stage.step(await pretrain.start(), 0);
      losses.push(...(await engine.read(metrics.loss!)).data);
    }
  });
  return losses;
}

/** Eight times the same image: their order does not matter. */
const unordered = { train: new Int32Array(8) };

Deno.test("phases that draw nothing take the same step: the comparisons below are fair", async () => {
  // A batch of all images: their order matters to rounding only.
  for (const changes of [{}, unordered]) {
    const [pretrain, fineTune] = await firstLosses(changes);
    assertAlmostEquals(pretrain!, fineTune!, 1e-6);
  }
});

Deno.test("phases have an order of images of their own", async () => {
  const [pretrain, fineTune] = await firstLosses({ batchSize: 3 });
  assertNotEquals(pretrain, fineTune);
});

Deno.test("phases have an augmentation of their own", async () => {
  const [pretrain, fineTune] = await firstLosses({ ...unordered, augment: supervisedAugment() });
  assert(Math.abs(pretrain! - fineTune!) > 1e-4);
});

Deno.test("phases have dropout masks of their own", async () => {
  const [pretrain, fineTune] = await firstLosses({ ...unordered, dropout: 0.5 });
  assert(Math.abs(pretrain! - fineTune!) > 1e-4);
});

Deno.test("every phase begins with a fresh head, all arms of a phase with the same", () =>
  withTraining({}, async (training, engine) => {
    const supervised = training.classification("target");
    const pretext = { tasks: [rotation({ hidden: 4 })] };
    const learner = training.learner("target");
    const inner = { innerSteps: 1, innerRate: 0.01, optimizer: sgd() };
    const start = (objective: Objective, phase: string, backbone?: Concrete<Variables>) =>
      training.stage(objective, { arm: "a", phase, ...plan, ...(backbone && { backbone }) })
        .start();
    const pretrained = await start(supervised, "pretrain");
    const meta = await start(
      metaObjective(learner, { ...pretext, inner, order: "exact" }),
      "pretrain",
    );
    const joint = await start(jointObjective(learner, pretext), "pretrain");
    const tuned = await start(supervised, "fine-tune", backboneOf(pretrained));
    const scratch = await start(supervised, "fine-tune");
    const head = (tree: unknown) => numbers(engine, tree, "params.head");
    const body = (tree: unknown) => numbers(engine, tree, "params.encoder");
    assertEquals(await head(meta), await head(pretrained));
    assertEquals(await head(joint), await head(pretrained));
    const heads = (tree: unknown) => numbers(engine, tree, "params.pretext");
    assertEquals(await heads(meta), await heads(joint));
    assertEquals(await head(scratch), await head(tuned));
    const [before, after] = [await head(pretrained), await head(tuned)];
    // Every weight is another one; biases are 0 and scales are 1 in both.
    const same = before.filter((value, k) => value % 1 !== 0 && value === after[k]);
    assertEquals(same, []);
    assert(before.filter((value) => value % 1 !== 0).length > 40);
    // The initialisation of the backbone is shared, and a given backbone is kept.
    assertEquals(await body(scratch), await body(pretrained));
    assertEquals(await body(tuned), await body(pretrained));
  }));

Deno.test("no two streams share a key or a seed", () => {
  const phases = [SHARED_PHASE, "pretrain", "fine-tune", "probe", "train", "steps", "head"];
  const purposes: Purpose[] = [
    ...["initialisation", "head", "pretext heads", "order"] as const,
    ...["support order", "steps", "adaptation"] as const,
  ];
  const keys = new Set<string>();
  const seeds = new Set<number>();
  for (const seed of [0, 1]) {
    for (const phase of phases) {
      for (const purpose of purposes) {
        keys.add(String(valuesOf(streamKey(randomKey(seed), { phase, purpose }))));
        for (const name of ["", "rotation", "contrastive"]) {
          seeds.add(streamSeed(seed, { phase, purpose, name }));
        }
      }
    }
  }
  const count = 2 * phases.length * purposes.length;
  assertEquals([keys.size, seeds.size], [count, 3 * count]);
});
