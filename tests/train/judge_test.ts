/** Judging backbones: running statistics, neighbours, protocols; on the float64 reference. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { type ImageDataset, syntheticImages } from "../../src/data/mod.ts";
import { type Concrete, type Engine, hostArray, openEngine } from "../../src/engine/mod.ts";
import { batchNorm, flattenLayer, linear, sequential } from "../../src/nn/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import { rotation } from "../../src/pretext/mod.ts";
import {
  adapted,
  adaptedTransductive,
  asIs,
  fineTune,
  ImageDraws,
  ImageTraining,
  type ImageTrainingOptions,
  knn,
  linearProbe,
  metaObjective,
  nearestNeighbours,
  packImages,
  pretextObjective,
  type Protocol,
  type ProtocolInputs,
  refreshStatistics,
  type Stage,
  type StageResult,
  type Variables,
} from "../../src/train/mod.ts";

const { train: full } = syntheticImages({ seed: 5, trainCount: 60, testCount: 10 });
const SIZE = 8;
/** The same bytes as smaller images. */
const dataset: ImageDataset = {
  ...full,
  ...{ height: SIZE, width: SIZE, images: full.images.slice(0, 60 * SIZE * SIZE * 3) },
};
const range = (first: number, end: number) =>
  Int32Array.from({ length: end - first }, (_, k) => first + k);
const backbone = sequential({
  flatten: flattenLayer(),
  body: linear({ inputs: SIZE * SIZE * 3, outputs: 4 }),
  norm: batchNorm({ features: 4 }),
});
const task = {
  ...{ dataset, train: range(0, 40), validation: range(40, 50) },
  head: linear({ inputs: 4, outputs: 10 }),
};

async function withEngine(body: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = await openEngine("reference", { float64: true });
  try {
    await body(engine);
  } finally {
    engine.close();
  }
}

function open(engine: Engine, changes: Partial<ImageTrainingOptions> = {}): ImageTraining {
  return ImageTraining.open(engine, {
    ...{ encoder: backbone, embedding: 4, probe: linear({ inputs: 4, outputs: 10 }) },
    ...{ optimizer: sgd(), augment: (images) => images, source: task, target: task },
    ...{ batchSize: 8, evaluationBatch: 10, seed: 1, refreshBatches: 3, adaptationDraws: 2 },
    ...changes,
  });
}

/** Steps of a stage, without files. */
async function run<S>(stage: Stage<S>): Promise<StageResult<S>> {
  let training: S = await stage.start();
  for (let step = 0; step < stage.steps; step++) {
    training = (await stage.step(training, step)).training;
  }
  const ledger = { steps: stage.steps, samples: 0, flops: 0, seconds: 0 };
  return { training, record: { ledger, curve: [] } };
}

const meta = (training: ImageTraining, innerRate: number) =>
  metaObjective(training.learner("source"), {
    tasks: [rotation({ hidden: 4 })],
    inner: { innerSteps: 2, innerRate, optimizer: sgd() },
    order: "exact",
  });

/** What protocols get after two steps of meta-training. */
async function pretrained(training: ImageTraining, innerRate: number): Promise<ProtocolInputs> {
  const objective = meta(training, innerRate);
  const plan = { arm: "a", phase: "pretrain", side: "source", steps: 2, rate: 0.1 } as const;
  const { training: left } = await run(training.stage(objective, plan));
  return {
    ...{ training, arm: "a", pretrained: { objective, training: left }, transfer: false, run },
    plans: { "fine-tune": { steps: 100, rate: 0.5 }, "linear-probe": { steps: 100, rate: 0.5 } },
  };
}

const judged = async (
  protocol: Protocol,
  inputs: ProtocolInputs,
  rows: Int32Array = range(50, 60),
) => {
  const { judge } = await protocol.prepare(inputs);
  return await judge({ ...inputs.training.judge.held("target"), rows });
};

