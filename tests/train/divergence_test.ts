/** A run that diverges stops at once, says where, and keeps what was good. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Engine, hostArray, type Value } from "../../src/engine/mod.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { linear, sequential } from "../../src/nn/mod.ts";
import { flattenLayer } from "../../src/nn/mod.ts";
import { syntheticImages } from "../../src/data/mod.ts";
import { add, mul } from "../../src/tensor/mod.ts";
import { MetricsLog, Progress, readMetrics } from "../../src/run/mod.ts";
import {
  classifierEvaluation,
  EMPTY_RECORD,
  FiniteCheck,
  packImages,
  runStage,
  type Stage,
  StageCheckpoints,
  type StageOptions,
} from "../../src/train/mod.ts";
import { randomKey } from "../../src/random/mod.ts";
import { withoutWebgpu } from "../webgpu.ts";

const openers: Record<string, () => Promise<Engine>> = {
  reference: () => openEngine("reference"),
  tfjs: () => openEngine("tfjs"),
  webgpu: async () => new Engine(await WebGpuBackend.open()),
};
for (const [name, open] of Object.entries(openers)) {
  Deno.test({
    name: `FiniteCheck counts NaN and infinities and nothing else: ${name}`,
    ignore: name === "webgpu" && withoutWebgpu,
    fn: async () => {
      const engine = await open();
      try {
        const check = new FiniteCheck(engine);
        const long = new Float32Array(1000).fill(3.4e38);
        const of = (spoilt: number) =>
          engine.put({
            a: hostArray([0, -0, 1e-45, -1e-45, 3.4e38, -3.4e38]),
            b: [hostArray([1, spoilt, spoilt, -spoilt])],
            long: hostArray(long.with(700, spoilt).with(999, spoilt)),
            scalar: hostArray([spoilt], []),
            words: hostArray([0x7fc00000], [1], "u32"),
          });
        for (const spoilt of [NaN, Infinity, 2, -Infinity, NaN]) {
          const { tensors, bad } = await check.find(of(spoilt));
          assertEquals(tensors, 4);
          const wanted = [
            { path: "b.0", count: 3, size: 4 },
            { path: "long", count: 2, size: 1000 },
            { path: "scalar", count: 1, size: 1 },
          ];
          assertEquals(bad, spoilt === 2 ? [] : wanted, `of ${spoilt}`);
        }
        assertEquals(await check.find({}), { tensors: 0, bad: [] });
      } finally {
        engine.close();
      }
    },
  });
}

interface Weights {
  readonly steady: Value;
  readonly weight: Value;
}

/** A stage whose weight grows a thousandfold a step and whose loss does not show it. */
function exploding(engine: Engine, evaluated: number[]): Stage<Weights> {
  const next = engine.jit((training: { steady: Tensor; weight: Tensor }) => ({
    training: { steady: training.steady, weight: mul(training.weight, 1000) },
    metrics: { loss: add(mul(training.steady, 2), 0) },
  }), { donate: [] });
  return {
    ...{ arm: "meta", phase: "pretrain", steps: 100 },
    start: () =>
      Promise.resolve(engine.put({ steady: hostArray([1], []), weight: hostArray([1, 2]) })),
    cost: () => Promise.resolve({ samples: 1, flops: 1 }),
    step: (training) => next(training as never) as never,
    evaluate: (_) => {
      evaluated.push(evaluated.length);
      return Promise.resolve({ validationAccuracy: 0.5 });
    },
  };
}

