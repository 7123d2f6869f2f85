/**
 * The arms of cifar-hypothesis in float64, at a size that takes seconds: what every step gives, and what
 * random draws have decided, so that PyTorch can do the same (`protocol.py`).
 */
import { parse } from "@std/yaml";
import { objectives } from "../../../src/components/mod.ts";
import { type Concrete, type Engine, type HostArray, openEngine } from "../../../src/engine/mod.ts";
import { channelStatistics, type ImageDataset, syntheticImages } from "../../../src/data/mod.ts";
import { resizeDataset } from "../../../src/data/resize_dataset.ts";
import type { NdArray } from "../../../src/ir/nd_array.ts";
import type { Tensor } from "../../../src/ir/tensor.ts";
import type { PretextTask } from "../../../src/pretext/mod.ts";
import { foldIn, splitKey, splitKeys } from "../../../src/random/mod.ts";
import type { Arm, Phase } from "../../../src/study/arms/arms.ts";
import { studyModel, taskSetting } from "../../../src/study/arms/image_learner.ts";
import { regimeImages } from "../../../src/study/arms/regimes.ts";
import { UnitRunner } from "../../../src/study/arms/run_unit.ts";
import { armsOf, type StudyConfig, studySchema } from "../../../src/study/arms/study_schema.ts";
import { constant, slice, valuesOf } from "../../../src/tensor/mod.ts";
import {
  ImageDraws,
  type ImageTable,
  ImageTraining,
  labelledBatch,
  packImages,
  type Purpose,
  shuffledTargets,
  type Stage,
  type StageResult,
  takeImages,
} from "../../../src/train/mod.ts";
import { flatten } from "../../../src/tree/tree.ts";

/** Differs from `experiments/cifar-hypothesis.yaml` in sizes, and in that everything is on. */
const CONFIG = `
only: { arms: [ARMS], regimes: [few] }
regimes: { few: { source: { labelsPerClass: 2 }, target: { labelsPerClass: 2 } } }
imageSize: 16
validation: 20
model: { backbone: { encoder: { widths: [3, 4], embedding: 5, dropout: 0 } }, hidden: 6 }
batchSize: 8
meta: { innerRate: 0.1, tasks: { contrastive: { projection: 4 }, rotation: {} } }
pretrain: { steps: 3, rate: 0.01, clip: 2 }
fineTune: { steps: 3, rate: 0.01, schedule: cosine, clip: 1 }
probe: { steps: 2, rate: 0.02, clip: 0.5 }
refreshBatches: 3
adaptationDraws: 2
alignment: false
evaluationBatch: 15
`;

/** What is said of one arm beside the file: what tuning has chosen, or what makes it another one. */
const CHANGES: Readonly<Record<string, object>> = {
  scratch: { fineTune: { rate: 0.004 } },
  supervised: {},
  "supervised-long": { steps: 4 },
  pretext: { schedule: "cosine" },
  joint: { pretextWeight: 0.3 },
  meta: { innerRate: 0.05 },
  "meta-first": { innerRate: 0.2 },
  "meta-3-steps": { innerSteps: 2 },
  "alpha-zero": {},
  "shuffled-targets": {},
};

const SEED = 3;

