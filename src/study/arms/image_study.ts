/**
 * Studies on images: experiments whose arms and regimes are data.
 *
 * @module
 */
import * as is from "../../ir/kinds.ts";
import { requireOptions } from "../../ir/options.ts";
import { channelStatistics, hashDataset } from "../../data/mod.ts";
import { type Objectives, objectivesOn, type TaskSetting } from "../../components/mod.ts";
import type { Engine } from "../../engine/mod.ts";
import type { PretextTask } from "../../pretext/mod.ts";
import {
  type ArmOutcome,
  type ConfigNeed,
  defineExperiment,
  type Experiment,
  type ExperimentContext,
  splitLines,
  writeArmReport,
} from "../../experiment/mod.ts";
import { kernelFacts } from "../../experiment/kernel_table.ts";
import { openLateEngine } from "../../interop/open_late_engine.ts";
import type { ReportNotice } from "../../report/mod.ts";
import {
  type ImageTask,
  ImageTraining,
  imageTrainingNeeds,
  type LabelledRows,
  lastMetricsPosition,
  type MetaObjective,
  type NeedOf,
  runStage,
  stageName,
} from "../../train/mod.ts";
import { type Arm, armLabel, type Phase } from "./arms.ts";
import { guardArms, isMeta } from "./guard_unit.ts";
import { studyModel, taskSetting } from "./image_learner.ts";
import { makeObjective } from "./make_objective.ts";
import { withOwnTasks } from "./own_tasks.ts";
import { predictStudy } from "./predict_study.ts";
import { pictureFile, readRunPictures } from "../run_pictures.ts";
import { firstImages, regimeImages } from "./regimes.ts";
import { pretrainPhase, type TrainedUnit, UnitRunner } from "./run_unit.ts";
import { armsOf, regimeNames, type StudyConfig, studySchemaOn } from "./study_schema.ts";
import { unitConfiguration } from "./unit_configuration.ts";
import { loadSplits, streamOptions, type StudySplits } from "./study_splits.ts";
import { percent } from "../percent.ts";
import type { TrialOutcome, TrialSummary } from "../unit_summary.ts";

/** What a study says about itself. */
export interface ImageStudyOptions {
  /** Name on the command line, kebab-case, equal to the name of the file. */
  readonly name: string;
  /** Heading of its report. */
  readonly title: string;
  /** One or two sentences for `--list`. */
  readonly summary: string;
  /** What is asked, one paragraph an item; opens the report. */
  readonly question: readonly string[];
  /** YAML file of the arms and of named presets. */
  readonly presets: URL;
  /**
   * Pretext tasks of one's own, by the names by which configurations choose them beside those of the package: each is
   * made for images and model, and is called as it is named here. What it does is no part of a configuration: runs of
   * different code are told apart by the commit alone.
   */
  readonly tasks?: Readonly<Record<string, (setting: TaskSetting) => PretextTask>>;
}

/**
 * Makes an experiment of a study on images: its arms and regimes stand in the YAML file.
 *
 * @param options Name, title, question, presets, own tasks.
 * @returns The experiment.
 * @throws {RangeError} If a task has a name that is taken or not in kebab-case.
 *
 * @example
 * ```ts
 * import { imageStudy } from "@mutasesumele/toolkit/study/images";
 * import { assertEquals } from "@std/assert";
 *
 * const about = { title: "Mine", summary: "My arms.", question: ["Which learns faster?"] };
 * const presets = new URL("file:///mine.yaml");
 * assertEquals(imageStudy({ name: "mine", ...about, presets }).name, "mine");
 * ```
 *
 * @example A pretext task of one's own: mine.yaml may now say `meta: { tasks: { half-turn: {} } }`
 * ```ts
 * import { imageStudy } from "@mutasesumele/toolkit/study/images";
 * import { rotation } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const experiment = imageStudy({
 *   ...{ name: "mine", title: "Mine", summary: "My task.", question: ["Does it help?"] },
 *   presets: new URL("file:///mine.yaml"),
 *   tasks: { "half-turn": ({ hidden }) => ({ ...rotation({ hidden }), name: "half-turn" }) },
 * });
 * assertEquals(experiment.name, "mine");
 * ```
 */
export function imageStudy(options: ImageStudyOptions): Experiment {
  requireOptions("imageStudy", options, {
    name: is.name,
    title: is.text,
    summary: is.text,
    question: is.listOf(is.text),
    presets: is.kind("a URL", (found) => found instanceof URL),
    tasks: is.optional(is.object),
  });
  const { name, title, summary, presets } = options;
  const objectives = objectivesOn(withOwnTasks(options.tasks ?? {}));
  return defineExperiment<StudyConfig>({
    name,
    title,
    summary,
    presets,
    schema: studySchemaOn(objectives),
    needs: (config) => needs(config, objectives),
    predict: (config, context) => predictStudy(config, { ...context, objectives }),
    async run(context) {
      const splits = await loadSplits(context);
      const engine = await openLateEngine(context.engine, {
        ...context.engineOptions,
        onChoice: context.log,
      });
      try {
        await runStudy(context, { engine, splits, options, objectives });
      } finally {
        engine.close();
      }
    },
  });
}

