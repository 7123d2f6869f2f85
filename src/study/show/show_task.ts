/**
 * Pictures of one pretext task, by a fresh model or by one that a run has trained.
 *
 * @module
 */
import type { Objectives } from "../../components/mod.ts";
import { channelStatistics, type ImageSplits } from "../../data/mod.ts";
import type { Concrete, Engine } from "../../engine/mod.ts";
import { unknownName, UsageError } from "../../experiment/usage_error.ts";
import { CheckpointStore } from "../../run/checkpoint.ts";
import type { RunRecord } from "../../run/run_folder.ts";
import { restoreTree } from "../../run/stored_tree.ts";
import {
  ImageTraining,
  type Objective,
  stageName,
  type TaskPictures,
  type TrainingState,
} from "../../train/mod.ts";
import { armLabel, type Phase } from "../arms/arms.ts";
import { studyModel, taskSetting } from "../arms/image_learner.ts";
import { makeObjective } from "../arms/make_objective.ts";
import { firstImages, regimeImages } from "../arms/regimes.ts";
import { pretrainPhase } from "../arms/run_unit.ts";
import { armsOf, regimeNames, type StudyConfig, studySchemaOn } from "../arms/study_schema.ts";

/** A phase of pretraining that has a task. */
interface Candidate {
  readonly regime: string;
  /** Name in stages. */
  readonly label: string;
  /** Name of the phase. */
  readonly phase: string;
  readonly plan: Phase;
}

/** What is shown, by which model. */
export interface Shown {
  /** The task's pictures and figures. */
  readonly drawn: TaskPictures;
  /** Which model has made them, in words. */
  readonly model: string;
}

/**
 * The configuration of a fresh model and one task.
 *
 * @param task Name of the task.
 * @param options Rows and columns of the images, how many are shown, and objectives on all tasks there are.
 */
export function untrainedConfig(
  task: string,
  { size, count, objectives }: {
    readonly size: number;
    readonly count: number;
    readonly objectives: Objectives;
  },
): StudyConfig {
  return studySchemaOn(objectives).parse({
    arms: { untrained: { pretrain: [{ objective: "pretext", tasks: { [task]: {} } }] } },
    // The one task that needs a transformer.
    ...(task === "masked-patches" && { model: { backbone: { encoder: null, vit: {} } } }),
    imageSize: size,
    batchSize: Math.max(32, count),
    trainImages: 2000,
    testImages: 1,
  });
}

/**
 * The configuration of a run.
 *
 * @param record What its folder says of it.
 * @param options The folder, for errors, and objectives on all tasks there are.
 * @throws {UsageError} If it is no run of a study on images, or has tasks that are not known.
 */
export function configOfRun(
  record: RunRecord,
  { folder, objectives }: { readonly folder: string; readonly objectives: Objectives },
): StudyConfig {
  const parsed = studySchemaOn(objectives).safeParse(record.config);
  if (parsed.success) return parsed.data;
  throw new UsageError(
    `Cannot show a task of ${folder}: it is a run of "${record.experiment}", expected one of an ` +
      `experiment with arms, such as cifar-maml. If it has tasks of its own, give their module: --from FILE.`,
  );
}

/**
 * Draws a pretext task on held-out images.
 *
 * @param engine Where to compute.
 * @param options The task, the data, the configuration and its objectives; the run folder with the checkpoints, unless the
 *   model is to be a fresh one; the arm, where several have the task; how many pictures; the seed.
 * @returns The pictures.
 * @throws {UsageError} If no arm has the task, or none that has it has a checkpoint.
 */
export async function showTask(
  engine: Engine,
  { task, splits: all, config, objectives, folder, arm, count, seed }: {
    readonly task: string;
    readonly splits: ImageSplits;
    readonly config: StudyConfig;
    readonly objectives: Objectives;
    readonly folder?: string;
    readonly arm?: string;
    readonly count: number;
    readonly seed: number;
  },
): Promise<Shown> {
  const candidates = candidatesOf(config, { task, wanted: arm, objectives });
  const stores = candidates.map((candidate) =>
    folder === undefined
      ? undefined
      : new CheckpointStore(`${folder}/checkpoints/${stageOf(candidate)}`)
  );
  const found = await Promise.all(
    stores.map((store) => store?.latest({ read: (file) => file })),
  );
  const at = folder === undefined ? 0 : found.findIndex((file) => file !== undefined);
  const candidate = candidates[at];
  if (!candidate) {
    throw new UsageError(
      `There is no checkpoint of ${candidates.map(stageOf).join(", ")} in ${folder}. Let the run ` +
        `save one, or leave --checkpoint out.`,
    );
  }
  const splits = { train: firstImages(all.train, config.trainImages) };
  const { source, target, model } = regimeImages(splits, config.regimes[candidate.regime]!, {
    ...config,
    model: ({ dataset, train }) => studyModel(config, channelStatistics(dataset, train)),
  });
  const { stream: _, ...sizes } = config;
  const training = ImageTraining.open(engine, {
    ...sizes,
    ...model,
    probe: model.probe(target.dataset.classNames.length),
    source,
    target,
    seed,
    pictures: count,
  });
  const objective = makeObjective(candidate.plan, {
    objectives,
    learner: training.learner("source"),
    setting: taskSetting(config, source.dataset),
  });
  const { phase, label } = candidate;
  const fresh = await training.stage(objective, {
    ...{ arm: label, phase, steps: 1, rate: 0, side: "source" },
  }).start();
  const file = found[at];
  const trained: Concrete<TrainingState> = file ? restoreTree(engine, fresh, file.tensors) : fresh;
  const only: Pick<Objective, "tasks"> = {
    tasks: objective.tasks.filter(({ name }) => name === task),
  };
  const [drawn] = await training.pictures(only, trained);
  return {
    drawn: drawn!,
    model: file ? `${label}, ${phase}, step ${file.step}` : "untrained",
  };
}

function stageOf({ label, phase }: Candidate): string {
  return stageName({ arm: label, phase });
}

/** The phases that have a task. */
function candidatesOf(
  config: StudyConfig,
  { task, wanted, objectives }: {
    readonly task: string;
    readonly wanted: string | undefined;
    readonly objectives: Objectives;
  },
): Candidate[] {
  const arms = armsOf(config, objectives);
  if (wanted !== undefined && !arms.some(({ name }) => name === wanted)) {
    throw new UsageError(
      unknownName("arm", { found: wanted, valid: arms.map(({ name }) => name) }),
    );
  }
  const regimes = regimeNames(config);
  const all = regimes.flatMap((regime) =>
    arms.filter(({ name }) => wanted === undefined || name === wanted).flatMap((arm) =>
      arm.pretrain.map((plan, k): Candidate => ({
        regime,
        label: armLabel(arm, { regime, regimes }),
        phase: pretrainPhase(k),
        plan,
      }))
    )
  );
  const tasksOf = ({ plan: { options } }: Candidate): string[] =>
    Object.entries(options["tasks"] ?? {}).filter(([, given]) => given !== null)
      .map(([name]) => name);
  const having = all.filter((candidate) => tasksOf(candidate).includes(task));
  if (having.length > 0) return having;
  throw new UsageError(
    unknownName(`pretext task of ${wanted === undefined ? "this run" : `the arm ${wanted}`}`, {
      found: task,
      valid: [...new Set(all.flatMap(tasksOf))],
    }),
  );
}
