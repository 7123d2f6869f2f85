#!/usr/bin/env -S deno run -P=experiment
/**
 * Meta-learning with self-supervised inner tasks, against supervised pretraining, on CIFAR-10.
 *
 * Question: a backbone is meta-trained (MAML) so that one or a few steps on a self-supervised task
 * make it good at the wanted task. Does it then learn the wanted task as well or better, in fewer
 * steps, than one that was pretrained with supervision, or not at all?
 *
 * Papers: MAML, Finn et al., arXiv 1703.03400; rotation, Gidaris et al., arXiv 1803.07728;
 * contrastive, SimCLR, Chen et al., arXiv 2002.05709; meta-gradient, MixFlow-MG, arXiv 2505.00793.
 *
 * Arms, with one backbone and, in each phase, one fresh head, order of data, augmentation and grid of
 * evaluations, all drawn anew for the phase:
 * - `meta`: inner losses `meta.tasks`, each adapting a copy of the backbone with a head of its own;
 *   outer loss classification at the adapted copies; then fine-tuned, and probed.
 * - `supervised`: pretrained by classification; then fine-tuned, and probed.
 * - `scratch`: the same fine-tuning from the initialisation.
 *
 * Command: `deno task experiment cifar-maml [--preset smoke|quick|full] [--data DIR|NAME]`, where the
 * data may be others than CIFAR-10, resized to `imageSize`.
 *
 * Expected, seed 0, on the first 1017 images of every file of CIFAR-10 and two CPU cores (llvmpipe):
 * `smoke` 45 seconds the first time, 15 when the driver knows the shaders; `quick` 3 to 7 minutes,
 * test accuracy 36% (scratch) to 40% (meta-probe), where chance is 10%. So short a run ranks
 * nothing. `full` is for a GPU: a meta step is 109 GFLOP there.
 *
 * @module
 */
import {
  adam,
  type ArmOutcome,
  backboneOf,
  type ChannelStatistics,
  channelStatistics,
  classifierHead,
  type Concrete,
  type ConfigNeed,
  defineExperiment,
  encoder,
  type Engine,
  type Experiment,
  type ExperimentContext,
  hashDataset,
  type ImageDataset,
  type ImageSplits,
  ImageTraining,
  imageTrainingNeeds,
  lastMetricsPosition,
  type Layer,
  linear,
  loadData,
  normalizeImages,
  openEngine,
  type ReportNotice,
  runCommand,
  runStage,
  type Split,
  splitDataset,
  type Stage,
  stageName,
  type StageRecord,
  type StageResult,
  subsetDataset,
  supervisedAugment,
  type Variables,
  withHead,
  writeArmReport,
} from "../mod.ts";
import * as components from "../src/components/mod.ts";
import { z } from "zod";

const phase = (steps: number, rate: number) => ({
  steps: z.int().min(1).default(steps).describe("Optimizer steps."),
  rate: z.number().positive().default(rate).describe("Learning rate of Adam."),
});

