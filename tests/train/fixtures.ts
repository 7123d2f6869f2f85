/** A small experiment of two stages, run in this process: what happens to its files is what is tested. */
import { z } from "zod";
import { openEngine } from "../../src/engine/mod.ts";
import { hostArray } from "../../src/ir/host_array.ts";
import { defineExperiment, type Experiment } from "../../src/experiment/define_experiment.ts";
import { runCommand } from "../../src/experiment/run_command.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { add, mul, sin } from "../../src/tensor/mod.ts";
import { loadCheckpoint } from "../../src/run/checkpoint.ts";
import { lastMetricsPosition } from "../../src/train/stage_checkpoints.ts";
import { runStage } from "../../src/train/run_stage.ts";
import type { Concrete } from "../../src/engine/mod.ts";

/** Steps of a stage, and between its checkpoints. */
const STEPS = 6;
const EVERY = 2;

/** What training changes: two tensors of one shape, so that one can be taken for the other. */
interface Pair {
  readonly x: Tensor;
  readonly y: Tensor;
}

type Config = { readonly scale: number; readonly deep: { readonly seen: number } };

/** How a run goes. */
interface Course {
  /** Step of the second stage that fails, as if the process had been killed there. */
  readonly stopBefore?: number;
  /** Milliseconds of every step. */
  readonly pause?: number;
  /** Steps of a stage; 6 unless told. */
  readonly steps?: number;
}

/** Two stages, `arm-first` and `arm-second`, of a map without meaning that forgets nothing. */
function twoStages({ stopBefore, pause = 0, steps = STEPS }: Course): Experiment<Config> {
  return defineExperiment({
    name: "two-stages",
    title: "Two stages",
    summary: "Iterates a map.",
    schema: z.strictObject({
      scale: z.number().default(1.5).describe("Factor."),
      deep: z.strictObject({ seen: z.int().default(3).describe("Nothing.") }).prefault({}),
    }),
    async run({ config, folder, progress, openMetrics, seed, signal, log, describe, data }) {
      await describe({ data }, { binding: ["data"] });
      const engine = await openEngine("reference");
      try {
        const next = engine.jit(({ x, y }: Pair) => {
          const z = sin(mul(x, config.scale));
          return { training: { x: add(y, z), y: add(x, 0.1) }, metrics: { z } };
        });
        const checkpoints = folder.file("checkpoints");
        const phases = ["first", "second"];
        const resumeAt = await lastMetricsPosition(phases.map((phase) => `arm-${phase}`), {
          folder: checkpoints,
          run: folder.path,
          onCorrupt: ({ message }) => log(message),
        });
        const metrics = openMetrics(resumeAt ? { resumeAt } : {});
        let training: Concrete<Pair> | undefined;
        for (const phase of phases) {
          const from = training;
          const result = await runStage<Concrete<Pair>>({
            arm: "arm",
            phase,
            steps,
            start: () =>
              Promise.resolve(
                from ?? engine.put({ x: hostArray([seed], []), y: hostArray([0.5], []) }),
              ) as Promise<Concrete<Pair>>,
            cost: () => Promise.resolve({ samples: 1, flops: 1 }),
            step: async (at, step) => {
              if (phase === "second" && step + 1 === stopBefore) throw new Error("stopped here");
              if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
              const done = await next(at);
              return { ...done, metrics: { z: done.metrics.z } };
            },
            evaluate: async (at) => ({ x: (await engine.read(at)).x.data[0]! }),
          }, {
            ...{ engine, metrics, checkpoints, progress, signal },
            evaluateEvery: 3,
            saveEvery: EVERY,
            onCorrupt: () => {},
          });
          training = result.training;
        }
        const { x, y } = await engine.read(training!);
        await folder.writeSummary({ x: x.data[0], y: y.data[0] });
      } finally {
        engine.close();
      }
    },
  });
}

/** What a command gave. */
export interface Outcome {
  /** Exit code. */
  readonly code: number;
  /** Last line on standard output: the run folder. */
  readonly path: string;
  /** Standard error. */
  readonly err: string;
}

/** Runs the experiment with these flags. */
export async function runTwoStages(
  args: readonly string[],
  course: Course = {},
): Promise<Outcome> {
  const out: string[] = [];
  let err = "";
  const code = await runCommand(twoStages(course), {
    args,
    output: {
      print: (line) => void out.push(line),
      progress: {
        write: (text) => void (err += text),
        terminal: false,
        color: false,
        columns: () => 0,
        now: () => 0,
      },
    },
  });
  return { code, path: out.at(-1) ?? "", err };
}

/** Everything in a run folder that must not depend on what happened on the way. */
export async function resultsOf(path: string, steps = STEPS): Promise<string[]> {
  const texts = await Promise.all(
    ["metrics.jsonl", "summary.json"].map((name) => Deno.readTextFile(`${path}/${name}`)),
  );
  const stages = await Promise.all(["first", "second"].map(async (phase) => {
    const { tensors, metadata } = await loadCheckpoint(
      `${path}/checkpoints/arm-${phase}/step-00000000${steps}.safetensors`,
    );
    // Seconds, of the whole and of each evaluation, are a run's own.
    const record = JSON.parse(
      metadata["record"]!,
      (name, value) => name === "seconds" ? undefined : value,
    );
    const values = Object.entries(tensors).map(([name, { data }]) => `${name} ${data.join()}`);
    return [...values, JSON.stringify(record)];
  }));
  return [...texts, ...stages.flat()];
}

/** Copies a folder with all that is in it. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
