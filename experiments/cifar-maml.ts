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
 * Arms, with one backbone, initialisation, order of data, augmentation and grid of evaluations:
 * - `meta`: inner losses rotation and contrastive, each adapting a copy of the backbone with a head
 *   of its own; outer loss classification at the adapted copies; then fine-tuned, and probed.
 * - `supervised`: pretrained by classification; then fine-tuned, and probed.
 * - `scratch`: the same fine-tuning from the initialisation.
 *
 * Command: `deno task experiment cifar-maml [--preset smoke|quick|full] [--data DIR]`
 *
 * @module
 */
import {
  adam,
  adaptToTasks,
  type ArmOutcome,
  channelStatistics,
  classifierEvaluation,
  classifierHead,
  classifierStep,
  compiledStage,
  type Concrete,
  contrastive,
  defineExperiment,
  encoder,
  type Engine,
  EpochSampler,
  type Evaluate,
  type Experiment,
  type ExperimentContext,
  foldIn,
  guardMetaTraining,
  type HostArray,
  hostArray,
  HostRandom,
  type ImageDataset,
  type ImageSplits,
  keyWords,
  lastMetricsPosition,
  type Layer,
  linear,
  loadCifar10,
  type MetaTraining,
  type MetaTrainOptions,
  metaTrainStep,
  normalizeImages,
  openEngine,
  packImages,
  probeStep,
  type ReportNotice,
  rotation,
  rowsOf,
  runCommand,
  runStage,
  sequential,
  sgd,
  splitDataset,
  splitKey,
  type Stage,
  stageName,
  type StageResult,
  stepInputs,
  subsetDataset,
  supervisedAugment,
  type Tensor,
  type TrainingState,
  trainingState,
  type Variables,
  writeArmReport,
} from "../mod.ts";
import { z } from "zod";

const phase = (steps: number, rate: number) => ({
  steps: z.int().min(1).default(steps).describe("Optimizer steps."),
  rate: z.number().positive().default(rate).describe("Learning rate of Adam."),
});