/** Keys of the configuration that decide what the parts of the work need. */
const NEEDS: Readonly<Record<NeedOf, readonly string[]>> = {
  parameters: ["model.backbone", "model.head", "model.hidden", "meta.tasks"],
  "inner loop": ["meta.innerSteps", "model.backbone"],
  step: ["batchSize", "model.backbone", "model.head", "model.hidden"],
  program: ["meta.innerSteps"],
  evaluation: ["evaluationBatch", "model.backbone"],
};

/** What a configuration needs at least, known before there are images. */
function* needs(config: StudyConfig, objectives: Objectives): Generator<ConfigNeed> {
  const neutral = { mean: [0, 0, 0], standardDeviation: [1, 1, 1] };
  const { head, probe: _, ...model } = studyModel(config, neutral);
  const learner = {
    ...model,
    head: head(2),
    extents: { height: config.imageSize, width: config.imageSize, channels: 3 },
  };
  const sizes = { batchSize: config.batchSize, evaluationBatch: config.evaluationBatch };
  const phases = armsOf(config, objectives).flatMap(({ pretrain }) => pretrain);
  const longest = phases.filter(isMeta).sort((a, b) => innerSteps(b) - innerSteps(a))[0];
  const setting = taskSetting(config, { channels: 3, classNames: ["one", "other"] });
  const meta = longest &&
    (makeObjective(longest, { learner, setting, objectives }) as MetaObjective).options;
  for (const need of imageTrainingNeeds({ ...learner, ...(meta && { meta }), ...sizes })) {
    yield { ...need, keys: NEEDS[need.part] };
  }
}

function innerSteps({ options }: Phase): number {
  return options["innerSteps"] as number;
}