/** Numbers with their extents, as JSON. */
interface Stored {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
type StoredTree = Readonly<Record<string, Stored>>;

/** What one step gives: metrics, and sums over what has changed. */
interface StepNumbers {
  readonly metrics: Readonly<Record<string, number>>;
  readonly params: readonly number[];
  readonly first: readonly number[];
  readonly second: readonly number[];
  readonly state?: readonly number[];
}

/** What an arm's phases and judgements give, by `ARM PHASE`. */
export interface Numbers {
  readonly phases: Readonly<
    Record<string, {
      readonly steps: readonly StepNumbers[];
      readonly evaluations: readonly Readonly<Record<string, number>>[];
    }>
  >;
  /** Accuracy and, where there is one, loss on test images. */
  readonly tests: Readonly<Record<string, readonly number[]>>;
}

async function configuration(): Promise<StudyConfig> {
  const file = new URL("../../../experiments/cifar-hypothesis.yaml", import.meta.url);
  const { common } = parse(await Deno.readTextFile(file)) as {
    common: { arms: Record<string, object> };
  };
  const names = Object.keys(CHANGES);
  const arms = Object.entries(common.arms).map(([name, arm]) =>
    [name, { ...arm, ...CHANGES[name] }] as const
  );
  const small = parse(CONFIG.replace("ARMS", names.join())) as object;
  return studySchema.parse({ arms: Object.fromEntries(arms), ...small });
}

/** The numbers of a tree of values of the float64 engine, or of tensors, by path. */
function stored(tree: unknown): StoredTree {
  const { leaves, paths } = flatten<{ shape: readonly number[]; handle: unknown }>(tree);
  return Object.fromEntries(
    leaves.map(({ shape, handle }, k) =>
      [paths[k]!, { shape, data: [...(handle as NdArray).data] }] as const
    ),
  );
}

function storedTensor(x: Tensor): Stored {
  return { shape: x.shape, data: [...valuesOf(x)] };
}

/** Inner product with sin(0.7 k) and cos(0.7 k), k from 0 over all numbers by sorted paths. */
function summary(tree: StoredTree, prefix: string): number[] {
  const paths = Object.keys(tree).filter((path) => path.startsWith(`${prefix}.`)).sort();
  const values = paths.flatMap((path) => tree[path]!.data);
  return [Math.sin, Math.cos].map((wave) =>
    values.reduce((sum, value, k) => sum + value * wave(0.7 * k), 0)
  );
}

/** Does every step and evaluation of a stage, and keeps their numbers. */
async function runAll<S>(
  stage: Stage<S>,
  keep: { readonly starts: Record<string, StoredTree>; readonly phases: Record<string, unknown> },
): Promise<StageResult<S>> {
  const name = `${stage.arm} ${stage.phase}`;
  let training: S = await stage.start();
  keep.starts[name] = stored(training);
  const evaluations = [await stage.evaluate(training)];
  const steps: StepNumbers[] = [];
  for (let step = 0; step < stage.steps; step++) {
    const { training: next, metrics: figures } = await stage.step(training, step);
    training = next;
    const after = stored(training);
    const [params, first, second, state] = [
      "params",
      "optimizer.first",
      "optimizer.second",
      "state",
    ]
      .map((prefix) => summary(after, prefix));
    const metrics = Object.entries(stored(figures)).map(([key, { data }]) => [key, data[0]!]);
    steps.push({
      metrics: Object.fromEntries(metrics),
      ...{ params: params!, first: first!, second: second!, state: state! },
    });
    evaluations.push(await stage.evaluate(training));
  }
  keep.phases[name] = { steps, evaluations };
  const ledger = { steps: stage.steps, samples: 0, flops: 0, seconds: 0 };
  return {
    training,
    record: { ledger, curve: evaluations.map((e) => ({ ...ledger, step: 0, ...e })) },
  };
}

/** Ends a loss whose images are all that is asked for. */
class Seen extends Error {}

/** What a pretext task shows the backbone for a key, and where a placebo puts the embeddings. */
function drawOf(task: PretextTask, at: { key: Tensor; rows: Int32Array; images: Tensor }): object {
  const { key, rows, images } = at;
  let drawn: object = {};
  try {
    task.loss({
      images,
      key,
      head: {},
      encode: (views, own) => {
        const places = Array.from({ length: views.shape[0]! }, (_, k) => [k]);
        const moved = shuffledTargets().encode!(constant(places), foldIn(own, 0x5aff1e));
        drawn = { views: storedTensor(views), permutation: [...valuesOf(moved)], rows: [...rows] };
        throw new Seen();
      },
    });
  } catch (error) {
    if (!(error instanceof Seen)) throw error;
  }
  return drawn;
}

/** Draws what the steps of the arms have drawn, by the keys that they draw with. */
class Draws {
  readonly #draws: ImageDraws;
  readonly #table: ImageTable;

  constructor(
    readonly config: StudyConfig,
    readonly dataset: ImageDataset,
    readonly rows: Int32Array,
  ) {
    this.#draws = new ImageDraws({ seed: SEED, batchSize: config.batchSize });
    const { shards, labels } = packImages(dataset);
    const tensor = ({ data, dtype, shape }: HostArray): Tensor =>
      constant([...data], { dtype, shape });
    this.#table = { shards: shards.map(tensor), labels: tensor(labels) };
  }