async function withStage(
  body: (engine: Engine, options: StageOptions, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const engine = await openEngine("reference");
  using metrics = MetricsLog.open(folder);
  const progress = new Progress({
    ...{ write: () => {}, terminal: false, color: false, columns: () => 0, now: () => 0 },
  });
  try {
    await body(engine, {
      ...{ engine, metrics, progress, checkpoints: `${folder}/checkpoints` },
      ...{ signal: new AbortController().signal, evaluateEvery: 5, saveEvery: 5 },
    }, folder);
  } finally {
    engine.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("runStage() stops within one interval, names arm, phase, step and tensor, and saves nothing diverged", () =>
  withStage(async (engine, options, folder) => {
    const evaluated: number[] = [];
    const error = await assertRejects(
      () => runStage(exploding(engine, evaluated), options),
      RangeError,
    );
    // 1000^13 is beyond float32: the interval that ends with step 15.
    assertEquals(
      error.message.split(" Lower")[0],
      `Training of arm "meta", phase "pretrain" has diverged: by step 15, 2 of 2 numbers of ` +
        `'weight' are NaN or infinite, expected finite numbers. Its checkpoint of step 10 is kept.`,
    );
    assertEquals(evaluated.length, 3);
    const checkpoints = [...Deno.readDirSync(`${folder}/checkpoints/meta-pretrain`)];
    assertEquals(checkpoints.map(({ name }) => name).sort(), [
      ...["step-000000005.safetensors", "step-000000010.safetensors"],
    ]);
    // The finite losses of the interval are logged.
    const log = await readMetrics(`${folder}/metrics.jsonl`);
    assertEquals(log.at(-1)!.step, 15);
  }));

Deno.test("runStage() names the step of a loss that is not finite, and the tensors by then", () =>
  withStage(async (engine, options) => {
    const stage = exploding(engine, []);
    const next = engine.jit((training: { steady: Tensor; weight: Tensor }) => ({
      training: { steady: training.steady, weight: mul(training.weight, 1e20) },
      metrics: { loss: training.weight },
    }));
    const start = () =>
      Promise.resolve(engine.put({ steady: hostArray([1], []), weight: hostArray([1], []) }));
    await assertRejects(
      () =>
        runStage(
          { ...stage, start, step: (training) => next(training as never) as never },
          options,
        ),
      RangeError,
      `arm "meta", phase "pretrain" has diverged: metric "loss" is Infinity at step 3; by step 5, ` +
        `1 of 1 numbers of 'weight' are NaN or infinite`,
    );
  }));

Deno.test("runStage() neither starts from nor goes on from what is not finite", () =>
  withStage(async (engine, options, folder) => {
    const stage = exploding(engine, []);
    const training = engine.put({ steady: hostArray([1], []), weight: hostArray([NaN, 1]) });
    await assertRejects(
      () => runStage({ ...stage, start: () => Promise.resolve(training) }, options),
      RangeError,
      `Cannot start arm "meta", phase "pretrain": 1 of 2 numbers of 'weight' are NaN or infinite`,
    );
    const checkpoints = new StageCheckpoints({
      ...{ folder: `${folder}/checkpoints`, name: "meta-pretrain" },
    });
    const bad = engine.put({ steady: hostArray([1], []), weight: hostArray([-Infinity, 1]) });
    await checkpoints.save(engine, {
      ...{ step: 5, training: bad, record: EMPTY_RECORD, ended: false },
      position: options.metrics.sync(),
    });
    const error = await assertRejects(() => runStage(stage, options), RangeError);
    assertStringIncludes(
      error.message,
      `go on with arm "meta", phase "pretrain" from its checkpoint of step 5`,
    );
    assertStringIncludes(error.message, "'weight'");
  }));

Deno.test("an evaluation refuses parameters that are not finite, and names them", () =>
  withStage(async (engine) => {
    const { train } = syntheticImages({ seed: 0, trainCount: 10, testCount: 10 });
    const model = sequential({
      flatten: flattenLayer(),
      out: linear({ inputs: 3072, outputs: 10 }),
    });
    const evaluate = classifierEvaluation(engine, { model, extents: train, batchSize: 4 });
    const good = await engine.jit(() => model.init(randomKey(0)))();
    const table = engine.put(packImages(train));
    const rows = Int32Array.of(0, 1, 2);
    await evaluate(good, table, rows);
    const bias = engine.put(hostArray([0, 0, 0, 0, NaN, 0, 0, 0, 0, 0])) as unknown as Value;
    const { out } = good.params as unknown as { readonly out: { readonly weight: Value } };
    const bad = { params: { out: { weight: out.weight, bias } }, state: {} };
    await assertRejects(
      () => evaluate(bad as never, table, rows),
      RangeError,
      "Cannot evaluate a classifier: 1 of 10 numbers of 'params.out.bias' are NaN or infinite",
    );
  }));
