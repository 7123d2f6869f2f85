import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  accuracy,
  adam,
  type Concrete,
  constant,
  encoder,
  type Engine,
  EpochSampler,
  hostArray,
  imageDataset,
  linear,
  log as logarithm,
  meanSquaredError,
  mul,
  ones,
  openEngine,
  sequential,
  softmaxCrossEntropy,
  sub,
  sum,
  type Tensor,
  valueAndGrad,
  valueAndGradAux,
  type WeightAndBias,
} from "../../mod.ts";
import { type MetricRecord, readMetrics } from "../../src/run/mod.ts";
import {
  fit,
  type FitOptions,
  packImages,
  rowsOf,
  takeImages,
  takeLabels,
  trainingState,
} from "../../src/train/mod.ts";

const model = linear({ inputs: 2, outputs: 1 });
const optimizer = adam();
type State = ReturnType<typeof init>;
const init = (key: Tensor) => trainingState(model.init(key), optimizer);

/** Eight points of a plane; a batch of two at a time. */
const x = Array.from({ length: 8 }, (_, k) => [Math.sin(k), Math.cos(2 * k)]);
const batch = (step: number) => {
  const rows = [2 * step % 8, (2 * step + 1) % 8].map((row) => x[row]!);
  return { x: hostArray(rows), y: hostArray(rows.map(([a, b]) => [3 * a! - b! + 0.5])) };
};
type Batch = ReturnType<typeof batch>;

function options(
  more: Partial<FitOptions<State, Batch, Record<string, never>>> = {},
): FitOptions<State, Batch, Record<string, never>> {
  return {
    init,
    batch,
    step: (training, { x, y }, { rate }) => {
      const { params, state } = training;
      const { value, grad } = valueAndGrad((params: WeightAndBias) =>
        meanSquaredError(model.apply(params, state, x, { training: true }).output, y)
      )(params);
      const updated = optimizer.update(grad, training.optimizer, params, { rate });
      return {
        training: { params: updated.params, state, optimizer: updated.state },
        metrics: { loss: value },
      };
    },
    steps: 40,
    rate: 0.1,
    progress: null,
    ...more,
  };
}

async function withEngine(fn: (engine: Engine) => Promise<void>): Promise<void> {
  using engine = await openEngine("reference");
  await fn(engine);
}