/** Everything on an open engine. */
async function runStudy(
  context: ExperimentContext<StudyConfig>,
  { engine, splits: all, options, objectives }: {
    readonly engine: Engine;
    readonly splits: StudySplits;
    readonly options: ImageStudyOptions;
    readonly objectives: Objectives;
  },
): Promise<void> {
  const { config, folder, seed, signal, progress, log } = context;
  const [arms, regimes] = [armsOf(config, objectives), regimeNames(config)];
  const splits = {
    train: firstImages(all.train, config.trainImages),
    // Where validation images judge, the test images are neither hashed nor put on a device.
    ...(config.judgeBy === "test" && { test: firstImages(all.test, config.testImages) }),
  };
  const data = [splits.train, ...(splits.test ? [splits.test] : [])].map(hashDataset);
  if (all.shards !== undefined) data.push(all.shards);
  const facts = {
    experiment: options.name,
    seed,
    dataset: splits.train.name,
    synthetic: splits.train.synthetic,
    provenance: splits.train.provenance,
    engine: engine.info.name,
    engineReason: engine.reason,
    adapter: engine.info.adapter,
    softwareAdapter: engine.info.software,
    data,
  };
  const { commit, environment } = await folder.readRecord();
  await context.describe(facts, { binding: ["data"] });
  log(splits.train.provenance);

  const label = (regime: string) => (arm: Arm) => armLabel(arm, { regime, regimes });
  const checkpoints = folder.file("checkpoints");
  const names = regimes.flatMap((regime) =>
    arms.flatMap((arm) => stagesOf(arm, label(regime)(arm)))
  );
  const resumeAt = await lastMetricsPosition(names, {
    folder: checkpoints,
    run: folder.path,
    onCorrupt: ({ message }) => log(message),
  });
  const metrics = context.openMetrics(resumeAt ? { resumeAt } : {});
  const { evaluateEvery, saveEvery } = config;
  // Those that had to be passed over were named above.
  const onCorrupt = () => {};
  const outcomes: ArmOutcome[] = [];
  let chance = 0;
  for (const name of regimes) {
    const { source, target, test, transfer, model } = regimeImages(splits, config.regimes[name]!, {
      ...config,
      model: ({ dataset, train }) => studyModel(config, channelStatistics(dataset, train)),
    });
    const classes = target.dataset.classNames.length;
    const { stream: _, ...sizes } = config;
    const training = ImageTraining.open(engine, {
      ...sizes,
      ...model,
      ...streamOptions(all, { ...config, log }),
      probe: model.probe(classes),
      source,
      target,
      seed,
    });
    const runner = new UnitRunner({
      training,
      setting: taskSetting(config, source.dataset),
      objectives,
      transfer,
      plans: config,
      alignment: config.alignment,
      label: label(name),
      log,
      ...(config.pictures > 0 && {
        keep: (place, { png }) => folder.writeBytes(pictureFile(place), png),
      }),
      run: (stage) =>
        runStage(stage, {
          ...{
            engine,
            checkpoints,
            metrics,
            progress,
            signal,
            evaluateEvery,
            saveEvery,
            onCorrupt,
          },
        }),
    });
    if (!resumeAt) await guardArms(context, { arms, runner, training, source, objectives });
    const trained: TrainedUnit[] = [];
    for (const arm of arms) trained.push(await runner.train(arm));

    // The test images are used here and nowhere else, once for every finished model.
    const images = test ? training.judge.put(test) : undefined;
    // One line in the charts of all regimes: that of the fewest classes.
    chance = Math.max(chance, 1 / classes);
    for (const unit of trained) {
      const results: TrialOutcome[] = [];
      for (const judged of unit.models) {
        const outcome = await judged.judge(images);
        results.push(outcome);
        const title = `${label(name)(unit.arm)}/${judged.protocol}`;
        log(`${title}: ${accuracyOf(outcome)}`);
        outcomes.push({
          name: title,
          description: describe(unit.arm),
          stages: judged.stages,
          ...(outcome.test && { test: outcome.test }),
        });
        signal.throwIfAborted();
      }
      const summary: TrialSummary = {
        format: 1,
        study: options.name,
        arm: unit.arm.name,
        regime: name,
        seed,
        chance: 1 / classes,
        outcomes: results,
        phases: unit.phases,
        configuration: await unitConfiguration(config, { arm: unit.arm, regime: name, data }),
        facts: {
          ...facts,
          ...kernelFacts(environment),
          commit,
          refused: unit.refused,
          counts: countsOf({ source, target, images }),
        },
      };
      const alone = arms.length * regimes.length === 1;
      const file = alone ? "unit.json" : `unit.${name}.${unit.arm.name}.json`;
      await folder.writeText(file, `${JSON.stringify(summary, null, 2)}\n`);
    }
    if (images) engine.release(images.table);
  }
  const warning = (text: string): ReportNotice => ({ kind: "warning", text });
  const inParts = splitLines(await folder.readRecord());
  await writeArmReport(context, {
    facts,
    arms: outcomes,
    chance,
    images: await readRunPictures(folder.path),
    notices: [
      ...(splits.train.synthetic
        ? [warning(`The images are made up: ${splits.train.provenance}.`)]
        : []),
      ...(splits.test
        ? []
        : [warning("Models were judged by validation images, by no test image.")]),
      ...(engine.info.software
        ? [warning(`Seconds were measured on a software adapter (${engine.info.adapter}).`)]
        : []),
      ...inParts.map((text): ReportNotice => ({ kind: "info", text })),
    ],
    summary: [
      ...options.question,
      ...outcomes.flatMap(({ name, description, test }) =>
        test ? [`${name}, ${description}: ${percent(test.accuracy)} of the test images.`] : []
      ),
      "One seed: differences between arms may be chance.",
    ],
  }, { title: `${options.name}, seed ${seed}` });
}

/** Names of the stages of an arm in the order in which they run. */
function stagesOf({ pretrain, protocols }: Arm, label: string): string[] {
  const trained = protocols.filter((name) => name === "fine-tune" || name === "linear-probe");
  return [...pretrain.map((_, k) => pretrainPhase(k)), ...trained]
    .map((phase) => stageName({ arm: label, phase }));
}

/** What an arm does, in words. */
function describe({ pretrain }: Arm): string {
  if (pretrain.length === 0) return "not pretrained";
  return pretrain.map(({ objective, steps, options }) => {
    const of = options["tasks"] ? ` (${Object.keys(options["tasks"]).join(", ")})` : "";
    return `${objective}${of}, ${steps} steps`;
  }).join("; then ");
}

/** What a model has reached, in words. */
function accuracyOf({ test, curve }: TrialOutcome): string {
  return test
    ? `test accuracy ${percent(test.accuracy)}`
    : `validation accuracy ${percent(curve.at(-1)!.accuracy)}`;
}

/** How many images there were of every kind. */
function countsOf({ source, target, images }: {
  readonly source: ImageTask;
  readonly target: ImageTask;
  readonly images: LabelledRows | undefined;
}): Readonly<Record<string, number>> {
  return {
    sourceLabelled: source.train.length,
    pretext: (source.unlabelled ?? source.train).length,
    targetLabelled: target.train.length,
    validation: target.validation.length,
    test: images?.rows.length ?? 0,
  };
}