const schema = z.strictObject({
  arms: z.array(z.enum(["meta", "supervised", "scratch"])).min(1)
    .refine((arms) => new Set(arms).size === arms.length, "Name every arm once.")
    .default(["meta", "supervised", "scratch"]).describe("Arms to run."),
  model: z.strictObject({
    widths: z.array(z.int().min(1)).min(1).max(3).default([32, 64, 128])
      .describe("Channels of the stages of the backbone."),
    embedding: z.int().min(1).default(1024).describe("Length of the embedding."),
    hidden: z.int().min(1).default(512).describe("Width of the heads' hidden layers."),
    dropout: z.number().min(0).max(0.9).default(0.25).describe("Rate of dropout in the backbone."),
  }).prefault({}).describe("The model."),
  imageSize: z.int().min(8).max(512).default(32)
    .describe("Rows and columns of the images; those of other sizes are cut square and resized."),
  batchSize: z.int().min(2).default(64).describe("Images of a batch, in every loss."),
  validation: z.number().positive()
    .refine((held) => held < 1 || Number.isInteger(held), "Give a share below 1 or a whole number")
    .default(0.1)
    .describe("Images held out of training: a share if below 1, else a count."),
  testImages: z.int().min(1).nullable().default(null)
    .describe("Use only the first so many test images; null uses all."),
  meta: z.strictObject({
    innerSteps: z.int().min(1).default(1).describe("Steps of every inner loop."),
    innerRate: z.number().positive().default(0.001).describe("Rate of the inner loop."),
    order: z.enum(["exact", "first"]).default("exact").describe("Order of the meta-gradient."),
    optimizer: components.oneOf(components.optimizers, { sgd: {} }),
    tasks: components.manyOf(components.pretextTasks, { contrastive: {}, rotation: {} }),
  }).prefault({}).describe("The inner loop."),
  pretrain: z.strictObject(phase(2000, 1e-3)).prefault({})
    .describe("Meta-training, and the supervised pretraining it is compared with."),
  fineTune: z.strictObject(phase(1000, 1e-3)).prefault({}).describe("Fine-tuning, and scratch."),
  probe: z.strictObject(phase(500, 1e-3)).prefault({}).describe("The linear probe."),
  evaluateEvery: z.int().min(1).default(100).describe("Steps between evaluations."),
  evaluationBatch: z.int().min(1).default(250).describe("Images of a batch in evaluations."),
  saveEvery: z.int().min(1).default(200).describe("Steps between checkpoints."),
});

type Config = z.output<typeof schema>;

/** Model, tasks and optimizers of a run. */
function learnerOf(
  { model, meta, imageSize }: Config,
  { statistics, classes }: { readonly statistics: ChannelStatistics; readonly classes: number },
) {
  const { hidden, embedding } = model;
  const bare = encoder({ ...model, imageSize });
  const { mean, standardDeviation: deviation } = statistics;
  const normalized: Layer = {
    init: bare.init,
    apply: (params, state, images, options) =>
      bare.apply(params, state, normalizeImages(images, { mean, deviation }), options),
  };
  const { innerSteps, innerRate, order } = meta;
  const setting = { imageSize, imageChannels: mean.length, classes, hidden };
  return {
    encoder: normalized,
    embedding,
    head: classifierHead({ inputs: embedding, classes, hidden }),
    probe: linear({ inputs: embedding, outputs: classes }),
    tasks: components.makeMany(components.pretextTasks, meta.tasks, setting),
    inner: {
      innerSteps,
      innerRate,
      optimizer: components.makeOne(components.optimizers, meta.optimizer, {}),
    },
    order,
    optimizer: adam(),
    augment: supervisedAugment(),
  };
}

/** Keys of the configuration that decide what the parts of the work need. */
const NEEDS = {
  parameters: ["model.widths", "model.embedding", "model.hidden", "meta.tasks"],
  "inner loop": ["meta.innerSteps", "model.widths", "model.embedding"],
  step: ["batchSize", "model.widths", "model.embedding", "model.hidden"],
  program: ["meta.innerSteps"],
  evaluation: ["evaluationBatch", "model.widths", "model.embedding"],
} as const;

/** What a configuration needs at least, known before there are images. */
function* needs(config: Config): Generator<ConfigNeed> {
  const neutral = { mean: [0, 0, 0], standardDeviation: [1, 1, 1] };
  for (
    const need of imageTrainingNeeds({
      ...learnerOf(config, { statistics: neutral, classes: 2 }),
      extents: { height: config.imageSize, width: config.imageSize, channels: 3 },
      meta: config.arms.includes("meta"),
      batchSize: config.batchSize,
      evaluationBatch: config.evaluationBatch,
    })
  ) yield { ...need, keys: NEEDS[need.part] };
}

/** The same, so narrow and gentle that its meta-gradient can be checked in float64 in a second. */
function narrowed(config: Config): Config {
  const { model, meta } = config;
  return {
    ...config,
    model: { ...model, widths: model.widths.map(() => 6), embedding: 8, hidden: 16 },
    meta: {
      ...meta,
      tasks: components.narrowTasks(meta.tasks),
      innerSteps: Math.min(meta.innerSteps, 2),
      // With larger steps on a few images even float64 cannot resolve the kinks of the outer loss,
      // with smaller ones it cannot resolve second order.
      innerRate: 5e-4,
    },
  };
}