async function withFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await fn(`${folder}/run`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const paramsOf = async (engine: Engine, { params }: Concrete<State>) =>
  Object.values(await engine.read(params)).map((array) =>
    Array.from((array as { data: Float32Array }).data)
  );

Deno.test({
  name: "fit() learns, counts its costs and writes nothing unless it is given a folder",
  permissions: { read: false, write: false, env: false },
  fn: () =>
    withEngine(async (engine) => {
      const losses: number[] = [];
      const rates: number[] = [];
      const { record } = await fit(
        engine,
        options({
          rate: (step) => {
            rates.push(step);
            return 0.1;
          },
          onMetrics: ({ loss }) => loss !== undefined && losses.push(Number(loss)),
        }),
      );
      assertEquals(losses.length, 40);
      assert(losses.at(-1)! < losses[0]! / 20, `${losses}`);
      const { steps, samples, flops } = record.ledger;
      assertEquals([steps, samples], [40, 80]);
      assert(flops > 0);
      assertEquals(new Set(rates), new Set(Array.from({ length: 40 }, (_, k) => k)));
    }),
});

Deno.test("fit() records the learning rate of every step, unless the step gives a figure of that name", () =>
  withEngine((engine) =>
    withFolder(async (folder) => {
      await fit(engine, options({ steps: 3, rate: (step) => 0.1 / (step + 1), folder }));
      const records = await readMetrics(`${folder}/metrics.jsonl`);
      const rates = records.flatMap(({ step, rate }) => rate === undefined ? [] : [[step, rate]]);
      assertEquals(rates, [1, 2, 3].map((step) => [step, Math.fround(0.1 / step)]));
      const own = options({ steps: 1, rate: 0.1 });
      const told: unknown[] = [];
      await fit(engine, {
        ...own,
        step: (...args) => {
          const { training, metrics } = own.step(...args);
          return { training, metrics: { ...metrics, rate: constant(7) } };
        },
        onMetrics: ({ rate }) => rate !== undefined && told.push(rate),
      });
      assertEquals(told, [7]);
    })
  ));

Deno.test("fit() that was stopped goes on with the numbers of one that was not", () =>
  withEngine((engine) =>
    withFolder(async (folder) => {
      const evaluate = async (training: Concrete<State>) => ({
        weight: (await paramsOf(engine, training)).flat()[0]!,
      });
      const whole = { evaluate, evaluateEvery: 15, saveEvery: 10, seed: 3 };
      const uncut = await fit(engine, options({ ...whole, folder: `${folder}-uncut` }));

      const controller = new AbortController();
      const stopping = options({
        ...whole,
        folder,
        signal: controller.signal,
        onMetrics: ({ step, loss }) => step === 20 && loss !== undefined && controller.abort(),
      });
      await assertRejects(() => fit(engine, stopping), DOMException);
      const early = await readMetrics(`${folder}/metrics.jsonl`);
      assert(early.length < 30, `${early.length}`);

      const steps: number[] = [];
      const onMetrics = ({ step }: MetricRecord) => steps.push(step);
      const resumed = await fit(engine, options({ ...whole, folder, onMetrics }));
      assert(steps[0]! > 19, `${steps}`);
      assertEquals(
        await paramsOf(engine, resumed.training),
        await paramsOf(engine, uncut.training),
      );
      assertEquals(
        await Deno.readTextFile(`${folder}/metrics.jsonl`),
        await Deno.readTextFile(`${folder}-uncut/metrics.jsonl`),
      );
      assertEquals(
        resumed.record.curve.map(({ step, weight }) => [step, weight]),
        uncut.record.curve.map(({ step, weight }) => [step, weight]),
      );
      assertEquals(resumed.record.curve.map(({ step }) => step), [0, 15, 30, 40]);

      // What has ended is not done again; more steps go on from there.
      const again: number[] = [];
      const listen = ({ step }: MetricRecord) => again.push(step);
      await fit(engine, options({ ...whole, folder, onMetrics: listen }));
      assertEquals(again, []);
      await fit(engine, options({ ...whole, folder, steps: 42, onMetrics: listen }));
      assertEquals([...new Set(again)], [41, 42]);
      await assertRejects(
        () => fit(engine, options({ ...whole, folder, seed: 4 })),
        Error,
        "take another folder",
      );
    })
  ));

/** Trains in a folder, in a process of its own, until it is killed. */
async function startElsewhere(folder: string): Promise<Deno.ChildProcess> {
  const from = (path: string) => JSON.stringify(import.meta.resolve(`../../${path}`));
  const source = `
    import { mul, openEngine, sum } from ${from("mod.ts")};
    import { fit } from ${from("src/train/mod.ts")};
    import { ones } from ${from("src/tensor/mod.ts")};
    using engine = await openEngine("reference");
    await fit(engine, {
      init: () => ones([2]),
      batch: async (step) => {
        if (step === 3) console.log("training");
        if (step >= 3) await new Promise(() => setInterval(() => {}, 1000));
        return {};
      },
      step: (x) => ({ training: mul(x, 0.5), metrics: { loss: sum(x) } }),
      steps: 40,
      rate: 1,
      samples: 1,
      saveEvery: 1,
      progress: null,
      folder: ${JSON.stringify(folder)},
    });`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--ext=ts", "-"],
    cwd: new URL("../..", import.meta.url),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await new Blob([source]).stream().pipeTo(child.stdin);
  const reader = child.stdout.getReader();
  assertEquals(new TextDecoder().decode((await reader.read()).value), "training\n");
  await reader.cancel();
  return child;
}

Deno.test("fit() in a folder with more steps than it is asked for says so", () =>
  withEngine((engine) =>
    withFolder(async (folder) => {
      const trained = await fit(engine, options({ folder, steps: 6 }));
      const before = engine.memory().live;
      await assertRejects(
        () => fit(engine, options({ folder, steps: 5 })),
        RangeError,
        "for 5 steps: its checkpoint is of step 6. Ask for 6 or more, or take another folder.",
      );
      // What was trained is held until here.
      assertEquals(engine.memory().live, before);
      assertEquals(trained.record.ledger.steps, 6);
      const { record } = await fit(engine, options({ folder, steps: 7 }));
      assertEquals(record.ledger.steps, 7);
    })
  ));

Deno.test("one training at a time works in a folder; the lock ends with a killed process", () =>
  withEngine((engine) =>
    withFolder(async (folder) => {
      const child = await startElsewhere(folder);
      const before = await Deno.readTextFile(`${folder}/metrics.jsonl`);
      const own = {
        init: () => ones([2]),
        batch: () => ({}),
        step: (x: Tensor) => ({ training: mul(x, 0.5), metrics: { loss: sum(x) } }),
        ...{ steps: 5, rate: 1, samples: 1, saveEvery: 1, progress: null, folder },
      };
      const told = "another process holds its lock";
      await assertRejects(() => fit(engine, own), Error, told);
      assertEquals(await Deno.readTextFile(`${folder}/metrics.jsonl`), before);
      child.kill("SIGKILL");
      await child.status;
      const { training } = await fit(engine, own);
      assertEquals((await engine.read(training)).data, Float32Array.of(0.5 ** 5, 0.5 ** 5));
      // Two of one process are no better: the first one waits for a batch, so it cannot have ended.
      const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const twice = { ...own, folder: `${folder}-twice` };
      const first = fit(engine, {
        ...twice,
        batch: async () => {
          begun.resolve();
          await go.promise;
          return {};
        },
      });
      await begun.promise;
      await assertRejects(() => fit(engine, twice), Error, told);
      go.resolve();
      await first;
    })
  ));

Deno.test("fit() stops where a loss is not finite, and names the step", () =>
  withEngine(async (engine) => {
    const diverging = fit(engine, {
      init: () => hostless(),
      batch: () => ({ x: hostArray([1]) }),
      step: (training, { x }) => {
        const next = sub(training, x);
        return { training: next, metrics: { loss: logarithm(next) } };
      },
      steps: 5,
      rate: 1,
      progress: null,
    });
    const error = await assertRejects(() => diverging, RangeError);
    assertStringIncludes(error.message, '"loss" is -Infinity at step 3');
  }));

const hostless = (): Tensor => constant([3]);

/** What must not be accepted, and what the message must say. */
const refused: readonly (readonly [Record<string, unknown>, string])[] = [
  [{ lr: 0.1 }, "found the option 'lr'"],
  [{ rate: undefined }, "found undefined for 'rate'"],
  [{ step: undefined }, "found undefined for 'step'"],
  [{ steps: 0 }, "found 0 for 'steps'"],
  [{ evaluateEvery: 0.5 }, "found 0.5 for 'evaluateEvery'"],
  [{ batch: () => ({ x: [1, 2] }) }, "with the batch of step 0: found 1 at x.0"],
];

for (const [change, message] of refused) {
  Deno.test(`fit() refuses ${Object.keys(change)}: ${message}`, () =>
    withEngine(async (engine) => {
      const wrong = { ...options(), ...change } as ReturnType<typeof options>;
      const error = await assertRejects(() => fit(engine, wrong), Error);
      assertStringIncludes(error.message, message);
    }));
}

Deno.test("own images, an encoder of their size and a loop of one's own", () =>
  withEngine(async (engine) => {
    // Bright above or bright below, 8 x 6 pixels, grey.
    const images = Array.from(
      { length: 24 },
      (_, n) =>
        Array.from({ length: 8 }, (_, row) =>
          Array.from({ length: 6 }, (_, column) => {
            const bright = (row < 4) === (n % 2 === 0);
            return (bright ? 200 : 20) + (n * 7 + row * 3 + column) % 20;
          })),
    );
    const labels = Array.from({ length: 24 }, (_, n) => n % 2 === 0 ? "above" : "below");
    const data = imageDataset({ images, labels });
    const net = sequential({
      body: encoder({
        widths: [2],
        embedding: 4,
        dropout: 0,
        normalization: "layer",
        images: data,
      }),
      head: linear({ inputs: 4, outputs: data.classNames.length }),
    });
    const optimizer = adam();
    const sampler = new EpochSampler({
      indices: Int32Array.from({ length: data.count }, (_, k) => k),
      batchSize: 8,
      seed: 0,
    });
    const accuracies: number[] = [];
    await fit(engine, {
      init: (key) => trainingState(net.init(key), optimizer),
      constants: packImages(data),
      batch: (step) => ({ rows: rowsOf(sampler.batch(step)) }),
      step: (training, { rows }, { rate, key, constants }) => {
        const pixels = takeImages(constants, rows, data);
        const classes = takeLabels(constants, rows);
        const { value, grad, aux } = valueAndGradAux((params: typeof training.params) => {
          const applied = net.apply(params, training.state, pixels, { training: true, key });
          return {
            loss: softmaxCrossEntropy(applied.output, classes),
            aux: { state: applied.state, right: accuracy(applied.output, classes) },
          };
        })(training.params);
        const updated = optimizer.update(grad, training.optimizer, training.params, { rate });
        return {
          training: { params: updated.params, state: aux.state, optimizer: updated.state },
          metrics: { loss: value, accuracy: aux.right },
        };
      },
      steps: 30,
      rate: 0.003,
      progress: null,
      onMetrics: ({ accuracy }) => accuracy !== undefined && accuracies.push(Number(accuracy)),
    });
    assertEquals(accuracies.slice(-6), [1, 1, 1, 1, 1, 1]);
  }));
