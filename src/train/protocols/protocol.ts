/**
 * Protocols: how a pretrained backbone is judged.
 *
 * @module
 */
import type { Concrete } from "../../engine/mod.ts";
import type { Schedule } from "../../optim/mod.ts";
import type { ImageTraining } from "../image_training.ts";
import type { LabelledRows } from "../nearest_neighbours.ts";
import type { Objective } from "../objectives/objective.ts";
import type { TrainingState } from "../objectives/train_classifier.ts";
import type { Stage, StageResult } from "../run_stage.ts";
import type { StageRecord } from "../stage_checkpoints.ts";

/** What pretraining has left. */
export interface Pretrained {
  /** What its last phase lowered. */
  readonly objective: Objective;
  /** Parameters, running statistics, the optimizer's state. */
  readonly training: Concrete<TrainingState>;
}

/** Length and rate of the training that a protocol does. */
export interface ProtocolPlan {
  /** Number of steps. */
  readonly steps: number;
  /** Learning rate of every step. */
  readonly rate: number | Schedule;
  /** Largest global norm of a gradient; `null`, or absent, clips nothing. */
  readonly clip?: number | null;
}

/** What a protocol works on. */
export interface ProtocolInputs {
  /** Model and images. */
  readonly training: ImageTraining;
  /** The arm, for names. */
  readonly arm: string;
  /** The pretrained model; absent for the initialisation. */
  readonly pretrained?: Pretrained | undefined;
  /** Whether the target has other classes than the source. */
  readonly transfer: boolean;
  /** How long fine-tuning and probing take. */
  readonly plans: Readonly<Record<"fine-tune" | "linear-probe", ProtocolPlan>>;
  /** Runs a stage, with its checkpoints and metrics. */
  run<S>(stage: Stage<S>): Promise<StageResult<S>>;
}

/** How good a model is. */
export interface Judgement {
  /** Share of right answers, from 0 to 1. */
  readonly accuracy: number;
  /** Mean cross-entropy in nats; absent where there are no probabilities. */
  readonly loss?: number;
  /** Further figures by name. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** A model that is ready to be judged. */
export interface PreparedModel {
  /** What the protocol itself has trained; absent if it trains nothing. */
  readonly record?: StageRecord;
  /**
   * Judges on images that were not trained on.
   *
   * @param images Images of the target.
   */
  judge(images: LabelledRows): Promise<Judgement>;
}

/** A way to judge a backbone. */
export interface Protocol {
  /** Name in tables, files and configurations. */
  readonly name: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** Says why it cannot judge this arm; `undefined` if it can. */
  refuses(inputs: Pick<ProtocolInputs, "pretrained" | "transfer">): string | undefined;
  /** Trains what has to be trained. */
  prepare(inputs: ProtocolInputs): Promise<PreparedModel>;
}
