/** Laws of the training steps, on the float64 reference. */
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type ImageDataset, syntheticImages } from "../../src/data/mod.ts";
import {
  type Concrete,
  type Engine,
  type HostArray,
  hostArray,
  openEngine,
  type Value,
} from "../../src/engine/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { classifierHead, encoder, linear, sequential } from "../../src/nn/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import { contrastive, rotation, supervisedAugment } from "../../src/pretext/mod.ts";
import { randomKey, splitKey } from "../../src/random/mod.ts";
import { MetricsLog, Progress, readMetrics, restoreTree, storeTree } from "../../src/run/mod.ts";
import {
  backboneOf,
  classifierEvaluation,
  classifierStep,
  compiledStage,
  type ImageTable,
  ImageTraining,
  metaObjective,
  type MetaObjectiveOptions,
  type MetaTraining,
  type MetaTrainOptions,
  metaTrainStep,
  packImages,
  rowsOf,
  runStage,
  stepInputs,
  takeImages,
  trainingState,
  type Variables,
} from "../../src/train/mod.ts";
import { flatten } from "../../src/tree/tree.ts";

const { train: images } = syntheticImages({ seed: 1, trainCount: 40, testCount: 10 });

async function withReference(body: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = await openEngine("reference", { float64: true });
  try {
    await body(engine);
  } finally {
    engine.close();
  }
}

const key = hostArray([5, 6], [2], "u32");
const rows = (...indices: number[]): HostArray => rowsOf(Int32Array.from(indices));

Deno.test("takeImages() finds every byte, in whichever part it lies", () =>
  withReference(async (engine) => {
    const odd: ImageDataset = {
      ...images,
      ...{ count: 7, height: 3, width: 3, channels: 1 },
      images: Uint8Array.from({ length: 63 }, (_, k) => (k * 37) % 256),
      labels: new Uint8Array(7),
    };
    for (const shardBytes of [1, 24, 1e6]) {
      const packed = packImages(odd, { shardBytes });
      assertEquals(packed.shards.length, { 1: 7, 24: 4, 1e6: 1 }[shardBytes]);
      const take = engine.jit((table: ImageTable, at: Tensor) => takeImages(table, at, odd));
      const order = [6, 0, 3, 3, 5, 1, 2, 4];
      const taken = await engine.read(await take(packed, rows(...order)));
      assertEquals(taken.shape, [8, 3, 3, 1]);
      const bytes = Array.from(taken.data, (value) => Math.round(value * 255));
      assertEquals(bytes, order.flatMap((row) => [...odd.images.subarray(row * 9, row * 9 + 9)]));
    }
    assertThrows(() => packImages({ ...odd, count: 0 }), RangeError, "found none");
  }));

const size = { embedding: 4, hidden: 8 };
const backbone = encoder({ widths: [3, 3], embedding: 4, dropout: 0 });
const head = classifierHead({ inputs: 4, classes: 10, hidden: 4 });
const model = sequential({ encoder: backbone, head });

function objectiveOptions(): MetaObjectiveOptions {
  return {
    tasks: [rotation({ hidden: size.hidden }), contrastive({ projection: 3 })],
    inner: { innerSteps: 2, innerRate: 0.01, optimizer: sgd() },
    order: "exact",
  };
}

function metaOptions(changes: Partial<MetaTrainOptions> = {}): MetaTrainOptions {
  return {
    ...objectiveOptions(),
    encoder: backbone,
    head,
    optimizer: sgd(),
    augment: supervisedAugment(),
    extents: images,
    ...changes,
  };
}

function startMeta(engine: Engine, { tasks, optimizer }: MetaTrainOptions) {
  return engine.jit((): MetaTraining => {
    const { params, state } = model.init(randomKey(0)) as unknown as Omit<
      MetaTraining,
      "optimizer"
    >;
    const keys = splitKey(randomKey(1), tasks.length);
    const pretext = Object.fromEntries(
      tasks.map((task, k) => [task.name, task.initHead(keys[k]!, size.embedding)]),
    );
    return trainingState({ params: { ...params, pretext }, state }, optimizer);
  })();
}

