/** Soak: ten thousand training steps take no more memory than a hundred. */
import { assert, assertEquals } from "@std/assert";
import {
  adam,
  classifierHead,
  encoder,
  type Engine,
  linear,
  rotation,
  sgd,
  supervisedAugment,
  syntheticImages,
} from "../../mod.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { backboneOf, ImageTraining, metaObjective, runStage } from "../../src/train/mod.ts";
import { MetricsLog, Progress } from "../../src/run/mod.ts";

/** What memory did over a stage. */
export interface MemoryReport {
  /** Steps that were looked at. */
  readonly steps: number;
  /** Bytes that the engine held at each look; the first tenth of the steps is not looked at. */
  readonly live: readonly number[];
  /**
   * Slope of the process's resident memory in bytes a step (least squares) over the second half: before,
   * the heap of the script engine grows once or twice by tens of megabytes, as large as it needs it.
   */
  readonly slope: number;
}

/** Bytes that a step may add: a leak of one small buffer or promise a step is more. */
const MOST_SLOPE = 1024;

/**
 * Trains a tiny model through the loop that experiments use, checkpoints and metrics included, and looks
 * at the memory.
 *
 * @param engine Where to train; closed by the caller.
 * @param options Steps in all, and whether they are of meta-training.
 */
export async function watchMemory(
  engine: Engine,
  { steps, meta }: { readonly steps: number; readonly meta: boolean },
): Promise<MemoryReport> {
  const { train: dataset } = syntheticImages({ seed: 0, trainCount: 40, testCount: 10 });
  const task = {
    dataset,
    train: Int32Array.from({ length: 32 }, (_, row) => row),
    validation: Int32Array.of(32, 33, 34, 35),
    head: classifierHead({ inputs: 4, classes: 10, hidden: 4 }),
  };
  const training = ImageTraining.open(engine, {
    encoder: encoder({ widths: [2, 2, 2], embedding: 4 }),
    embedding: 4,
    probe: linear({ inputs: 4, outputs: 10 }),
    optimizer: adam(),
    augment: supervisedAugment(),
    ...{ source: task, target: task, batchSize: 4, evaluationBatch: 4, seed: 0 },
    // Statistics are collected again and backbones adapted at every look.
    ...{ refreshBatches: 2, adaptationDraws: 2 },
  });
  const { judge } = training;
  const objective = metaObjective(training.learner("source"), {
    tasks: [rotation({ hidden: 4 })],
    inner: { innerSteps: 1, innerRate: 0.001, optimizer: sgd() },
    order: "exact",
  });
  const plan = { arm: "watched", phase: "pretrain", side: "source", steps, rate: 1e-5 } as const;
  const stage = meta
    ? training.stage(objective, {
      ...plan,
      evaluate: async (trained) => ({
        adapted: (await judge.adapted(objective, trained, judge.held("source"))).accuracy,
        nearest: await judge.nearest(backboneOf(trained)),
      }),
    })
    : training.stage(training.classification("source"), plan);
  const looks: { readonly step: number; readonly live: number; readonly rss: number }[] = [];
  const every = Math.max(5, Math.floor(steps / 100));
  const folder = await Deno.makeTempDir();
  try {
    using metrics = MetricsLog.open(folder);
    let evaluations = 0;
    await runStage({
      ...stage,
      // Nothing waits to be read when a stage is evaluated, so that live bytes must be equal.
      evaluate: async (state) => {
        const step = every * evaluations++;
        if (step >= steps / 10) {
          looks.push({ step, live: engine.memory().live, rss: Deno.memoryUsage().rss });
        }
        return await stage.evaluate(state);
      },
    }, {
      ...{ engine, metrics, checkpoints: `${folder}/checkpoints`, progress: new Progress() },
      signal: new AbortController().signal,
      evaluateEvery: every,
      saveEvery: every * 10,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return {
    steps,
    live: looks.map(({ live }) => live),
    slope: slopeOf(looks.slice(looks.length >> 1)),
  };
}

/** Least squares: the slope of `rss` over `step`. */
function slopeOf(looks: readonly { readonly step: number; readonly rss: number }[]): number {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
  const [step, rss] = [mean(looks.map((look) => look.step)), mean(looks.map((look) => look.rss))];
  const sum = (f: (look: { step: number; rss: number }) => number) =>
    looks.reduce((total, look) => total + f(look), 0);
  return sum((look) => (look.step - step) * (look.rss - rss)) /
    sum((look) => (look.step - step) ** 2);
}

/** Checks that an engine held the same bytes at every look. */
export function assertConstant({ live }: MemoryReport): void {
  assert(live.length >= 5, `${live.length} looks`);
  assertEquals(new Set(live).size, 1, `live bytes: ${live.join()}`);
}

/** So many steps on webgpu after as many that warm up, a tenth of them of meta-training and on tfjs. */
export async function memory(steps: number, log: (line: string) => void): Promise<void> {
  for (
    const [name, meta, count] of [
      ["webgpu", false, 2 * steps],
      ["webgpu", true, Math.floor(steps / 5)],
      ["tfjs", false, Math.floor(steps / 5)],
    ] as const
  ) {
    const engine = await openEngine(name);
    try {
      assertEquals(engine.info.name, name);
      const report = await watchMemory(engine, { steps: count, meta });
      const kind = meta ? "meta-training" : "classification";
      log(
        `${name}, ${count} steps of ${kind}: live bytes ${Math.min(...report.live)} to ` +
          `${Math.max(...report.live)}, RSS ${report.slope.toFixed(0)} bytes a step`,
      );
      assertConstant(report);
      // What a garbage collector leaves lying about counts for much over few steps.
      if (count >= 20_000) assert(report.slope < MOST_SLOPE, `RSS grows by ${report.slope} a step`);
    } finally {
      engine.close();
    }
  }
}
