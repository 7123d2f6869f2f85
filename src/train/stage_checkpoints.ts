/**
 * The checkpoints of a run that goes through several stages.
 *
 * @module
 */
import type { Engine } from "../engine/mod.ts";
import { EMPTY_LEDGER, type Ledger } from "../meta/mod.ts";
import { CheckpointStore, type LoadedCheckpoint } from "./checkpoint.ts";
import type { MetricsPosition } from "./metrics_log.ts";
import { restoreTree, storeTree } from "./stored_tree.ts";

/** One evaluation of a stage: cost so far, and figures by name. */
export interface CurvePoint {
  /** Steps of the stage so far. */
  readonly step: number;
  /** Examples seen by the stage so far. */
  readonly samples: number;
  /** Floating-point operations of the stage so far. */
  readonly flops: number;
  /** A figure by its name, such as `validationAccuracy`. */
  readonly [figure: string]: number;
}

/** What a stage has cost and reached. */
export interface StageRecord {
  /** What its training has spent; evaluations are not counted. */
  readonly ledger: Ledger;
  /** Its evaluations. */
  readonly curve: readonly CurvePoint[];
}

/** A stage that has done nothing yet. */
export const EMPTY_RECORD: StageRecord = { ledger: EMPTY_LEDGER, curve: [] };

/** A checkpoint of a stage, on the engine again. */
export interface RestoredStage<S> {
  /** Steps done. */
  readonly step: number;
  /** What training goes on from. */
  readonly training: S;
  /** Cost and evaluations so far. */
  readonly record: StageRecord;
}

/** Where the checkpoints of a stage are, and who hears of a corrupt one. */
export interface StageCheckpointsOptions {
  /** Folder of all stages. */
  readonly folder: string;
  /** Name of the stage. */
  readonly name: string;
  /** Told of a corrupt checkpoint that is passed over; without it, one throws. */
  readonly onCorrupt?: (error: Error) => void;
}

/**
 * The checkpoints of one stage: the last two while it runs, one when it has ended.
 *
 * @example
 * ```ts
 * import { EMPTY_RECORD, hostArray, openEngine, StageCheckpoints } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const engine = await openEngine("reference");
 * const training = engine.put({ w: hostArray([1]) });
 * const checkpoints = new StageCheckpoints({ folder, name: "meta-pretrain" });
 * const position = { "metrics.jsonl": 0 };
 * await checkpoints.save(engine, { step: 3, training, record: EMPTY_RECORD, position, ended: false });
 * assertEquals((await checkpoints.restore(engine, training))?.step, 3);
 * engine.close();
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class StageCheckpoints {
  readonly #folder: string;
  readonly #onCorrupt: ((error: Error) => void) | undefined;

  /** Names the place; nothing is read or written yet. */
  constructor({ folder, name, onCorrupt }: StageCheckpointsOptions) {
    this.#folder = `${folder}/${name}`;
    this.#onCorrupt = onCorrupt;
  }

  /**
   * Saves a checkpoint.
   *
   * @param engine The engine that holds the values.
   * @param stage Steps done, values, cost and evaluations; `position`: that of the metrics;
   *   `ended`: whether it is the last one.
   */
  async save(
    engine: Engine,
    stage: RestoredStage<unknown> & {
      readonly position: MetricsPosition;
      readonly ended: boolean;
    },
  ): Promise<void> {
    const store = new CheckpointStore(this.#folder, { keep: stage.ended ? 1 : 2 });
    await store.save(stage.step, {
      tensors: await storeTree(engine, stage.training),
      metadata: {
        record: JSON.stringify(stage.record),
        metrics: JSON.stringify(stage.position),
      },
    });
  }

  /**
   * Restores the latest checkpoint.
   *
   * @param engine Where to put the values.
   * @param template Values of the wanted structure, shapes and element types.
   * @returns The stage, or `undefined` if it has no checkpoint.
   */
  async restore<S>(engine: Engine, template: S): Promise<RestoredStage<S> | undefined> {
    const found = await this.#latest();
    return found && {
      step: found.step,
      training: restoreTree(engine, template, found.tensors),
      record: JSON.parse(found.metadata["record"]!) as StageRecord,
    };
  }

  /** Position of the metrics at the latest checkpoint; `undefined` if there is none. */
  async position(): Promise<MetricsPosition | undefined> {
    const found = await this.#latest();
    return found && JSON.parse(found.metadata["metrics"]!) as MetricsPosition;
  }

  #latest(): Promise<LoadedCheckpoint | undefined> {
    const options = this.#onCorrupt ? { onCorrupt: this.#onCorrupt } : {};
    return new CheckpointStore(this.#folder).latest(options);
  }
}

/**
 * Finds where the metrics of a run of several stages are to go on.
 *
 * @param names The stages in their order.
 * @param options The folder of all stages, and who hears of a corrupt checkpoint.
 * @returns The position noted by the last stage that has a checkpoint; `undefined` if none has.
 *
 * @example
 * ```ts
 * import { lastMetricsPosition } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * assertEquals(await lastMetricsPosition(["meta-pretrain"], { folder }), undefined);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function lastMetricsPosition(
  names: readonly string[],
  options: Omit<StageCheckpointsOptions, "name">,
): Promise<MetricsPosition | undefined> {
  for (const name of names.toReversed()) {
    const position = await new StageCheckpoints({ ...options, name }).position();
    if (position) return position;
  }
  return undefined;
}