Deno.test("refreshStatistics() gives the means of batches, whatever the statistics were", () =>
  withEngine(async (engine) => {
    const table = engine.put(packImages(dataset));
    for (const momentum of [0.1, 0.5, 1]) {
      const layer = batchNorm({ features: 3, momentum });
      const refresh = refreshStatistics(engine, { layer, extents: dataset });
      const batches = [range(0, 5), range(7, 12), range(30, 35)];
      const results = [];
      for (const left of [0, 3, 1e4]) {
        const variables = engine.put({
          params: { beta: hostArray([1, 2, 3]), gamma: hostArray([1, 1, 1]) },
          state: { mean: hostArray([left, 0, -left]), variance: hostArray([left, 1, 2]) },
        }) as Concrete<Variables>;
        const { live } = engine.memory();
        const fresh = await refresh(variables, { table, batches });
        results.push(await engine.read(fresh.state));
        engine.release(fresh.state);
        assertEquals(engine.memory().live, live);
        // Held until here: the engine frees what nobody can reach any more.
        engine.release(variables);
      }
      const [first, ...others] = results as unknown as { mean: { data: Float32Array } }[];
      for (const other of others) assertEquals(other, first);
      const { mean, variance } = first as unknown as Record<string, { data: Float32Array }>;
      for (const channel of [0, 1, 2]) {
        const each = batches.map((rows) => {
          const values = [...rows].flatMap((row) =>
            Array.from(
              { length: SIZE * SIZE },
              (_, pixel) => dataset.images[(row * SIZE * SIZE + pixel) * 3 + channel]! / 255,
            )
          );
          const centre = values.reduce((a, b) => a + b) / values.length;
          const spread = values.reduce((sum, x) => sum + (x - centre) ** 2, 0);
          return [centre, spread / (values.length - 1)] as const;
        });
        const of = (k: 0 | 1) => each.reduce((sum, pair) => sum + pair[k], 0) / batches.length;
        assertAlmostEquals(mean!.data[channel]!, of(0), 1e-6);
        assertAlmostEquals(variance!.data[channel]!, of(1), 1e-6);
      }
    }
  }));

Deno.test("a judged accuracy does not depend on the statistics that training left", () =>
  withEngine(async (engine) => {
    const figures = async (refreshBatches: number) => {
      const training = open(engine, { refreshBatches });
      const { pretrained: left } = await pretrained(training, 0.1);
      const state = left!.training.state as unknown as { encoder: { norm: object } };
      const norm = { mean: hostArray([9, -9, 9, 0]), variance: hostArray([1e-3, 50, 1, 1]) };
      const stale = { ...state, encoder: { ...state.encoder, norm: engine.put(norm) } } as never;
      return [
        await training.judge.classify("source", left!.training, training.judge.held("source")),
        await training.judge.classify(
          "source",
          { ...left!.training, state: stale },
          training.judge.held("source"),
        ),
      ];
    };
    const [fresh, stale] = await figures(3);
    assertEquals(stale, fresh);
    // Without a refresh it does: the comparison above could have failed.
    const [kept, other] = await figures(0);
    assert(Math.abs(kept!.loss - other!.loss) > 0.01);
  }));

Deno.test("nearestNeighbours() counts the votes that a count by hand gives", () =>
  withEngine(async (engine) => {
    const table = engine.put(packImages(dataset));
    const labels = dataset.labels;
    const known = { table, rows: range(0, 40), labels };
    const unit = (row: number) => {
      const bytes = [...dataset.images.subarray(row * SIZE ** 2 * 3, (row + 1) * SIZE ** 2 * 3)];
      const length = Math.hypot(...bytes);
      return bytes.map((byte) => byte / length);
    };
    for (const [neighbours, temperature] of [[1, 0.07], [7, 0.07], [20, 0.5], [100, 1]] as const) {
      const judge = nearestNeighbours(engine, {
        ...{ encoder: flattenLayer(), extents: dataset, batchSize: 7, neighbours, temperature },
      });
      // Every image alone, so that no two mistakes make up for each other; and all of them at once.
      const rows = range(40, 60);
      const found = await judge({ params: {}, state: {} }, {
        known,
        judged: { table, rows, labels },
      });
      let right = 0;
      for (const row of rows) {
        const query = unit(row);
        const near = [...known.rows].map((other) => ({
          label: labels[other]!,
          cosine: unit(other).reduce((sum, x, k) => sum + x * query[k]!, 0),
        })).sort((a, b) => b.cosine - a.cosine).slice(0, neighbours);
        const votes = Array.from(
          { length: 10 },
          (_, label) =>
            near.filter((one) => one.label === label)
              .reduce((sum, { cosine }) => sum + Math.exp(cosine / temperature), 0),
        );
        const hit = votes.indexOf(Math.max(...votes)) === labels[row] ? 1 : 0;
        const alone = { table, rows: Int32Array.of(row), labels };
        assertEquals(await judge({ params: {}, state: {} }, { known, judged: alone }), hit);
        right += hit;
      }
      assertAlmostEquals(found, right / rows.length, 1e-9, `${neighbours} neighbours`);
    }
  }));