const inputs = stepInputs(Int32Array.of(3, 9, 20, 31), { step: 7, rate: 0.1 });
const support = { rotation: rows(1, 2, 3, 4), contrastive: rows(5, 6, 7, 8) };

async function numbers(engine: Engine, tree: unknown): Promise<Map<string, Float32Array>> {
  const { leaves, paths } = flatten<Value>(tree);
  const arrays = await engine.read(leaves) as HostArray[];
  return new Map(arrays.map(({ data }, k) => [paths[k]!, data as Float32Array]));
}

Deno.test("a meta step that adapts nothing is a supervised step, running statistics included", () =>
  withReference(async (engine) => {
    const options = metaOptions({ inner: { innerSteps: 1, innerRate: 0, optimizer: sgd() } });
    const table = engine.put(packImages(images));
    const { training: meta, metrics } = await engine.jit(metaTrainStep(options))(
      ...[await startMeta(engine, options), table, key, { ...inputs, support }] as const,
    );
    const supervised = await engine.jit(classifierStep({ ...options, model }))(
      ...[
        await engine.jit(() => trainingState(model.init(randomKey(0)), options.optimizer))(),
        table,
        key,
        inputs,
      ] as const,
    );
    const wanted = await numbers(engine, {
      ...supervised.training,
      metrics: supervised.metrics,
    });
    const found = await numbers(engine, { ...meta, metrics });
    assert(wanted.size > 30);
    for (const [path, values] of wanted) {
      values.forEach((value, i) => assertAlmostEquals(found.get(path)![i]!, value, 1e-6, path));
    }
  }));

Deno.test("pretext heads learn at first order too, from their own loss", () =>
  withReference(async (engine) => {
    const table = engine.put(packImages(images));
    const moved: Record<string, number> = {};
    for (const order of ["first", "exact"] as const) {
      const options = metaOptions({ order });
      const start = await startMeta(engine, options);
      const before = await numbers(engine, start.params);
      const { training } = await engine.jit(metaTrainStep(options))(
        ...[start, table, key, { ...inputs, support }] as const,
      );
      const after = await numbers(engine, training.params);
      for (const [path, values] of before) {
        const change = Math.hypot(...values.map((value, i) => after.get(path)![i]! - value));
        if (path !== "encoder.embedding.bias") assert(change > 0, `${order} ${path}`);
        moved[`${order} ${path}`] = change;
      }
    }
    const path = "encoder.stage1.conv1.weight";
    assert(moved[`first ${path}`] !== moved[`exact ${path}`]);
  }));

Deno.test("classifierEvaluation() counts every image once, whatever the batch", () =>
  withReference(async (engine) => {
    const table = engine.put(packImages(images));
    const variables = await engine.jit(() => model.init(randomKey(3)))();
    const split = Int32Array.from({ length: 11 }, (_, k) => 3 * k);
    const results = [];
    for (const batchSize of [1, 4, 11, 32]) {
      const evaluate = classifierEvaluation(engine, { model, extents: images, batchSize });
      results.push(await evaluate(variables, table, split));
    }
    for (const { accuracy, loss } of results) {
      assertAlmostEquals(accuracy, results[0]!.accuracy, 1e-9);
      assertAlmostEquals(loss, results[0]!.loss, 1e-5);
    }
    assert(results[0]!.loss > 1);
  }));

Deno.test("restoreTree() gives back what storeTree() took, and refuses another model's", () =>
  withReference(async (engine) => {
    const tree = engine.put({
      weights: { bias: hostArray([1, 2]) },
      count: hostArray([7], [], "u32"),
      flag: hostArray([1, 0], [2], "bool"),
    });
    const tensors = await storeTree(engine, tree);
    assertEquals(Object.keys(tensors), ["count", "flag", "weights.bias"]);
    const restored = restoreTree(engine, tree, tensors);
    assertEquals(await engine.read(restored), await engine.read(tree));
    assertThrows(
      () => restoreTree(engine, { count: engine.put(hostArray([1, 2])) }, tensors),
      TypeError,
      "Cannot restore 'count' from a checkpoint: found U32 [], expected F32 [2].",
    );
  }));

interface Counter {
  readonly sum: Tensor;
}

