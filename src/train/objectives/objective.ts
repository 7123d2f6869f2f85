/**
 * Objectives: what one training step lowers.
 *
 * @module
 */
import type { Tensor } from "../../ir/tensor.ts";
import type { Layer, Params } from "../../nn/mod.ts";
import type { Optimizer } from "../../optim/mod.ts";
import type { Augment, PretextTask } from "../../pretext/mod.ts";
import { splitKey } from "../../random/mod.ts";
import { add, mul } from "../../tensor/mod.ts";
import { mapTree } from "../../tree/tree.ts";
import type { ImageExtents } from "../device_images.ts";
import type { Variables } from "../evaluate_classifier.ts";
import type { MetaStepInputs } from "./meta_train.ts";
import type { TrainingState, TrainStep } from "./train_classifier.ts";

/** What learns: the parts that all objectives of an experiment share. */
export interface Learner {
  /** From images to embeddings. */
  readonly encoder: Layer;
  /** Length of the embeddings. */
  readonly embedding: number;
  /** From embeddings to logits of the wanted task. */
  readonly head: Layer;
  /** Moves the parameters. */
  readonly optimizer: Optimizer;
  /** How labelled images are changed. */
  readonly augment: Augment;
  /** Extents of the images. */
  readonly extents: ImageExtents;
}

/** Keys `u32[2]` of the first parameters of heads. */
export interface HeadKeys {
  /** Of the head of the wanted task. */
  readonly head: Tensor;
  /** Of the heads of the pretext tasks. */
  readonly pretext: Tensor;
}

/** What travels to the device for a step of any objective. */
export type ObjectiveInputs = MetaStepInputs;

/** Images that go through the backbone in one step, as a multiple of the batch. */
export interface ImagesOfStep {
  /** Forward passes of whole batches of labelled images. */
  readonly labelled: number;
  /** Forward passes of a batch of each pretext task, by its name. */
  readonly support: Readonly<Record<string, number>>;
}

/** What one training step lowers. */
export interface Objective {
  /** Name in tables, files and configurations. */
  readonly name: string;
  /** The pretext tasks whose heads are learned; each gets a batch of its own. */
  readonly tasks: readonly PretextTask[];
  /** Whether labelled images are read, and the head of the wanted task learns. */
  readonly wanted: boolean;
  /** Forward passes of a step. */
  images(): ImagesOfStep;
  /**
   * What training starts from: a pure function of a backbone and keys.
   *
   * @param backbone The backbone.
   * @param keys Keys of the heads.
   */
  start(backbone: Variables, keys: HeadKeys): TrainingState;
  /** The step, a pure function. */
  readonly step: TrainStep<TrainingState, ObjectiveInputs>;
}

/**
 * What training starts from: a backbone, the heads that an objective asks for, the optimizer's state.
 *
 * @param learner Heads and optimizer.
 * @param objective Which heads.
 * @param from The backbone and the keys of the heads.
 * @returns The state before the first step.
 */
export function startOf(
  { head, embedding, optimizer }: Learner,
  { tasks, wanted }: Pick<Objective, "tasks" | "wanted">,
  { backbone, keys }: { readonly backbone: Variables; readonly keys: HeadKeys },
): TrainingState {
  const top = wanted ? head.init(keys.head) : undefined;
  const own = splitKey(keys.pretext, Math.max(tasks.length, 1));
  const pretext = Object.fromEntries(
    tasks.map((task, k) => [task.name, task.initHead(own[k]!, embedding)]),
  );
  const params: Params = {
    encoder: backbone.params,
    ...(top && { head: top.params }),
    ...(tasks.length > 0 && { pretext }),
  };
  return {
    params,
    state: { encoder: backbone.state, ...(top && { head: top.state }) },
    optimizer: optimizer.init(params),
  };
}

/**
 * The mean of several trees of one structure.
 *
 * @param trees The trees, at least one.
 * @returns Their mean, leaf by leaf.
 */
export function meanOfTrees<T>(trees: readonly T[]): T {
  return trees.length === 1 ? trees[0]! : mapTree<T>(
    (...parts: Tensor[]) => mul(parts.reduce(add), 1 / parts.length),
    trees[0],
    ...trees.slice(1),
  );
}

/**
 * The name of a metric of a task among those of a step.
 *
 * @param task Name of the task, such as `rotation`.
 * @param metric Name of the metric, such as `accuracy`.
 * @returns For example `rotationAccuracy`.
 */
export function metricName(task: string, metric: string): string {
  return `${task}${metric[0]!.toUpperCase()}${metric.slice(1)}`;
}