Deno.test("as-is is the trained head, adapted at rate 0 is as-is, at another rate it is not", () =>
  withEngine(async (engine) => {
    const training = open(engine);
    const images = training.judge.held("target");
    const inputs = await pretrained(training, 0);
    const left = inputs.pretrained!.training;
    const plain = await judged(asIs, inputs, images.rows);
    assertEquals(plain, await training.judge.classify("source", left, images));
    const { validationAccuracy, validationLoss } = await training.judge.validate("source", left);
    assertEquals(plain, { accuracy: validationAccuracy, loss: validationLoss });
    const still = await judged(adapted, inputs, images.rows);
    assertAlmostEquals(still.loss!, plain.loss!, 1e-6);
    assertAlmostEquals(still.accuracy, plain.accuracy, 1e-9);
    assertAlmostEquals(still.figures!["rotation"]!, plain.accuracy, 1e-9);

    // The same weights, adapted.
    const objective = meta(training, 0.5);
    const moving = { ...inputs, pretrained: { objective, training: left } };
    const once = await judged(adapted, moving, images.rows);
    assert(Math.abs(once.loss! - plain.loss!) > 1e-4);
    assertEquals(await judged(adapted, moving, images.rows), once);
    // On the judged images themselves it is something else.
    const own = await judged(adaptedTransductive, moving, images.rows);
    assert(Math.abs(own.loss! - once.loss!) > 1e-6);
  }));

Deno.test("adapted-transductive reads the judged images, adapted those of training alone", () =>
  withEngine(async (engine) => {
    const drawn: string[] = [];
    const watched = ImageDraws.prototype.support;
    const allowed = new Map([[adapted, range(0, 40)], [adaptedTransductive, range(50, 60)]]);
    try {
      ImageDraws.prototype.support = function (name, from) {
        const result = watched.call(this, name, from);
        drawn.push(...[...result].map(String));
        return result;
      };
      const training = open(engine);
      const inputs = await pretrained(training, 0.1);
      for (const [protocol, rows] of allowed) {
        drawn.length = 0;
        await judged(protocol, inputs);
        assertEquals(drawn.length, 2 * 8, protocol.name);
        const strange = drawn.filter((row) => !rows.includes(Number(row)));
        assertEquals(strange, [], protocol.name);
      }
      // Two lists of one length are two lists.
      const same = { ...training.judge.held("target"), rows: range(0, 10) };
      drawn.length = 0;
      await (await adaptedTransductive.prepare(inputs)).judge(same);
      assertEquals(drawn.filter((row) => Number(row) >= 10), []);
    } finally {
      ImageDraws.prototype.support = watched;
    }
  }));

Deno.test("fine-tune and linear-probe learn, the probe leaves the backbone as it is; knn trains nothing", () =>
  withEngine(async (engine) => {
    const training = open(engine);
    const inputs = await pretrained(training, 0.1);
    const before = await engine.read(inputs.pretrained!.training.params);
    const own = range(0, 40);
    for (const protocol of [fineTune, linearProbe]) {
      const prepared = await protocol.prepare(inputs);
      assertEquals(prepared.record!.ledger.steps, 100);
      const { loss } = await prepared.judge({ ...training.judge.held("target"), rows: own });
      // Guessing costs log 10 = 2.30; four features of an untrained backbone are little to learn from.
      assert(loss! < 2.2, `${protocol.name}: ${loss}`);
    }
    const neighbours = await knn.prepare(inputs);
    assertEquals(neighbours.record, undefined);
    const { accuracy } = await neighbours.judge(training.judge.held("target"));
    assertEquals(
      accuracy,
      await training.judge.nearest({
        params: inputs.pretrained!.training.params["encoder"],
        state: inputs.pretrained!.training.state["encoder"],
      } as Concrete<Variables>),
    );
    assertEquals(await engine.read(inputs.pretrained!.training.params), before);
    // Nothing pretrained: the backbone that every arm begins with.
    const scratch = { ...inputs, pretrained: undefined };
    assertNotEquals(
      (await judged(linearProbe, scratch)).loss,
      (await judged(linearProbe, inputs)).loss,
    );
    assert((await judged(knn, scratch)).accuracy >= 0);
  }));

Deno.test("protocols say why they cannot judge an arm", () =>
  withEngine(async (engine) => {
    const training = open(engine);
    const state = {} as never;
    const of = (objective: Parameters<Protocol["refuses"]>[0]["pretrained"], transfer = false) =>
      [fineTune, linearProbe, knn, asIs, adapted, adaptedTransductive].map((protocol) =>
        protocol.refuses({ pretrained: objective, transfer })
      );
    const none = undefined;
    const headless = "pretraining has left no head of the wanted task";
    const other = "the target has other classes than the pretrained head";
    const loop = "pretraining had no inner loop";
    assertEquals(of(undefined), [none, none, none, headless, headless, headless]);
    const pretext = pretextObjective(training.learner("source"), {
      tasks: [rotation({ hidden: 4 })],
    });
    assertEquals(of({ objective: pretext, training: state }), [
      ...[none, none, none, headless, headless, headless],
    ]);
    const supervised = { objective: training.classification("source"), training: state };
    assertEquals(of(supervised), [none, none, none, none, loop, loop]);
    assertEquals(of(supervised, true), [none, none, none, other, other, other]);
    const met = { objective: meta(training, 0.1), training: state };
    assertEquals(of(met), Array(6).fill(none));
    await Promise.resolve();
  }));