Deno.test("runStage() evaluates on its grid, counts its cost, and stops at a loss that is not finite", () =>
  withReference(async (engine) => {
    const folder = await Deno.makeTempDir();
    const lines: string[] = [];
    const progress = new Progress({
      write: (text) => void lines.push(text),
      ...{ terminal: false, color: false, columns: () => 0, now: () => 0 },
    });
    const stage = (steps: number, worst = 0) =>
      compiledStage<Counter, { value: Tensor }>({
        ...{ arm: "a", phase: "p", steps, samples: 3, key, table: engine.put(packImages(images)) },
        compiled: engine.jit((training: Counter, _table, _key, { value }) => ({
          training,
          metrics: { loss: value },
        })),
        start: () => Promise.resolve(engine.put({ sum: hostArray([0], []) })),
        inputs: (step) => ({ value: hostArray([step === worst - 1 ? NaN : step], []) }),
        evaluate: () => Promise.resolve({ validationAccuracy: 0.5 }),
      });
    try {
      const metrics = MetricsLog.open(folder);
      const options = {
        ...{ engine, metrics, progress, checkpoints: `${folder}/checkpoints` },
        ...{ signal: new AbortController().signal, evaluateEvery: 2, saveEvery: 4 },
      };
      const { record } = await runStage(stage(5), options);
      assertEquals(record.curve.map(({ step }) => step), [0, 2, 4, 5]);
      assertEquals([record.ledger.steps, record.ledger.samples], [5, 15]);
      const log = await readMetrics(`${folder}/metrics.jsonl`);
      assertEquals(log.map(({ step, loss }) => [step, loss]), [
        ...[[0, undefined], [1, 0], [2, 1], [2, undefined], [3, 2], [4, 3], [4, undefined]],
        ...[[5, 4], [5, undefined]],
      ]);
      // Ended: nothing is done again.
      assertEquals((await runStage(stage(5), options)).record, record);
      assertEquals((await readMetrics(`${folder}/metrics.jsonl`)).length, log.length);
      await assertRejects(
        () => runStage({ ...stage(5, 2), arm: "b" }, options),
        RangeError,
        'arm "b", phase "p" has diverged: metric "loss" is NaN at step 2',
      );
      metrics.close();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }));

Deno.test("ImageTraining gives every arm the same start and the same batches", () =>
  withReference(async (engine) => {
    const task = {
      ...{ dataset: images, head },
      train: Int32Array.from({ length: 32 }, (_, k) => k),
      validation: Int32Array.of(32, 33, 34, 35),
    };
    const training = ImageTraining.open(engine, {
      ...metaOptions(),
      ...{ embedding: size.embedding, probe: linear({ inputs: 4, outputs: 10 }) },
      ...{ source: task, target: task, batchSize: 4, evaluationBatch: 4, seed: 2 },
      ...{ refreshBatches: 0, adaptationDraws: 1 },
    });
    const objective = metaObjective(training.learner("source"), objectiveOptions());
    const plan = { arm: "a", steps: 1, rate: 0.1, side: "source" } as const;
    const meta = await training.stage(objective, { ...plan, phase: "pretrain" }).start();
    const fineTune = (backbone?: Concrete<Variables>) =>
      training.stage(training.classification("target"), {
        ...{ ...plan, phase: "fine-tune" },
        ...(backbone && { backbone }),
      });
    const scratch = await fineTune().start();
    const wanted = await numbers(engine, scratch.params);
    const found = await numbers(engine, meta.params);
    for (const [path, values] of wanted) {
      if (path.startsWith("encoder.")) assertEquals(found.get(path), values);
    }

    const tuned = fineTune(backboneOf(meta));
    const [first, second] = [
      await tuned.step(await tuned.start(), 0),
      await fineTune().step(scratch, 0),
    ];
    assertEquals(await engine.read(first.metrics), await engine.read(second.metrics));

    const { norms, directional } = await training.guard(objective, {
      phase: "pretrain",
      exempt: (path) => path === "encoder.embedding.bias",
    });
    for (const { error } of Object.values(directional!)) assert(error < 1e-4);
    assert(norms["pretext.rotation.output.weight"]! > 0);
  }));
