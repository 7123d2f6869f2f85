/**
 * What `--dry-run` says, and what then happens: `deno task bench:predictions [--only W-mid,smoke]`.
 *
 * The meta-gradients W-small and W-mid, and every phase of `cifar-maml` in its presets smoke and quick, predicted by
 * the adapter's profile (kept, or measured now with --measure) and timed: steps one after the other, whose losses
 * are read as rarely as in a run, and evaluations. What compiles is not timed. Prints markdown and writes nothing.
 *
 * @module
 */
import { objectives } from "../src/components/mod.ts";
import { type Engine, openEngine } from "../src/engine/mod.ts";
import { loadPresets } from "../src/experiment/presets.ts";
import { resolveConfig, setLayer } from "../src/experiment/config_layers.ts";
import { openGpu } from "../src/gpu/device.ts";
import { findProfile } from "../src/machine/mod.ts";
import { EMPTY_LEDGER } from "../src/meta/mod.ts";
import { openPaper } from "../src/predict/paper_backend.ts";
import { measureAdapter } from "../src/profile/measure_adapter.ts";
import { paperImages } from "../src/study/arms/paper_images.ts";
import { predictOnPaper, stepsPerRead } from "../src/study/arms/predict_study.ts";
import { studySchema } from "../src/study/arms/study_schema.ts";
import { walkStudy } from "../src/study/arms/walk_study.ts";
import type { Stage, StageResult } from "../src/train/mod.ts";
import { experiment } from "../experiments/cifar-maml.ts";
import { benchFlags } from "./flags.ts";
import { plannedGradient } from "./growth_points.ts";
import { loadWorkload } from "./loaded_workload.ts";
import { median } from "./peers/sampling.ts";
import { contextLine, resultsContext } from "./results_file.ts";
import { markdownTable } from "./table.ts";

const NAMES = ["W-small", "W-mid", "smoke", "quick"] as const;
type Name = typeof NAMES[number];

/** Timings of everything, of which the middle one counts, and how long each takes at least, in milliseconds. */
const ROUNDS = 3;
const LONG = 200;

const USAGE = `\
What a dry run says of the meta-gradients W-small and W-mid and of cifar-maml, and what they then take. Prints
markdown.

  --only NAME,...   ${NAMES.join(", ")} (default all)
  --arms NAME,...   arms of cifar-maml (default all)
  --measure         measure the adapter now, instead of taking its kept or built-in profile
  --help            this text`;

const { values: flags, given } = await benchFlags("deno task bench:predictions", USAGE, {
  value: ["only", "arms"],
  plain: ["measure"],
});
const wanted = flags.only?.split(",") ?? NAMES;
const unknown = wanted.find((name) => !NAMES.includes(name as Name));
if (unknown !== undefined) {
  throw new RangeError(
    `Cannot compare predictions: found "${unknown}", expected ${NAMES.join(" or ")}.`,
  );
}

const gpu = await openGpu();
const profile = given.measure
  ? await measureAdapter(gpu)
  : (await findProfile(gpu.device, { measure: "never", log: console.error })).profile;

/** A part of something, predicted and timed, in milliseconds. */
interface Compared {
  readonly part: string;
  readonly predicted: number;
  /** The middle of several. */
  readonly taken: number;
  /** How much of that the host needed to give out the work, where that is known. */
  readonly host?: number;
}

/** Milliseconds of something done several times, and of what it says itself. */
async function timed(run: () => Promise<number | void>): Promise<Pick<Compared, "taken" | "host">> {
  const all: number[] = [];
  const hosts: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    const host = await run();
    all.push(performance.now() - start);
    if (typeof host === "number") hosts.push(host);
  }
  return { taken: median(all), ...(hosts.length > 0 && { host: median(hosts) }) };
}

/** A meta-gradient, its inner steps computed again. */
async function metaGradient(name: "small" | "mid"): Promise<Compared> {
  using paper = openPaper(gpu, { profile });
  const { predicted } = await plannedGradient(paper, name);
  const workload = await loadWorkload(name, "exact", true, { profile });
  try {
    await workload.run(1);
    const count = Math.max(2, Math.ceil(LONG / predicted));
    // The wait at the end is no part of a step.
    const once = await timed(() => workload.run(1));
    const more = await timed(() => workload.run(1 + count));
    return { part: `W-${name}`, predicted, taken: (more.taken - once.taken) / count };
  } finally {
    workload.backend.close();
  }
}

