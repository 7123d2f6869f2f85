/**
 * One unit of a study: an arm in a regime.
 *
 * @module
 */
import { type Objectives, protocols, type TaskSetting } from "../../components/mod.ts";
import { cosineSchedule } from "../../optim/mod.ts";
import {
  backboneOf,
  type CurvePoint,
  type ImageTraining,
  type LabelledRows,
  type Objective,
  type PreparedModel,
  type Pretrained,
  type Protocol,
  type ProtocolPlan,
  type Stage,
  type StageRecord,
  type StageResult,
} from "../../train/mod.ts";
import type { EncodedPicture } from "../../report/picture_grid.ts";
import { type PicturePlace, taskGrid } from "../run_pictures.ts";
import type { Arm, Phase, PhasePlan } from "./arms.ts";
import { makeObjective } from "./make_objective.ts";
import type { Cost, PhaseRecord, TrialOutcome } from "../unit_summary.ts";

/** What the units of one regime share. */
export interface UnitSetting {
  /** Model and images. */
  readonly training: ImageTraining;
  /** What pretext tasks take; `classes` are those of the source. */
  readonly setting: TaskSetting;
  /** Who makes objectives. */
  readonly objectives: Objectives;
  /** Whether the target has other classes than the source. */
  readonly transfer: boolean;
  /** Plans of fine-tuning and probing. */
  readonly plans: { readonly fineTune: PhasePlan; readonly probe: PhasePlan };
  /** Whether alignment of gradients is measured at evaluations. */
  readonly alignment: boolean;
  /** Name of an arm in stages, metrics and files. */
  label(arm: Arm): string;
  /** Keeps a picture of a pretext task; without it, none is drawn. */
  readonly keep?: (place: PicturePlace, picture: EncodedPicture) => Promise<void>;
  /** Runs a stage. */
  run<S>(stage: Stage<S>): Promise<StageResult<S>>;
  /** Prints a line. */
  log(line: string): void;
}

/** A unit that has trained and waits to be judged on test images. */
export interface TrainedUnit {
  /** The arm. */
  readonly arm: Arm;
  /** Every phase with what it has logged. */
  readonly phases: readonly PhaseRecord[];
  /** The protocols that apply. */
  readonly models: readonly TrainedModel[];
  /** Protocols that do not apply, and why. */
  readonly refused: Readonly<Record<string, string>>;
}

/** One protocol of a unit. */
export interface TrainedModel {
  /** Name of the protocol. */
  readonly protocol: string;
  /** The stages that it has gone through, in order. */
  readonly stages: readonly { readonly phase: string; readonly record: StageRecord }[];
  /** Judges the model, on test images if there are any: to be called once. */
  judge(images: LabelledRows | undefined): Promise<TrialOutcome>;
}

/** Figure of a phase of pretraining that is a protocol's accuracy along the way. */
const ALONG_THE_WAY: Readonly<Record<string, string>> = {
  "as-is": "validationAccuracy",
  adapted: "validationAccuracyAdapted",
  knn: "nearestAccuracy",
};

const NOTHING: Cost = { steps: 0, samples: 0, flops: 0, seconds: 0 };

/** Trains units; arms with the same pretraining share it. */
export class UnitRunner {
  readonly #setting: UnitSetting;
  readonly #objectives = new Map<string, Objective>();
  readonly #pretrained = new Map<string, Pretrained & { readonly record: StageRecord }>();

  /**
   * Prepares the units of a regime.
   *
   * @param setting What they share.
   */
  constructor(setting: UnitSetting) {
    this.#setting = setting;
  }

  /** The objective of a phase; the same object for equal options. */
  objective(phase: Phase): Objective {
    const id = JSON.stringify([phase.objective, phase.options, phase.clip]);
    let made = this.#objectives.get(id);
    if (!made) {
      const { training, setting, objectives } = this.#setting;
      // Supervised pretraining and fine-tuning on the same classes share their programs.
      made = phase.objective === "classification"
        ? training.classification("source", phase)
        : makeObjective(phase, { learner: training.learner("source"), setting, objectives });
      this.#objectives.set(id, made);
    }
    return made;
  }

  /**
   * Trains an arm: its pretraining, and what its protocols train.
   *
   * @param arm The arm.
   * @returns Models that are ready to be judged on test images.
   */
  async train(arm: Arm): Promise<TrainedUnit> {
    const { training, transfer, plans, run, log } = this.#setting;
    const label = this.#setting.label(arm);
    const { pretrained, stages } = await this.#pretrain(arm, label);
    const phases: PhaseRecord[] = stages.map(phaseRecord);
    const models: TrainedModel[] = [];
    const refused: Record<string, string> = {};
    for (const name of arm.protocols) {
      const protocol = protocols[name]!.make({}, {});
      const reason = protocol.refuses({ pretrained, transfer });
      if (reason !== undefined) {
        refused[name] = reason;
        log(`${label}: no ${name}, because ${reason}.`);
        continue;
      }
      const prepared = await protocol.prepare({
        training,
        arm: label,
        pretrained,
        transfer,
        plans: {
          "fine-tune": protocolPlan({ ...plans.fineTune, ...defined(arm.fineTune) }),
          "linear-probe": protocolPlan({ ...plans.probe, ...defined(arm.probe) }),
        },
        run,
      });
      const own = prepared.record && { phase: name, record: prepared.record };
      if (own) phases.push(phaseRecord(own));
      models.push({
        protocol: name,
        stages: own ? [...stages, own] : stages,
        judge: (images) => this.#judge({ protocol, prepared, stages, images }),
      });
    }
    return { arm, phases, models, refused };
  }

