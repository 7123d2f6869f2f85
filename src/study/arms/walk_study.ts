/**
 * What a study does, in order, on an engine and images of one's choice: to predict it, and to time it.
 *
 * @module
 */
import type { Objectives } from "../../components/mod.ts";
import type { ImageSplits } from "../../data/mod.ts";
import type { Engine } from "../../engine/mod.ts";
import { ImageTraining, type Stage, type StageResult } from "../../train/mod.ts";
import { armLabel } from "./arms.ts";
import { studyModel, taskSetting } from "./image_learner.ts";
import { firstImages, regimeImages } from "./regimes.ts";
import { UnitRunner } from "./run_unit.ts";
import { armsOf, regimeNames, type StudyConfig } from "./study_schema.ts";

/** How a study is gone through. */
export interface StudyWalk {
  /** What computes. */
  readonly engine: Engine;
  /** The images; whatever the pixels are, they take the same time. */
  readonly images: ImageSplits;
  /** Seed of all randomness. */
  readonly seed: number;
  /** Those of the configuration's schema. */
  readonly objectives: Objectives;
  /** Does a stage, or as much of it as is wanted. */
  run<S>(stage: Stage<S>): Promise<StageResult<S>>;
  /** Judges a model by the test images, which `judge` does. */
  judge(
    part: { readonly arm: string; readonly phase: string },
    judge: () => Promise<unknown>,
  ): Promise<void>;
}

/**
 * Goes through all stages of all arms in all regimes of a study, and through what judges them.
 *
 * @param config The configuration.
 * @param walk The engine, the images, and what is done with each part.
 */
export async function walkStudy(config: StudyConfig, walk: StudyWalk): Promise<void> {
  const { engine, images, seed, objectives } = walk;
  const [arms, regimes] = [armsOf(config, objectives), regimeNames(config)];
  const splits = {
    train: firstImages(images.train, config.trainImages),
    ...(config.judgeBy === "test" && { test: firstImages(images.test, config.testImages) }),
  };
  const neutral = { mean: [0, 0, 0], standardDeviation: [1, 1, 1] };
  for (const name of regimes) {
    const { source, target, test, transfer, model } = regimeImages(splits, config.regimes[name]!, {
      ...config,
      model: () => studyModel(config, neutral),
    });
    const { stream: _, ...sizes } = config;
    const training = ImageTraining.open(engine, {
      ...sizes,
      ...model,
      probe: model.probe(target.dataset.classNames.length),
      ...{ source, target, seed, votes: false },
    });
    const label = (arm: { readonly name: string }) => armLabel(arm, { regime: name, regimes });
    const runner = new UnitRunner({
      ...{ training, setting: taskSetting(config, source.dataset), transfer, plans: config, label },
      objectives,
      alignment: config.alignment,
      log: () => {},
      run: (stage) => walk.run(stage),
    });
    const trained = [];
    for (const arm of arms) trained.push(await runner.train(arm));
    const judged = test ? training.judge.put(test) : undefined;
    for (const { arm, models } of trained) {
      for (const { protocol, judge } of models) {
        const part = { arm: label(arm), phase: `${protocol}, judged` };
        await walk.judge(part, () => judge(judged));
      }
    }
    if (judged) engine.release(judged.table);
  }
}
