/**
 * A program with one experiment whose arms are data, for tests of sweeps: it counts, slowly if told, and writes
 * a unit's summary. Arms may fail, die, or differ.
 */
import { z } from "zod";
import { defineExperiment } from "../../src/experiment/define_experiment.ts";
import { hostArray, openEngine } from "../../src/engine/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { matmul } from "../../src/ops/mod.ts";
import { runCommand } from "../../src/experiment/run_command.ts";
import { unit } from "./simulate.ts";

/** The product, as tables of kernels have it. */
export const PRODUCT =
  "matrix product: batch 1, rows 16, inner 32, columns 8, transposeA 0, transposeB 0";

const arm = z.strictObject({
  like: z.string().optional(),
  gain: z.number().optional(),
  fails: z.boolean().optional(),
}).nullable();

const schema = z.strictObject({
  arms: z.record(z.string(), arm).default({
    scratch: { gain: 0 },
    meta: { gain: 0.1 },
    first: { like: "meta" },
    broken: { fails: true },
    gone: null,
  }),
  regimes: z.record(z.string(), z.strictObject({ labels: z.int().optional() }))
    .default({ same: {}, poor: { labels: 20 } }),
  only: z.strictObject({
    arms: z.array(z.string()).nullable().default(null),
    regimes: z.array(z.string()).nullable().default(null),
  }).prefault({}),
  judgeBy: z.enum(["test", "validation"]).default("test"),
  steps: z.int().default(4),
  pause: z.number().default(0).describe("Milliseconds of a step."),
  multiplies: z.boolean().default(false).describe("Whether a unit computes a product on WebGPU."),
  asked: z.string().nullable().default(null).describe(
    "A file that gets a line for each prediction.",
  ),
});

const experiment = defineExperiment({
  name: "demo",
  title: "A demo",
  summary: "Counts.",
  schema,
  async predict({ only, arms, steps, pause, asked, multiplies }, { memory, onShape }) {
    if (multiplies) onShape?.(PRODUCT);
    const [arm = ""] = only.arms ?? [];
    const [regime = ""] = only.regimes ?? [];
    if (asked !== null) await Deno.writeTextFile(asked, `${regime}/${arm}\n`, { append: true });
    if (arms[arm]?.fails) throw new Error("no device is as large");
    if (arm === "scratch") return "No device is as small.";
    return {
      ...{ adapter: "some GPU", profile: "measured" },
      phases: [{
        ...{ arm, phase: "train", steps: arms[arm]?.like ? 2 * steps : steps },
        ...{ stepSeconds: pause / 1000, evaluations: 1, evaluationSeconds: 5 },
        ...{ peakBytes: memory ?? 2 ** 20, splits: {} },
      }],
      ...{ assumed: ["ten images"], notCounted: ["the first call"] },
    };
  },
  async run({ config, seed, folder, log, signal, engineOptions }) {
    const [name, ...more] = config.only.arms ?? [];
    const [regime] = config.only.regimes ?? [];
    if (name === undefined || regime === undefined || more.length > 0) {
      throw new Error(`expected one arm and one regime, found ${JSON.stringify(config.only)}`);
    }
    // Two processes at once would both write here: the test looks for a line that stands twice.
    const count = async () =>
      (await Deno.readTextFile(folder.file("trace.txt")).catch(() => "")).split("\n").length - 1;
    for (let step = await count() + 1; step <= config.steps; step++) {
      await new Promise((resolve) => setTimeout(resolve, config.pause));
      signal.throwIfAborted();
      log(`step ${step}`);
      await Deno.writeTextFile(folder.file("trace.txt"), `${step}\n`, { append: true });
    }
    if (config.arms[name]?.fails) throw new Error("this arm is broken");
    if (config.multiplies) {
      using engine = await openEngine("webgpu", engineOptions);
      const product = await engine.jit((a: Tensor, b: Tensor) => matmul(a, b))(
        hostArray(Float32Array.from({ length: 512 }, (_, k) => Math.sin(k)), [1, 16, 32]),
        hostArray(Float32Array.from({ length: 256 }, (_, k) => Math.cos(k)), [1, 32, 8]),
      );
      const { data } = await engine.read(product);
      await folder.writeText("product.json", JSON.stringify([...data as Float32Array]));
    }
    const accuracy = 0.5 + (config.arms[name]?.gain ?? 0) + seed / 100;
    const { unit: summary } = unit({
      ...{ arm: name, regime, seed, accuracy, curve: [0.1, accuracy] },
    });
    const outcomes = summary.outcomes.map(({ test, ...outcome }) =>
      config.judgeBy === "test" ? { ...outcome, test } : outcome
    );
    await folder.writeText("unit.json", JSON.stringify({ ...summary, outcomes }));
  },
});

if (import.meta.main) {
  const [name, ...args] = Deno.args;
  if (name !== "demo") throw new Error(`expected demo, found ${name}`);
  Deno.exit(await runCommand(experiment, { args }));
}