  /** Runs the phases of an arm, but for those that an arm before it has run. */
  async #pretrain(arm: Arm, label: string): Promise<{
    readonly pretrained: Pretrained | undefined;
    readonly stages: readonly { readonly phase: string; readonly record: StageRecord }[];
  }> {
    const { training, run, alignment } = this.#setting;
    const stages: { readonly phase: string; readonly record: StageRecord }[] = [];
    let last: (Pretrained & { readonly record: StageRecord }) | undefined;
    for (const [k, plan] of arm.pretrain.entries()) {
      const id = JSON.stringify(arm.pretrain.slice(0, k + 1));
      const phase = pretrainPhase(k);
      let done = this.#pretrained.get(id);
      if (!done) {
        const objective = this.objective(plan);
        const evaluate = evaluationOf(objective, { training, alignment });
        const result = await run(training.stage(objective, {
          ...{ arm: label, phase, side: "source", evaluate },
          ...this.#draw(objective, { arm: label, phase }),
          ...protocolPlan(plan),
          ...(last && { backbone: backboneOf(last.training) }),
        }));
        done = { objective, training: result.training, record: result.record };
        this.#pretrained.set(id, done);
      }
      last = done;
      stages.push({ phase, record: done.record });
    }
    return { pretrained: last, stages };
  }

  /** Draws the pretext tasks of an objective, if pictures are kept. */
  #draw(
    objective: Objective,
    place: Pick<PicturePlace, "arm" | "phase">,
  ): Pick<Stage<Pretrained["training"]>, "draw"> {
    const { keep, training } = this.#setting;
    if (!keep || objective.tasks.length === 0) return {};
    return {
      draw: async (trained, step) => {
        const images: Record<string, EncodedPicture> = {};
        for (const drawn of await training.pictures(objective, trained)) {
          const picture = taskGrid(drawn, { when: `step ${step}` });
          images[drawn.task] = picture;
          await keep({ ...place, task: drawn.task, step }, picture);
        }
        return images;
      },
    };
  }

  async #judge({ protocol, prepared, stages, images }: {
    readonly protocol: Protocol;
    readonly prepared: PreparedModel;
    readonly stages: readonly { readonly record: StageRecord }[];
    readonly images: LabelledRows | undefined;
  }): Promise<TrialOutcome> {
    const { judge } = this.#setting.training;
    const { accuracy, loss, figures = {} } = await prepared.judge(images ?? judge.held("target"));
    const test = images &&
      { accuracy, ...(loss !== undefined && { loss }), images: images.rows.length };
    const of = (records: readonly { readonly record: StageRecord }[]): Cost =>
      records.map(({ record }) => record.ledger).reduce<Cost>(addCosts, NOTHING);
    const common = { protocol: protocol.name, ...(test && { test }), figures };
    const own = prepared.record;
    if (own) {
      const curve = own.curve.map((point) => evaluated(point, "validationAccuracy"));
      return { ...common, before: of(stages), curve };
    }
    const figure = ALONG_THE_WAY[protocol.name]!;
    const last = stages.at(-1)?.record.curve;
    if (last?.every((point) => figure in point)) {
      const curve = last.map((point) => evaluated(point, figure));
      return { ...common, before: of(stages.slice(0, -1)), curve };
    }
    // Nothing was measured along the way: one point, after pretraining.
    const held = images ? await prepared.judge(judge.held("target")) : { accuracy };
    const curve = [{ ...NOTHING, accuracy: held.accuracy }];
    return { ...common, before: of(stages), curve };
  }
}

/**
 * The name of a phase of pretraining.
 *
 * @param k Its number, from 0.
 * @returns `pretrain`, then `pretrain-2` and so on.
 */
export function pretrainPhase(k: number): string {
  return k === 0 ? "pretrain" : `pretrain-${k + 1}`;
}

/** What is measured while a backbone is pretrained. */
function evaluationOf(
  objective: Objective,
  { training: { judge }, alignment }: {
    readonly training: ImageTraining;
    readonly alignment: boolean;
  },
): (training: Pretrained["training"]) => Promise<Readonly<Record<string, number>>> {
  return async (training) => {
    if (!objective.wanted) return { nearestAccuracy: await judge.nearest(backboneOf(training)) };
    const figures: Record<string, number> = await judge.validate("source", training);
    if ("meta" in objective) {
      const { accuracy } = await judge.adapted(objective as never, training, judge.held("source"));
      figures["validationAccuracyAdapted"] = accuracy;
    }
    if (!alignment || objective.tasks.length === 0) return figures;
    return { ...figures, ...await judge.alignment(objective, training) };
  };
}

/** Steps and clipping, and the rate as a schedule where it changes. */
function protocolPlan({ steps, rate, schedule, clip }: PhasePlan): ProtocolPlan {
  return {
    steps,
    rate: schedule === "cosine" ? cosineSchedule({ peak: rate, steps }) : rate,
    clip,
  };
}

function defined<T extends object>(changes: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(
    Object.entries(changes).filter(([, value]) => value !== undefined),
  ) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}

function phaseRecord(
  { phase, record: { ledger, curve } }: { readonly phase: string; readonly record: StageRecord },
): PhaseRecord {
  return { phase, cost: ledger, curve };
}

function addCosts(a: Cost, b: Cost): Cost {
  return {
    steps: a.steps + b.steps,
    samples: a.samples + b.samples,
    flops: a.flops + b.flops,
    seconds: a.seconds + b.seconds,
  };
}

function evaluated(point: CurvePoint, figure: string): TrialOutcome["curve"][number] {
  const { step: steps, samples, flops, seconds } = point;
  return { steps, samples, flops, seconds, accuracy: point[figure]! };
}