const schema = z.strictObject({
  arms: z.array(z.enum(["meta", "supervised", "scratch"])).min(1)
    .default(["meta", "supervised", "scratch"]).describe("Arms to run."),
  model: z.strictObject({
    widths: z.array(z.int().min(1)).min(1).max(3).default([32, 64, 128])
      .describe("Channels of the stages of the backbone."),
    embedding: z.int().min(1).default(1024).describe("Length of the embedding."),
    hidden: z.int().min(1).default(512).describe("Width of the heads' hidden layers."),
    dropout: z.number().min(0).max(0.9).default(0.25).describe("Rate of dropout in the backbone."),
  }).prefault({}).describe("The model."),
  batchSize: z.int().min(2).default(64).describe("Images of a batch, in every loss."),
  validation: z.number().positive().default(0.1)
    .describe("Images held out of training: a share if below 1, else a count."),
  testImages: z.int().min(1).nullable().default(null)
    .describe("Use only the first so many test images; null uses all."),
  meta: z.strictObject({
    innerSteps: z.int().min(1).default(1).describe("Steps of every inner loop."),
    innerRate: z.number().positive().default(0.001).describe("Rate of the inner loop's SGD."),
    order: z.enum(["exact", "first"]).default("exact").describe("Order of the meta-gradient."),
    temperature: z.number().positive().default(0.1).describe(
      "Temperature of the contrastive loss.",
    ),
    projection: z.int().min(1).default(128).describe("Length of the contrastive projection."),
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

/** Layers, tasks and optimizer of a run. */
function modelsOf({ model, meta }: Config, statistics: ReturnType<typeof channelStatistics>) {
  const { hidden, embedding } = model;
  const bare = encoder(model);
  const { mean, standardDeviation: deviation } = statistics;
  const backbone: Layer = {
    init: bare.init,
    apply: (params, state, images, options) =>
      bare.apply(params, state, normalizeImages(images, { mean, deviation }), options),
  };
  const head = classifierHead({ inputs: embedding, classes: 10, hidden });
  const probe = linear({ inputs: embedding, outputs: 10 });
  const classifier = sequential({ encoder: backbone, head });
  const { temperature, projection } = meta;
  const tasks = [rotation({ hidden }), contrastive({ temperature, projection })];
  const optimizer = adam();
  const startMeta = (key: Tensor, headKey: Tensor): MetaTraining => {
    const { params, state } = classifier.init(key) as Omit<MetaTraining, "optimizer">;
    const headKeys = splitKey(headKey, tasks.length);
    const pretext = Object.fromEntries(
      tasks.map((task, k) => [task.name, task.initHead(headKeys[k]!, embedding)]),
    );
    return trainingState({ params: { ...params, pretext }, state }, optimizer);
  };
  return {
    encoder: backbone,
    head,
    classifier,
    probe,
    probed: sequential({ encoder: backbone, head: probe }),
    tasks,
    optimizer,
    startMeta,
  };
}

/** Everything that the arms share: images on the device, order of batches, compiled programs. */
async function prepare(context: ExperimentContext<Config>, engine: Engine, splits: ImageSplits) {
  const { config, seed } = context;
  const { batchSize, meta } = config;
  const { train } = splits;
  const rows = splitDataset(train, { validation: config.validation, seed });
  const models = modelsOf(config, channelStatistics(train, rows.train));
  const { encoder, head, classifier, probe, probed, tasks, optimizer } = models;
  const common = { optimizer, augment: supervisedAugment(), extents: train };
  const metaOptions: MetaTrainOptions = {
    ...common,
    encoder,
    head,
    tasks,
    inner: { innerSteps: meta.innerSteps, optimizer: sgd(), innerRate: meta.innerRate },
    order: meta.order,
  };
  const donated = { donate: [0] };
  const evaluation = { extents: train, batchSize: config.evaluationBatch };
  const batches = (stream: number) =>
    new EpochSampler({
      indices: rows.train,
      batchSize,
      seed: new HostRandom([seed, stream]).uint32(),
    });
  const keys = await engine.jit((key: Tensor) => ({
    model: foldIn(key, 0),
    pretextHeads: foldIn(key, 1),
    probeHead: foldIn(key, 2),
    pretrain: foldIn(key, 3),
    fineTune: foldIn(key, 4),
    probe: foldIn(key, 5),
    adaptation: foldIn(key, 6),
  }))(hostArray(keyWords(seed), [2], "u32"));
  return {
    config,
    engine,
    rows,
    keys,
    metaOptions,
    table: engine.put(packImages(train)),
    wanted: batches(0),
    support: tasks.map(({ name }, k) => ({ name, batches: batches(1 + k) })),
    start: {
      scratch: engine.jit((key: Tensor) => trainingState(classifier.init(key), optimizer)),
      meta: engine.jit(models.startMeta),
      fineTune: engine.jit((backbone: Variables, key: Tensor) => {
        const { params, state } = classifier.init(key);
        return trainingState({
          params: { ...params, encoder: backbone.params },
          state: { ...state, encoder: backbone.state },
        }, optimizer);
      }),
      probe: engine.jit((key: Tensor) => trainingState(probe.init(key), optimizer)),
    },
    step: {
      meta: engine.jit(metaTrainStep(metaOptions), donated),
      classifier: engine.jit(classifierStep({ ...common, model: classifier }), donated),
      probe: engine.jit(probeStep({ ...common, encoder, head: probe }), donated),
    },
    adapt: engine.jit(adaptToTasks(metaOptions)),
    evaluate: {
      classifier: classifierEvaluation(engine, { ...evaluation, model: classifier }),
      probed: classifierEvaluation(engine, { ...evaluation, model: probed }),
    },
  };
}

type Setup = Awaited<ReturnType<typeof prepare>>;
type Training = Concrete<TrainingState>;

async function validate(
  { table, rows }: Setup,
  evaluate: Evaluate,
  variables: Concrete<Variables>,
): Promise<{ validationAccuracy: number; validationLoss: number }> {
  const { accuracy, loss } = await evaluate(variables, table, rows.validation);
  return { validationAccuracy: accuracy, validationLoss: loss };
}

/** Rows that the pretext tasks adapt to at a step, from 0. */
function supportRows({ support }: Setup, step: number): Record<string, HostArray> {
  return Object.fromEntries(
    support.map(({ name, batches }) => [name, rowsOf(batches.batch(step))]),
  );
}

/** Meta-training. Validation at the backbone itself, and at its copies adapted to the tasks. */
function metaTraining(setup: Setup): Stage<Concrete<MetaTraining>> {
  const { config, keys, table, wanted, support, metaOptions: { inner } } = setup;
  const { steps, rate } = config.pretrain;
  return compiledStage({
    arm: "meta",
    phase: "pretrain",
    steps,
    samples: config.batchSize * support.length * (inner.innerSteps + 1),
    compiled: setup.step.meta,
    table,
    key: keys.pretrain,
    start: () => setup.start.meta(keys.model, keys.pretextHeads),
    inputs: (step) => ({
      ...stepInputs(wanted.batch(step), { step, rate }),
      support: supportRows(setup, step),
    }),
    evaluate: async ({ params, state }) => {
      const { encoder, head } = params;
      const evaluate = setup.evaluate.classifier;
      const figures = await validate(setup, evaluate, { params: { encoder, head }, state });
      const adapted = await setup.adapt(
        { params, state },
        table,
        keys.adaptation,
        supportRows(setup, 0),
      );
      let sum = 0;
      for (const { name } of support) {
        const variables = { params: { encoder: adapted[name]!, head }, state };
        sum += (await validate(setup, evaluate, variables)).validationAccuracy;
      }
      setup.engine.release(adapted);
      return { ...figures, validationAccuracyAdapted: sum / support.length };
    },
  });
}

/** Training by classification: pretraining of `supervised`, fine-tuning of all arms. */
function classification(
  setup: Setup,
  { arm, phase, start }: {
    arm: string;
    phase: "pretrain" | "fineTune";
    start: Stage<Training>["start"];
  },
): Stage<Training> {
  const { config, keys, table, wanted } = setup;
  const { steps, rate } = config[phase];
  return compiledStage({
    arm,
    phase: phase === "pretrain" ? "pretrain" : "fine-tune",
    steps,
    samples: config.batchSize,
    compiled: setup.step.classifier,
    table,
    key: keys[phase],
    start,
    inputs: (step) => stepInputs(wanted.batch(step), { step, rate }),
    evaluate: ({ params, state }) => validate(setup, setup.evaluate.classifier, { params, state }),
  });
}

/** A backbone with a probe on top. */
function withProbe(backbone: Concrete<Variables>, probe: Training): Concrete<Variables> {
  return {
    params: { encoder: backbone.params, head: probe.params },
    state: { encoder: backbone.state, head: probe.state },
  };
}

/** The linear probe of a backbone. */
function linearProbe(
  setup: Setup,
  { arm, backbone }: { arm: string; backbone: Concrete<Variables> },
): Stage<Training> {
  const { config, keys, table, wanted } = setup;
  const { steps, rate } = config.probe;
  return compiledStage({
    arm,
    phase: "probe",
    steps,
    samples: config.batchSize,
    compiled: setup.step.probe,
    table,
    key: keys.probe,
    start: () => setup.start.probe(keys.probeHead),
    inputs: (step) => ({ ...stepInputs(wanted.batch(step), { step, rate }), backbone }),
    evaluate: (training) => validate(setup, setup.evaluate.probed, withProbe(backbone, training)),
  });
}

/** A model at the end of its training, before it meets the test images. */
interface Finished extends Omit<ArmOutcome, "test"> {
  readonly evaluate: Evaluate;
  readonly variables: Concrete<Variables>;
}

/** Runs the stages of all arms. */
async function trainArms(
  setup: Setup,
  run: <S>(stage: Stage<S>) => Promise<StageResult<S>>,
): Promise<Finished[]> {
  const { config, engine, keys } = setup;
  const finished: Finished[] = [];
  const fromInitialisation = () => setup.start.scratch(keys.model);
  for (const arm of ["meta", "supervised"] as const) {
    if (!config.arms.includes(arm)) continue;
    const pretrained = arm === "meta"
      ? await run(metaTraining(setup))
      : await run(classification(setup, { arm, phase: "pretrain", start: fromInitialisation }));
    const { params, state, optimizer } = pretrained.training;
    const backbone = { params: params["encoder"], state: state["encoder"] } as Concrete<Variables>;
    const pretraining = { phase: "pretrain", record: pretrained.record };
    const how = arm === "meta"
      ? `meta-trained (${config.meta.order} order, ${config.meta.innerSteps} inner steps)`
      : "pretrained by classification";
    const tuned = await run(classification(setup, {
      arm,
      phase: "fineTune",
      start: () => setup.start.fineTune(backbone, keys.model),
    }));
    finished.push({
      name: arm,
      description: `${how}, then fine-tuned`,
      stages: [pretraining, { phase: "fine-tune", record: tuned.record }],
      evaluate: setup.evaluate.classifier,
      variables: { params: tuned.training.params, state: tuned.training.state },
    });
    const probed = await run(linearProbe(setup, { arm, backbone }));
    finished.push({
      name: `${arm}-probe`,
      description: `${how}, then a linear probe`,
      stages: [pretraining, { phase: "probe", record: probed.record }],
      evaluate: setup.evaluate.probed,
      variables: withProbe(backbone, probed.training),
    });
    engine.release([optimizer, tuned.training.optimizer, probed.training.optimizer]);
  }
  if (config.arms.includes("scratch")) {
    const { training, record } = await run(
      classification(setup, { arm: "scratch", phase: "fineTune", start: fromInitialisation }),
    );
    finished.push({
      name: "scratch",
      description: "not pretrained, trained as the others are fine-tuned",
      stages: [{ phase: "fine-tune", record }],
      evaluate: setup.evaluate.classifier,
      variables: { params: training.params, state: training.state },
    });
  }
  return finished;
}

/** Names of the stages of the chosen arms, in the order in which they run. */
function stageNames({ arms }: Config): string[] {
  const phases = { meta: ["pretrain", "fine-tune", "probe"], scratch: ["fine-tune"] };
  return (["meta", "supervised", "scratch"] as const).filter((arm) => arms.includes(arm)).flatMap(
    (arm) => phases[arm === "scratch" ? arm : "meta"].map((phase) => stageName({ arm, phase })),
  );
}

/** Batch normalization follows at once and takes any constant away. */
const hasNoGradient = (path: string): boolean => path === "encoder.embedding.bias";

/**
 * Checks before the first step that every meta-parameter learns, and, on a narrow copy of the model
 * in float64, that the meta-gradient is one.
 */
async function guard(
  context: ExperimentContext<Config>,
  setup: Setup,
  train: ImageDataset,
): Promise<void> {
  const { config, engine, keys, table, wanted, rows } = setup;
  const training = await setup.start.meta(keys.model, keys.pretextHeads);
  const { loss, norms } = await guardMetaTraining(engine, setup.metaOptions, {
    training,
    table,
    key: keys.pretrain,
    inputs: {
      ...stepInputs(wanted.batch(0), { step: 0, rate: 0 }),
      support: supportRows(setup, 0),
    },
    exempt: hasNoGradient,
  });
  engine.release(training);
  context.log(
    `guard: outer loss ${loss.toFixed(4)}, all ${Object.keys(norms).length} meta-parameters learn.`,
  );
  if (config.meta.order !== "exact") return;

  // Narrow and gentle: with large steps on a few images even float64 cannot resolve the kinks.
  const { widths, ...model } = config.model;
  const inner = {
    ...setup.metaOptions.inner,
    innerSteps: Math.min(config.meta.innerSteps, 2),
    innerRate: Math.min(config.meta.innerRate, 5e-4),
  };
  const narrow = modelsOf({
    ...config,
    model: { ...model, widths: widths.map(() => 4), embedding: 8, hidden: 8 },
    meta: { ...config.meta, projection: 8 },
  }, channelStatistics(train, rows.train));
  const few = 4;
  const part = (k: number) => rowsOf(Int32Array.from({ length: few }, (_, row) => k * few + row));
  const images = rows.train.slice(0, few * (1 + narrow.tasks.length));
  const reference = await openEngine("reference");
  const key = hostArray(keyWords(context.seed), [2], "u32");
  const { directional } = await guardMetaTraining(
    reference,
    { ...setup.metaOptions, ...narrow, inner },
    {
      training: await reference.jit(narrow.startMeta)(key, key),
      table: packImages(subsetDataset(train, images)),
      key,
      inputs: {
        rows: part(0),
        step: hostArray([0], [], "u32"),
        support: Object.fromEntries(narrow.tasks.map(({ name }, k) => [name, part(1 + k)])),
      },
      exempt: hasNoGradient,
    },
  );
  reference.close();
  context.log(
    `guard: finite differences in float64, on a narrow copy of the model, agree with the ` +
      `meta-gradient to ${directional!.error.toExponential(1)}.`,
  );
}

async function runArms(
  context: ExperimentContext<Config>,
  engine: Engine,
  splits: ImageSplits,
): Promise<void> {
  const { config, folder, progress, signal, seed } = context;
  const { train, test } = splits;
  const setup = await prepare(context, engine, splits);
  const tested = Int32Array.from(
    { length: Math.min(test.count, config.testImages ?? test.count) },
    (_, row) => row,
  );
  const facts = {
    experiment: "cifar-maml",
    seed,
    dataset: {
      name: train.name,
      synthetic: train.synthetic,
      provenance: train.provenance,
      train: setup.rows.train.length,
      validation: setup.rows.validation.length,
      test: tested.length,
    },
    engine: engine.info.name,
    adapter: engine.info.adapter,
    softwareAdapter: engine.info.software,
    metaOrder: config.meta.order,
  };
  await context.describe(facts);
  context.log(train.provenance);

  const checkpoints = folder.file("checkpoints");
  const onCorrupt = (error: Error) => context.log(error.message);
  const names = stageNames(config);
  const resumeAt = await lastMetricsPosition(names, { folder: checkpoints, onCorrupt });
  if (config.arms.includes("meta") && !resumeAt) await guard(context, setup, train);
  const metrics = context.openMetrics(resumeAt ? { resumeAt } : {});
  const { evaluateEvery, saveEvery } = config;
  const finished = await trainArms(setup, (stage) =>
    runStage(stage, {
      ...{ engine, checkpoints, metrics, progress, signal, evaluateEvery, saveEvery, onCorrupt },
    }));

  // The test images are used here and nowhere else, once for every finished model.
  const testTable = engine.put(packImages(test));
  const arms: ArmOutcome[] = [];
  for (const { evaluate, variables, ...arm } of finished) {
    arms.push({ ...arm, test: await evaluate(variables, testTable, tested) });
    signal.throwIfAborted();
  }
  for (const { name, test } of arms) {
    context.log(`${name}: test accuracy ${(100 * test.accuracy).toFixed(2)}%`);
  }
  const warning = (text: string): ReportNotice => ({ kind: "warning", text });
  await writeArmReport(context, {
    facts,
    arms,
    chance: 0.1,
    notices: [
      ...(train.synthetic ? [warning(`The images are not CIFAR-10: ${train.provenance}.`)] : []),
      ...(engine.info.software
        ? [warning(`Seconds were measured on a software adapter (${engine.info.adapter}).`)]
        : []),
    ],
    summary: [
      "Does a backbone that was meta-trained with self-supervised inner tasks learn to classify as " +
      "well or better, in fewer steps, than one that was pretrained by classification, or not at all?",
      ...arms.map(({ name, description, test }) =>
        `${name} (${description}): ${
          (100 * test.accuracy).toFixed(2)
        }% of ${tested.length} test images.`
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
  async run(context) {
    const splits = await loadCifar10({
      data: context.data,
      signal: context.signal,
      onMessage: context.log,
      onProgress: ({ bytes, total }) => {
        const megabytes = (count: number) => Math.round(count / 1e6);
        context.progress.begin({ label: "download, MB", total: megabytes(total) });
        context.progress.update(megabytes(bytes));
      },
    });
    const engine = await openEngine(context.engine, { onChoice: context.log });
    try {
      await runArms(context, engine, splits);
    } finally {
      engine.close();
    }
  },
});

if (import.meta.main) Deno.exit(await runCommand(experiment));