/** Checks, before the first step, that every meta-parameter learns and the meta-gradient is one. */
async function guard(
  { config, seed, log, engineOptions }: ExperimentContext<Config>,
  training: ImageTraining,
  { dataset, rows }: { readonly dataset: ImageDataset; readonly rows: Split },
): Promise<void> {
  // Batch normalization follows this bias at once and takes any constant away.
  const exempt = (path: string) => path === "encoder.embedding.bias";
  const { loss, norms } = await training.guard({ exempt });
  log(`guard: outer loss ${loss.toFixed(4)}, all ${Object.keys(norms).length} parameters learn.`);
  if (config.meta.order !== "exact") return;
  const few = subsetDataset(dataset, rows.train.slice(0, 12));
  const every = Int32Array.from({ length: few.count }, (_, row) => row);
  const reference = await openEngine("reference", { ...engineOptions, float64: true });
  const narrow = await ImageTraining.open(reference, {
    ...learnerOf(narrowed(config), {
      statistics: channelStatistics(few),
      classes: few.classNames.length,
    }),
    dataset: few,
    train: every,
    validation: every,
    batchSize: 4,
    evaluationBatch: 4,
    seed,
  });
  const { directional } = await narrow.guard({ exempt });
  reference.close();
  const worst = Math.max(...Object.values(directional!).map(({ error }) => error));
  log(
    `guard: finite differences in float64, on a narrow copy of the model, agree with the ` +
      `meta-gradient to ${worst.toExponential(1)} of second order.`,
  );
}

/** A model at the end of its training, before it meets the test images. */
interface Finished extends Omit<ArmOutcome, "test"> {
  readonly kind: "classifier" | "probe";
  readonly variables: Concrete<Variables>;
}

/** Runs the stages of all arms. */
async function trainArms(
  config: Config,
  training: ImageTraining,
  run: <S>(stage: Stage<S>) => Promise<StageResult<S>>,
): Promise<Finished[]> {
  const { pretrain, fineTune, probe, meta } = config;
  const finished: Finished[] = [];
  for (const arm of config.arms) {
    let backbone: Concrete<Variables> | undefined;
    const stages: { phase: string; record: StageRecord }[] = [];
    let how = "not pretrained";
    if (arm === "meta") {
      const result = await run(training.metaTraining({ arm, ...pretrain }));
      backbone = backboneOf(result.training);
      stages.push({ phase: "pretrain", record: result.record });
      how = `meta-trained (${meta.order} order, inner steps: ${meta.innerSteps})`;
    } else if (arm === "supervised") {
      const phase = "pretrain";
      const result = await run(training.classification({ arm, phase, ...pretrain }));
      backbone = backboneOf(result.training);
      stages.push({ phase, record: result.record });
      how = "pretrained by classification";
    }
    const tuned = await run(training.classification({
      ...{ arm, phase: "fine-tune", ...fineTune },
      ...(backbone && { backbone }),
    }));
    const { params, state } = tuned.training;
    finished.push({
      name: arm,
      description: `${how}, then fine-tuned`,
      stages: [...stages, { phase: "fine-tune", record: tuned.record }],
      kind: "classifier",
      variables: { params, state },
    });
    if (!backbone) continue;
    const probed = await run(training.linearProbe({ arm, backbone, ...probe }));
    finished.push({
      name: `${arm}-probe`,
      description: `${how}, then a linear probe`,
      stages: [...stages, { phase: "probe", record: probed.record }],
      kind: "probe",
      variables: withHead(backbone, probed.training),
    });
  }
  return finished;
}

/** Names of the stages in the order in which they run. */
function stageNames({ arms }: Config): string[] {
  return arms.flatMap((arm) =>
    (arm === "scratch" ? ["fine-tune"] : ["pretrain", "fine-tune", "probe"])
      .map((phase) => stageName({ arm, phase }))
  );
}

const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;

