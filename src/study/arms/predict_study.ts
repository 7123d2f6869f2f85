/**
 * What a study will take, before it begins: its programs are planned for the adapter and run on paper.
 *
 * @module
 */
import type { Objectives } from "../../components/mod.ts";
import type { PredictedPhase, Prediction, PredictionContext } from "../../experiment/mod.ts";
import { findKernels, findProfile, readKernels } from "../../machine/mod.ts";
import { NoAdapterError, openGpu } from "../../gpu/device.ts";
import { openPaper, type Paper } from "../../predict/paper_backend.ts";
import type { ImageSplits } from "../../data/mod.ts";
import { EMPTY_LEDGER } from "../../meta/mod.ts";
import type { Stage, StageResult } from "../../train/mod.ts";
import { paperImages } from "./paper_images.ts";
import type { StudyConfig } from "./study_schema.ts";
import { walkStudy } from "./walk_study.ts";

/** Losses are read about once a second, after so many steps at most: as in `runStage`. */
const READ_SECONDS = 1;
const MOST_PENDING = 64;

/**
 * Steps whose losses are read together.
 *
 * @param stepSeconds Seconds of a step.
 */
export function stepsPerRead(stepSeconds: number): number {
  return Math.max(1, Math.min(MOST_PENDING, READ_SECONDS / stepSeconds));
}

const NOT_COUNTED = [
  "loading data",
  "tracing and compiling at the first call of each program",
  "the guard before the first step",
  "pictures, checkpoints and the report",
  "votes of nearest neighbours and all else that the host computes",
];

/**
 * Predicts the time and the memory of every phase of every arm.
 *
 * @param config The configuration.
 * @param context Seed, engine, data, memory, precision; the objectives of its schema.
 * @returns The prediction; a sentence where there is none.
 */
export async function predictStudy(
  config: StudyConfig,
  context: PredictionContext & { readonly objectives: Objectives },
): Promise<Prediction | string> {
  const { engine: choice, memory, halfPrecision, onShape, log } = context;
  if (choice === "tfjs" || choice === "reference") {
    return `No prediction for the engine "${choice}": it has no plans. Ask for webgpu.`;
  }
  let gpu;
  try {
    gpu = await openGpu();
  } catch (error) {
    if (!(error instanceof NoAdapterError)) throw error;
    return `No prediction: ${error.message}`;
  }
  try {
    const { profile } = await findProfile(gpu.device, { measure: "never", log });
    const kernels = context.kernels === undefined
      ? await findKernels(gpu.device, { halfPrecision, log })
      : await readKernels(gpu.device, context.kernels);
    const options = {
      ...{ profile, halfPrecision },
      ...(kernels && { kernels: kernels.value }),
      ...(onShape && { onShape }),
      ...(memory !== undefined && { byteBudget: memory }),
    };
    using paper = openPaper(gpu, options);
    return await predictOnPaper(config, { paper, ...context });
  } finally {
    gpu.close();
  }
}

/**
 * Predicts a study on an engine of paper.
 *
 * @param config The configuration.
 * @param options The engine, the seed, the name of the data, the objectives of the schema.
 * @returns The prediction.
 */
export async function predictOnPaper(
  config: StudyConfig,
  { paper, seed, data, objectives }: Pick<PredictionContext, "seed" | "data"> & {
    readonly paper: Paper;
    readonly objectives: Objectives;
  },
): Promise<Prediction> {
  const { images, assumed } = paperImages(config, data);
  const phases: PredictedPhase[] = [];
  const { adapter, profile } = paper.engine.info;
  const { readback, source } = profile!;
  await runOnPaper(config, { paper, images, seed, readback, phases, objectives });
  return { adapter, profile: source, phases, assumed, notCounted: NOT_COUNTED };
}

/** Where and what for. */
interface OnPaper {
  readonly paper: Paper;
  readonly images: ImageSplits;
  readonly seed: number;
  readonly objectives: Objectives;
  /** Nanoseconds from asking for a result to having it. */
  readonly readback: number;
  /** Receives the parts of the run. */
  readonly phases: PredictedPhase[];
}

/** Goes through all that the study does, every step of a kind once or twice. */
async function runOnPaper(config: StudyConfig, at: OnPaper): Promise<void> {
  const { images, paper, seed, phases, objectives } = at;
  await walkStudy(config, {
    ...{ engine: paper.engine, images, seed, objectives },
    run: (stage) => predictStage(stage, { ...at, evaluateEvery: config.evaluateEvery }),
    judge: async (part, judge) => {
      const { seconds, peakBytes, splits } = await paper.during(judge);
      phases.push({
        ...{ ...part, steps: 0, stepSeconds: 0 },
        ...{ evaluations: 1, evaluationSeconds: seconds, peakBytes, splits },
      });
    },
  });
}

/** Takes two steps of a stage and one evaluation; the rest is like them. */
async function predictStage<S>(
  stage: Stage<S>,
  at: OnPaper & { readonly evaluateEvery: number },
): Promise<StageResult<S>> {
  const { paper, phases, readback, evaluateEvery } = at;
  const { arm, phase, steps } = stage;
  const start = await paper.during(() => stage.start());
  let training = start.result;
  const step = await paper.during(async () => {
    for (let k = 0; k < 2; k++) {
      const { training: next, metrics } = await stage.step(training, Math.min(k, steps - 1));
      paper.engine.release(metrics);
      training = next;
    }
  });
  const evaluation = await paper.during(() => stage.evaluate(training));
  await stage.close?.();
  const stepSeconds = step.seconds / 2;
  phases.push({
    ...{ arm, phase, steps },
    stepSeconds: stepSeconds + 1e-9 * readback / stepsPerRead(stepSeconds),
    // Before the first step, and after the last.
    evaluations: 1 + Math.ceil(steps / evaluateEvery),
    evaluationSeconds: evaluation.seconds,
    peakBytes: Math.max(start.peakBytes, step.peakBytes, evaluation.peakBytes),
    splits: { ...start.splits, ...step.splits, ...evaluation.splits },
  });
  const point = { step: 0, samples: 0, flops: 0, seconds: 0, ...evaluation.result };
  return { training, record: { ledger: EMPTY_LEDGER, curve: [point] } };
}
