/**
 * What a unit of a study leaves behind: the file from which every verdict is computed.
 *
 * @module
 */

/** What has been spent, on the four budget axes. */
export interface Cost {
  /** Optimizer steps. */
  readonly steps: number;
  /** Images that went through the network, each time counted. */
  readonly samples: number;
  /** Floating-point operations of the algorithm, a multiply-add being two. */
  readonly flops: number;
  /** Seconds of training; evaluations are not counted. */
  readonly seconds: number;
}

/** One evaluation on the validation images. */
export interface Evaluated extends Cost {
  /** Share of right answers, from 0 to 1. */
  readonly accuracy: number;
}

/** How a backbone did under one protocol. */
export interface Outcome {
  /** The protocol, such as `fine-tune`. */
  readonly protocol: string;
  /** What had been spent before the first point of `curve`: pretraining; zero where the curve is that of pretraining. */
  readonly before: Cost;
  /** Evaluations on the validation images in order, the first before any step; cost counted from the first on. */
  readonly curve: readonly Evaluated[];
  /** The finished model on the test images. */
  readonly test: {
    /** Share of right answers, from 0 to 1. */
    readonly accuracy: number;
    /** Mean cross-entropy in nats; absent where the protocol gives no probabilities. */
    readonly loss?: number;
    /** Number of test images. */
    readonly images: number;
  };
  /** Further figures by name. */
  readonly figures: Readonly<Record<string, number>>;
}

/** What one training phase has logged. */
export interface PhaseRecord {
  /** Name of the phase, such as `pretrain-0` or `fine-tune`. */
  readonly phase: string;
  /** What it has spent. */
  readonly cost: Cost;
  /** Its evaluations: cost so far and figures by name, such as `alignmentRotation`. */
  readonly curve: readonly Readonly<Record<string, number>>[];
}

/** A finished unit: one arm in one regime with one seed. */
export interface UnitSummary {
  /** Version of this format. */
  readonly format: 1;
  /** Name of the experiment. */
  readonly study: string;
  /** The arm. */
  readonly arm: string;
  /** The regime. */
  readonly regime: string;
  /** The seed; units of equal seed share initialisation, order and augmentation. */
  readonly seed: number;
  /** Accuracy of guessing. */
  readonly chance: number;
  /** One for each protocol of the arm. */
  readonly outcomes: readonly Outcome[];
  /** Every training phase, in order. */
  readonly phases: readonly PhaseRecord[];
  /** Hash of all configuration that decides the numbers of this unit, but for the seed. */
  readonly configuration: string;
  /** Engine, adapter, commit, hashes of the data and other facts. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** How a backbone did, where the test images may not have been looked at: as in a trial of tuning. */
export type TrialOutcome = Omit<Outcome, "test"> & Partial<Pick<Outcome, "test">>;

/** A finished unit that may be a trial of tuning. */
export interface TrialSummary extends Omit<UnitSummary, "outcomes"> {
  /** One for each protocol of the arm. */
  readonly outcomes: readonly TrialOutcome[];
}
