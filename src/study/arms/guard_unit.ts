/**
 * The check before the first step of a study.
 *
 * @module
 */
import type { Objectives } from "../../components/mod.ts";
import type { ExperimentContext } from "../../experiment/mod.ts";
import { channelStatistics, type ImageDataset, subsetDataset } from "../../data/mod.ts";
import { openEngine } from "../../engine/mod.ts";
import {
  type ImageTask,
  ImageTraining,
  type MetaObjective,
  type Objective,
} from "../../train/mod.ts";
import type { Arm, Phase } from "./arms.ts";
import { narrowed, narrowedMeta, studyModel, taskSetting } from "./image_learner.ts";
import { makeObjective } from "./make_objective.ts";
import { pretrainPhase, type UnitRunner } from "./run_unit.ts";
import type { StudyConfig } from "./study_schema.ts";

/** What is checked. */
export interface GuardedPhase {
  /** Model and images. */
  readonly training: ImageTraining;
  /** The objective of the phase. */
  readonly objective: MetaObjective;
  /** The phase. */
  readonly plan: Phase;
  /** The images that it learns from. */
  readonly dataset: ImageDataset;
  /** Rows of the images that it learns from. */
  readonly rows: Int32Array;
  /** Who makes objectives. */
  readonly objectives: Objectives;
}

/** Images of the check in float64. */
const FEW = 12;

/**
 * Checks that every meta-parameter of a phase learns, and, at exact order, that the meta-gradient of a
 * narrow copy of the model agrees with finite differences in float64.
 *
 * @param context Configuration, seed, log.
 * @param guarded The phase.
 * @throws {Error} If a parameter does not learn, or the meta-gradient is none.
 */
export async function guardPhase(
  { config, seed, log, signal, engineOptions }: ExperimentContext<StudyConfig>,
  { training, objective, plan, dataset, rows, objectives }: GuardedPhase,
): Promise<void> {
  // Batch normalization follows this bias at once and takes any constant away.
  const exempt = (path: string) => path === "encoder.embedding.bias";
  const phase = pretrainPhase(0);
  const { loss, norms } = await training.guard(objective, { phase, exempt });
  log(`guard: outer loss ${loss.toFixed(4)}, all ${Object.keys(norms).length} parameters learn.`);
  if (plan.options["order"] !== "exact") return;
  signal.throwIfAborted();
  const few = subsetDataset(dataset, rows.slice(0, FEW));
  const every = Int32Array.from({ length: few.count }, (_, row) => row);
  const { head, probe, ...model } = studyModel(narrowed(config), channelStatistics(few));
  const classes = few.classNames.length;
  const task = { dataset: few, train: every, validation: every, head: head(classes) };
  const reference = await openEngine("reference", { ...engineOptions, float64: true });
  try {
    const narrow = ImageTraining.open(reference, {
      ...model,
      probe: probe(classes),
      source: task,
      target: task,
      ...{ batchSize: 4, evaluationBatch: 4, refreshBatches: 0, adaptationDraws: 1, seed },
    });
    const setting = { ...taskSetting(config, few), hidden: narrowed(config).model.hidden };
    const gentle = { ...plan, clip: null, options: narrowedMeta(plan.options) };
    const learner = narrow.learner("source");
    const narrowObjective = makeObjective(gentle, {
      learner,
      setting,
      objectives,
    }) as MetaObjective;
    const { directional } = await narrow.guard(narrowObjective, { phase, exempt });
    const worst = Math.max(...Object.values(directional!).map(({ error }) => error));
    log(
      `guard: finite differences in float64, on a narrow copy of the model, agree with the ` +
        `meta-gradient to ${worst.toExponential(1)} of second order.`,
    );
  } finally {
    reference.close();
  }
}

/**
 * Checks every objective of meta-training that is there, each once.
 *
 * @param context Configuration, seed, log.
 * @param guarded The arms, who makes their objectives, model and images.
 * @throws {Error} As {@linkcode guardPhase} does.
 */
export async function guardArms(
  context: ExperimentContext<StudyConfig>,
  { arms, runner, training, source, objectives }: {
    readonly arms: readonly Arm[];
    readonly runner: UnitRunner;
    readonly training: ImageTraining;
    readonly source: ImageTask;
    readonly objectives: Objectives;
  },
): Promise<void> {
  const guarded = new Set<Objective>();
  for (const { name, pretrain } of arms) {
    for (const plan of pretrain.filter(isMeta)) {
      const objective = runner.objective(plan) as MetaObjective;
      if (guarded.has(objective)) continue;
      guarded.add(objective);
      const { placebo, innerRate } = plan.options;
      if (placebo !== null || innerRate === 0) {
        context.log(`guard: ${name} is a placebo, whose meta-gradient is not checked.`);
        continue;
      }
      const { dataset, train: rows } = source;
      await guardPhase(context, { training, objective, plan, dataset, rows, objectives });
    }
  }
}

/** Whether a phase is meta-training. */
export function isMeta({ objective }: Phase): boolean {
  return objective === "meta";
}
