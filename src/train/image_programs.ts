/**
 * The programs of an image training.
 *
 * @module
 */
import type { ImageDataset } from "../data/mod.ts";
import type { Engine, Jitted } from "../engine/mod.ts";
import type { Tensor } from "../ir/tensor.ts";
import { type Layer, type Params, sequential } from "../nn/mod.ts";
import { splitKey } from "../random/mod.ts";
import type { CompiledStep } from "./compiled_stage.ts";
import type { ImageTable } from "./device_images.ts";
import { classifierEvaluation, type Evaluate, type Variables } from "./evaluate_classifier.ts";
import { type ProbeInputs, probeStep } from "./linear_probe.ts";
import {
  adaptToTasks,
  type MetaStepInputs,
  type MetaTraining,
  type MetaTrainOptions,
  metaTrainStep,
} from "./meta_train.ts";
import {
  classifierStep,
  type StepInputs,
  type TrainingState,
  trainingState,
} from "./train_classifier.ts";

/** What is trained, on which images. */
export interface ImageTrainingOptions extends Omit<MetaTrainOptions, "extents"> {
  /** Length of the embeddings that the backbone gives. */
  readonly embedding: number;
  /** From embeddings to logits: the head of a linear probe. */
  readonly probe: Layer;
  /** The images. */
  readonly dataset: ImageDataset;
  /** Images to learn from, `[n]`. */
  readonly train: Int32Array;
  /** Images held out of training, `[n]`. */
  readonly validation: Int32Array;
  /** Images of a batch, in every loss. */
  readonly batchSize: number;
  /** Images of a batch in evaluations. */
  readonly evaluationBatch: number;
  /** Seed of all that is random. */
  readonly seed: number;
}

/** The programs of an image training. */
export interface ImagePrograms {
  /** What meta-training is made of. */
  readonly meta: MetaTrainOptions;
  /** What the stages start from, drawn from keys. */
  readonly start: {
    /** Meta-training, from keys for the backbone, the head and the pretext heads. */
    readonly meta: Jitted<[Tensor, Tensor, Tensor], MetaTraining>;
    /** Classification from the initialisation, from keys for the backbone and the head. */
    readonly classifier: Jitted<[Tensor, Tensor], TrainingState>;
    /** Classification with a fresh head, drawn from a key, on a given backbone. */
    readonly onBackbone: Jitted<[Variables, Tensor], TrainingState>;
    /** A linear probe. */
    readonly probe: Jitted<[Tensor], TrainingState>;
  };
  /** The steps; they use their first argument up. */
  readonly step: {
    /** Of meta-training. */
    readonly meta: CompiledStep<MetaTraining, MetaStepInputs>;
    /** Of classification. */
    readonly classifier: CompiledStep<TrainingState, StepInputs>;
    /** Of a linear probe. */
    readonly probe: CompiledStep<TrainingState, ProbeInputs>;
  };
  /** Adapts a meta-trained backbone to the pretext tasks. */
  readonly adapt: Jitted<
    [Pick<MetaTraining, "params" | "state">, ImageTable, Tensor, MetaStepInputs["support"]],
    Readonly<Record<string, Params>>
  >;
  /** Evaluation, by what is on top of the backbone. */
  readonly evaluate: Readonly<Record<"classifier" | "probe", Evaluate>>;
}

/**
 * Makes what meta-training starts from, as a function of a key for the backbone, one for the head and
 * one for the pretext heads.
 */
export function metaStart(
  { encoder, head, tasks, embedding, optimizer }: Pick<
    ImageTrainingOptions,
    "encoder" | "head" | "tasks" | "embedding" | "optimizer"
  >,
): (key: Tensor, headKey: Tensor, pretextKey: Tensor) => MetaTraining {
  return (key, headKey, pretextKey) => {
    const { params, state } = topped(encoder.init(key), head.init(headKey));
    const keys = splitKey(pretextKey, tasks.length);
    const pretext = Object.fromEntries(
      tasks.map((task, k) => [task.name, task.initHead(keys[k]!, embedding)]),
    );
    return trainingState({ params: { ...params, pretext }, state }, optimizer);
  };
}

/** Prepares the programs that the stages share; each is compiled when it is first used. */
export function imagePrograms(engine: Engine, options: ImageTrainingOptions): ImagePrograms {
  const { encoder, head, probe, optimizer, augment, dataset } = options;
  const classifier = sequential({ encoder, head });
  const common = { optimizer, augment, extents: dataset };
  const meta: MetaTrainOptions = { ...options, extents: dataset };
  const evaluation = { extents: dataset, batchSize: options.evaluationBatch };
  const donated = { donate: [0] };
  return {
    meta,
    start: {
      meta: engine.jit(metaStart(options)),
      classifier: engine.jit((key: Tensor, headKey: Tensor) =>
        trainingState(topped(encoder.init(key), head.init(headKey)), optimizer)
      ),
      onBackbone: engine.jit((backbone: Variables, headKey: Tensor) =>
        trainingState(topped(backbone, head.init(headKey)), optimizer)
      ),
      probe: engine.jit((key: Tensor) => trainingState(probe.init(key), optimizer)),
    },
    step: {
      meta: engine.jit(metaTrainStep(meta), donated),
      classifier: engine.jit(classifierStep({ ...common, model: classifier }), donated),
      probe: engine.jit(probeStep({ ...common, encoder, head: probe }), donated),
    },
    adapt: engine.jit(adaptToTasks(meta)),
    evaluate: {
      classifier: classifierEvaluation(engine, { ...evaluation, model: classifier }),
      probe: classifierEvaluation(engine, {
        ...evaluation,
        model: sequential({ encoder, head: probe }),
      }),
    },
  };
}

/** Variables of a model of backbone and head. */
function topped(backbone: Variables, head: Variables) {
  return {
    params: { encoder: backbone.params, head: head.params },
    state: { encoder: backbone.state, head: head.state },
  };
}