/** Everything on an open engine. */
async function runArms(
  context: ExperimentContext<Config>,
  engine: Engine,
  { train: dataset, test }: ImageSplits,
): Promise<void> {
  const { config, folder, seed, signal, progress } = context;
  const rows = splitDataset(dataset, { validation: config.validation, seed });
  const training = await ImageTraining.open(engine, {
    ...learnerOf(config, {
      statistics: channelStatistics(dataset, rows.train),
      classes: dataset.classNames.length,
    }),
    ...{ dataset, ...rows, seed },
    batchSize: config.batchSize,
    evaluationBatch: config.evaluationBatch,
  });
  const count = Math.min(test.count, config.testImages ?? test.count);
  const facts = {
    experiment: "cifar-maml",
    seed,
    dataset: {
      name: dataset.name,
      synthetic: dataset.synthetic,
      provenance: dataset.provenance,
      train: rows.train.length,
      validation: rows.validation.length,
      test: count,
    },
    engine: engine.info.name,
    engineReason: engine.reason,
    adapter: engine.info.adapter,
    softwareAdapter: engine.info.software,
    metaOrder: config.meta.order,
    data: [hashDataset(dataset), hashDataset(test)],
  };
  await context.describe(facts, { binding: ["data"] });
  context.log(dataset.provenance);

  const checkpoints = folder.file("checkpoints");
  const resumeAt = await lastMetricsPosition(stageNames(config), {
    folder: checkpoints,
    run: folder.path,
    onCorrupt: ({ message }) => context.log(message),
  });
  if (config.arms.includes("meta") && !resumeAt) await guard(context, training, { dataset, rows });
  const metrics = context.openMetrics(resumeAt ? { resumeAt } : {});
  const { evaluateEvery, saveEvery } = config;
  // Those that had to be passed over were named above.
  const onCorrupt = () => {};
  const finished = await trainArms(config, training, (stage) =>
    runStage(stage, {
      ...{ engine, checkpoints, metrics, progress, signal, evaluateEvery, saveEvery, onCorrupt },
    }));

  // The test images are used here and nowhere else, once for every finished model.
  const arms: ArmOutcome[] = [];
  for (const { kind, variables, ...arm } of finished) {
    const result = await training.test(kind, variables, { dataset: test, count });
    context.log(`${arm.name}: test accuracy ${percent(result.accuracy)}`);
    arms.push({ ...arm, test: result });
    signal.throwIfAborted();
  }
  const warning = (text: string): ReportNotice => ({ kind: "warning", text });
  await writeArmReport(context, {
    facts,
    arms,
    chance: 0.1,
    notices: [
      ...(dataset.synthetic
        ? [warning(`The images are not CIFAR-10: ${dataset.provenance}.`)]
        : []),
      ...(engine.info.software
        ? [warning(`Seconds were measured on a software adapter (${engine.info.adapter}).`)]
        : []),
    ],
    summary: [
      "Does a backbone that was meta-trained with self-supervised inner tasks learn to classify as " +
      "well or better, in fewer steps, than one that was pretrained by classification, or not at all?",
      ...arms.map(({ name, description, test: { accuracy } }) =>
        `${name}, ${description}: ${percent(accuracy)} of ${count} test images.`
      ),
      "One seed: differences between arms may be chance.",
    ],
  }, { title: `cifar-maml, seed ${seed}` });
}

/** The experiment. */
export const experiment: Experiment<Config> = defineExperiment({
  name: "cifar-maml",
  title: "Meta-learning with self-supervised inner tasks on CIFAR-10",
  summary:
    "Meta-trains a backbone (inner: rotation, contrastive; outer: classification) and compares " +
    "it with supervised pretraining and with none, by fine-tuning and linear probe.",
  schema,
  presets: new URL("cifar-maml.yaml", import.meta.url),
  needs,
  async run(context) {
    const splits = await loadData(context, { size: context.config.imageSize });
    const engine = await openEngine(context.engine, {
      ...context.engineOptions,
      onChoice: context.log,
    });
    try {
      await runArms(context, engine, splits);
    } finally {
      engine.close();
    }
  },
});

if (import.meta.main) Deno.exit(await runCommand(experiment));
