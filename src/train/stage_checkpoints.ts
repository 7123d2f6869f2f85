/**
 * The checkpoints of a run that goes through several stages.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import type { Engine } from "../engine/mod.ts";
import { EMPTY_LEDGER, type Ledger } from "../meta/mod.ts";
import { CheckpointStore, type LoadedCheckpoint } from "../run/checkpoint.ts";
import { checkMetricsPosition, isNotLater, type MetricsPosition } from "../run/metrics_log.ts";
import type { StoredTensor } from "../run/safetensors.ts";
import { restoreTree, storeTree } from "../run/stored_tree.ts";

/** One evaluation of a stage: cost so far, and figures by name. */
export interface CurvePoint {
  /** Steps of the stage so far. */
  readonly step: number;
  /** Examples seen by the stage so far. */
  readonly samples: number;
  /** Floating-point operations of the stage so far. */
  readonly flops: number;
  /** Seconds of the stage's training so far. */
  readonly seconds: number;
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

/** What a checkpoint of a stage says. */
interface StageCheckpoint {
  readonly step: number;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  readonly record: StageRecord;
  readonly position: MetricsPosition;
  readonly ended: boolean;
}

/**
 * The last two checkpoints of one stage.
 *
 * @example
 * ```ts
 * import { hostArray, openEngine } from "@mutasesumele/toolkit";
 * import { EMPTY_RECORD, StageCheckpoints } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const engine = await openEngine("reference");
 * const training = engine.put({ w: hostArray([1]) });
 * const checkpoints = new StageCheckpoints({ folder, name: "meta-pretrain" });
 * const position = { "metrics.jsonl": { bytes: 0, crc32c: 0 } };
 * await checkpoints.save(engine, { step: 3, training, record: EMPTY_RECORD, position, ended: false });
 * assertEquals((await checkpoints.restore(engine, training, position))?.step, 3);
 * engine.close();
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class StageCheckpoints {
  readonly #name: string;
  readonly #store: CheckpointStore;
  readonly #onCorrupt: ((error: Error) => void) | undefined;

  /** Names the place; nothing is read or written yet. */
  constructor(options: StageCheckpointsOptions) {
    requireArguments("new StageCheckpoints", { options }, {
      options: is.objectWith({
        folder: is.name,
        name: is.name,
        onCorrupt: is.optional(is.callback),
      }),
    });
    const { folder, name, onCorrupt } = options;
    this.#name = name;
    this.#store = new CheckpointStore(`${folder}/${name}`);
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
    const { step, training, record, position, ended } = stage;
    await this.#store.save(step, {
      tensors: await storeTree(engine, training),
      metadata: {
        stage: this.#name,
        record: JSON.stringify(record),
        metrics: JSON.stringify(position),
        ended: JSON.stringify(ended),
      },
    });
  }

  /**
   * Restores the latest checkpoint.
   *
   * @param engine Where to put the values.
   * @param template Values of the wanted structure, shapes and element types.
   * @param metrics Where the metrics stand: a checkpoint that noted more is of a future that the run
   *   has left, and does not count.
   * @returns The stage, or `undefined` if it has no checkpoint.
   * @throws {TypeError} If the values are of another structure: it was another configuration.
   */
  async restore<S>(
    engine: Engine,
    template: S,
    metrics: MetricsPosition,
  ): Promise<RestoredStage<S> | undefined> {
    const found = await this.#latest((checkpoint) => isNotLater(checkpoint.position, metrics));
    return found && {
      step: found.step,
      training: restoreTree(engine, template, found.tensors),
      record: found.record,
    };
  }

  /**
   * Finds where the metrics stood at the latest checkpoint whose metrics are still there.
   *
   * @param run The run folder, with the metrics.
   * @returns The position, and whether the stage had ended; `undefined` if there is no checkpoint.
   */
  async position(
    run: string,
  ): Promise<{ readonly position: MetricsPosition; readonly ended: boolean } | undefined> {
    return await this.#latest(({ position }) => {
      checkMetricsPosition(run, position);
      return true;
    });
  }

  #latest(counts: (checkpoint: StageCheckpoint) => boolean): Promise<StageCheckpoint | undefined> {
    return this.#store.latest({
      onCorrupt: this.#onCorrupt,
      read: (checkpoint) => {
        const stage = readStage(checkpoint, this.#name);
        return counts(stage) ? stage : undefined;
      },
    });
  }
}

/**
 * Finds where the metrics of a run of several stages are to go on: after the last stage before the
 * first one that has not ended. Where the checkpoints of a stage are damaged so that it must go back,
 * the stages after it are a future that the run has left.
 *
 * @param names The stages in their order.
 * @param options The folder of all stages, the run folder with the metrics, and who hears of a
 * checkpoint that cannot be used.
 * @returns The position to go on from; `undefined` if no stage has a checkpoint.
 * @throws {Error} If a stage has checkpoints and none can be used.
 *
 * @example
 * ```ts
 * import { lastMetricsPosition } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const run = await Deno.makeTempDir();
 * const options = { run, folder: `${run}/checkpoints` };
 * assertEquals(await lastMetricsPosition(["meta-pretrain"], options), undefined);
 * await Deno.remove(run, { recursive: true });
 * ```
 */
export async function lastMetricsPosition(
  names: readonly string[],
  options: Omit<StageCheckpointsOptions, "name"> & { readonly run: string },
): Promise<MetricsPosition | undefined> {
  requireArguments("lastMetricsPosition", { names, options }, {
    names: is.listOf(is.name),
    options: is.objectWith({ folder: is.name, run: is.name }),
  });
  let last: MetricsPosition | undefined;
  for (const name of names) {
    const found = await new StageCheckpoints({ ...options, name }).position(options.run);
    last = found?.position ?? last;
    if (!found?.ended) break;
  }
  return last;
}

/** Reads what a checkpoint says of its stage. */
function readStage(
  { step, path, tensors, metadata }: LoadedCheckpoint,
  name: string,
): StageCheckpoint {
  const record = parseEntry(metadata["record"]);
  const position = parseEntry(metadata["metrics"]);
  const ended = parseEntry(metadata["ended"]);
  const right = metadata["stage"] === name;
  if (right && isRecord(record) && isPosition(position) && typeof ended === "boolean") {
    return { step, tensors, record, position, ended };
  }
  throw new SyntaxError(
    `Cannot use the checkpoint ${path}: expected record, metrics and end of the stage ${name}, found ` +
      `${JSON.stringify(metadata).slice(0, 200)}. Use another checkpoint.`,
  );
}

function parseEntry(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is StageRecord {
  const { ledger, curve } = (value ?? {}) as Partial<Record<keyof StageRecord, unknown>>;
  return isNumbers(ledger, Object.keys(EMPTY_LEDGER)) && Array.isArray(curve) &&
    curve.every((point) => isNumbers(point, ["step", "samples", "flops"]));
}

function isPosition(value: unknown): value is MetricsPosition {
  return typeof value === "object" && value !== null &&
    Object.values(value).every((noted) => isNumbers(noted, ["bytes", "crc32c"]));
}

/** Whether a value holds nothing but finite numbers, these among them. */
function isNumbers(value: unknown, names: readonly string[]): boolean {
  return typeof value === "object" && value !== null &&
    Object.values(value).every(Number.isFinite) &&
    names.every((name) => Object.hasOwn(value, name));
}