  labelled(phase: string, step: number): number[] {
    return [...this.#draws.labelled({ phase, rows: this.rows, step })];
  }

  /** The batch of a step, and what the tasks of its objective see. */
  batch(
    { phase, plan, tasks, step }: {
      readonly phase: string;
      readonly plan: Phase | undefined;
      readonly tasks: readonly PretextTask[];
      readonly step: number;
    },
  ): object {
    const rows = this.labelled(phase, step);
    const key = this.#key(phase, "steps");
    const number = constant(step, { dtype: "u32" });
    const { augment } = studyModel(this.config, { mean: [0, 0, 0], standardDeviation: [1, 1, 1] });
    const { images, labels, key: rest } = labelledBatch(this.#table, key, {
      rows: constant(rows, { dtype: "i32" }),
      step: number,
      augment,
      extents: this.dataset,
    });
    const names = tasks.map(({ name }) => name).sort();
    const losses = (from: Tensor, count: number) => splitKey(foldIn(from, 0x10555), count).slice(1);
    const keys = plan?.objective === "meta"
      ? splitKey(rest, Math.max(names.length, 1))
      : plan?.objective === "joint"
      ? losses(rest, names.length + 2)
      : losses(foldIn(key, number), names.length + 1);
    const drawn = tasks.map((task) => {
      const own = keys[names.indexOf(task.name)]!;
      return [task.name, this.#views(task, { phase, step, plan: plan!, key: own })] as const;
    });
    return {
      images: storedTensor(images),
      labels: [...valuesOf(labels)],
      tasks: Object.fromEntries(drawn),
    };
  }

  /** What the tasks of a meta-trained arm see in an evaluation. */
  adaptation(
    draw: number,
    { plan, tasks }: { plan: Phase; tasks: readonly PretextTask[] },
  ): object {
    const phase = `adaptation ${draw}`;
    const keys = splitKey(this.#key(phase, "adaptation"), tasks.length);
    return Object.fromEntries(
      tasks.map((
        task,
        k,
      ) => [task.name, this.#views(task, { phase, step: 0, plan, key: keys[k]! })]),
    );
  }

  #key(phase: string, purpose: Purpose): Tensor {
    return constant([...this.#draws.key({ phase, purpose }).data], { dtype: "u32" });
  }

  #views(
    task: PretextTask,
    { phase, step, plan, key }: { phase: string; step: number; plan: Phase; key: Tensor },
  ): object[] {
    const rows = this.#draws.support(task.name, { phase, rows: this.rows, step });
    const at = constant([...rows], { dtype: "i32" });
    const images = takeImages(this.#table, at, this.dataset);
    if (plan.objective !== "meta") return [drawOf(task, { key, rows, images })];
    const innerSteps = plan.options["innerSteps"] as number;
    const keys = splitKeys(key, 2 * innerSteps);
    return Array.from(
      { length: innerSteps },
      (_, t) => drawOf(task, { key: slice(keys, [t]), rows, images }),
    );
  }
}

/** Runs all arms; what they give, and all that was drawn for it. */
export async function runArms(engine: Engine): Promise<{ numbers: Numbers; draws: object }> {
  const config = await configuration();
  const painted = syntheticImages({ seed: 1, trainCount: 120, testCount: 40 });
  const small = (dataset: ImageDataset) => resizeDataset(dataset, { size: config.imageSize });
  const splits = { train: small(painted.train), test: small(painted.test) };
  const { source, target, test, transfer, model } = regimeImages(splits, config.regimes["few"]!, {
    ...config,
    model: ({ dataset, train }) => studyModel(config, channelStatistics(dataset, train)),
  });
  const { stream: _, ...sizes } = config;
  const classes = source.dataset.classNames.length;
  const options = { ...sizes, ...model, probe: model.probe(classes), source, target, seed: SEED };
  const training = ImageTraining.open(engine, options);
  const keep = { starts: {} as Record<string, StoredTree>, phases: {} as Numbers["phases"] };
  const runner = new UnitRunner({
    ...{ training, setting: taskSetting(config, source.dataset), transfer, plans: config },
    ...{ alignment: config.alignment, label: ({ name }: Arm) => name, log: () => {} },
    objectives,
    run: (stage) => runAll(stage, keep),
  });
  const initial = stored(await training.initialBackbone() as Concrete<unknown>);
  const images = training.judge.put(test!);
  const tests: Record<string, number[]> = {};
  const arms = armsOf(config, objectives);
  const draws = new Draws(config, source.dataset, source.train);
  const steps: Record<string, object[]> = {};
  const adaptation: Record<string, object[]> = {};
  const described: object[] = [];
  for (const arm of arms) {
    const { models } = await runner.train(arm);
    for (const { protocol, judge } of models) {
      const { accuracy, loss } = (await judge(images)).test!;
      tests[`${arm.name} ${protocol}`] = loss === undefined ? [accuracy] : [accuracy, loss];
    }
    const plans = {
      ...(arm.pretrain[0] && { pretrain: arm.pretrain[0] }),
      "fine-tune": { ...config.fineTune, ...arm.fineTune },
      "linear-probe": { ...config.probe, ...arm.probe },
    };
    const phases = Object.entries(plans).map(([phase, plan]) => {
      const own = phase === "pretrain" ? arm.pretrain[0] : undefined;
      const tasks = own ? runner.objective(own).tasks : [];
      steps[`${arm.name} ${phase}`] = Array.from(
        { length: plan.steps! },
        (_, step) => draws.batch({ phase, plan: own, tasks, step }),
      );
      if (own?.objective === "meta") {
        adaptation[arm.name] = Array.from(
          { length: config.adaptationDraws },
          (_, draw) => draws.adaptation(draw, { plan: own, tasks }),
        );
      }
      return { objective: "classification", options: {}, ...plan, arm: arm.name, phase };
    });
    described.push({ name: arm.name, protocols: arm.protocols, phases });
  }
  const pixels = ({ count, height, width, channels, images }: ImageDataset): Stored => ({
    shape: [count, height, width, channels],
    data: [...images],
  });
  return {
    numbers: { phases: keep.phases, tests },
    draws: {
      ...{ initial, starts: keep.starts, steps, adaptation, arms: described },
      refresh: Array.from(
        { length: config.refreshBatches },
        (_, k) => draws.labelled("refresh", k),
      ),
      images: { train: pixels(source.dataset), test: pixels(test!) },
      labels: { train: [...source.dataset.labels], test: [...test!.labels] },
      train: [...source.train],
      validation: [...source.validation],
    },
  };
}

if (import.meta.main) {
  const engine = await openEngine("reference", { float64: true });
  const { draws } = await runArms(engine);
  await Deno.writeTextFile(Deno.args[0]!, JSON.stringify(draws));
  engine.close();
}