/** The phases of a study, in order: their steps and their evaluations. */
async function study(preset: "smoke" | "quick"): Promise<Compared[]> {
  const { common, layer } = await loadPresets(experiment);
  const arms = flags.arms === undefined ? [] : [await setLayer(`only.arms=[${flags.arms}]`)];
  const config = await resolveConfig(studySchema, [...common, layer(preset), ...arms]);
  using paper = openPaper(gpu, { profile });
  const { phases } = await predictOnPaper(config, {
    paper,
    seed: 0,
    data: "synthetic",
    objectives,
  });
  using engine = await openEngine("webgpu", { profile });
  const found: Compared[] = [];
  const compare = (part: string, predicted: number, taken: Pick<Compared, "taken" | "host">) => {
    console.error(`${preset} ${part}`);
    found.push({ part: `${preset} ${part}`, predicted: 1e3 * predicted, ...taken });
  };
  const phaseOf = (part: { readonly arm: string; readonly phase: string }) =>
    phases.find(({ arm, phase }) => arm === part.arm && phase === part.phase)!;
  await walkStudy(config, {
    ...{ engine, images: paperImages(config, "synthetic").images, seed: 0, objectives },
    run: async (stage) => {
      const { stepSeconds, evaluationSeconds } = phaseOf(stage);
      const { result, step, evaluation } = await timedStage(engine, stage, stepSeconds);
      compare(`${stage.arm} ${stage.phase}, a step`, stepSeconds, step);
      compare(`${stage.arm} ${stage.phase}, an evaluation`, evaluationSeconds, evaluation);
      return result;
    },
    judge: async (part, judge) => {
      await judge();
      const taken = await timed(async () => void await judge());
      compare(`${part.arm} ${part.phase}`, phaseOf(part).evaluationSeconds, taken);
    },
  });
  return found;
}

/** Steps of a stage whose losses are read together, and its evaluation. */
async function timedStage<S>(engine: Engine, stage: Stage<S>, stepSeconds: number): Promise<{
  readonly result: StageResult<S>;
  readonly step: Pick<Compared, "taken" | "host">;
  readonly evaluation: Pick<Compared, "taken" | "host">;
}> {
  let training: S = await stage.start();
  let at = 0;
  const steps = async (count: number): Promise<number> => {
    const start = performance.now();
    const pending = [];
    for (let k = 0; k < count; k++) {
      const { training: next, metrics } = await stage.step(training, at++ % stage.steps);
      training = next;
      pending.push(metrics);
    }
    const host = performance.now() - start;
    await engine.read(pending);
    engine.release(pending);
    return host;
  };
  await steps(2);
  const count = Math.round(stepsPerRead(stepSeconds));
  const { taken, host } = await timed(() => steps(count));
  const step = { taken: taken / count, host: host! / count };
  const result = await stage.evaluate(training);
  const evaluation = await timed(async () => void await stage.evaluate(training));
  await stage.close?.();
  const point = { step: 0, samples: 0, flops: 0, seconds: 0, ...result };
  return {
    ...{ step, evaluation },
    result: { training, record: { ledger: EMPTY_LEDGER, curve: [point] } },
  };
}

const context = await resultsContext(
  gpu.info.label,
  ["deno task bench:predictions", ...Deno.args].join(" "),
);
const compared: Compared[] = [];
for (const name of wanted as Name[]) {
  if (name === "smoke" || name === "quick") compared.push(...await study(name));
  else compared.push(await metaGradient(name === "W-small" ? "small" : "mid"));
}
gpu.close();

console.log(`${contextLine(context)}\n`);
console.log(
  markdownTable(
    ["", "predicted, ms", "taken, ms", "predicted / taken", "of the host, ms"],
    compared.map(({ part, predicted, taken, host }) => [
      ...[part, predicted.toFixed(1), taken.toFixed(1), (predicted / taken).toFixed(2)],
      host === undefined ? "-" : host.toFixed(2),
    ]),
  ),
);
const close = compared.filter(({ predicted, taken }) => Math.abs(predicted / taken - 1) <= 0.25);
console.log(`\n${close.length} of ${compared.length} within 25 %`);
