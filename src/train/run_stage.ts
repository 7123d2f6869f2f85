/**
 * The training loop: steps, evaluations on a grid, metrics, checkpoints.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { explainDeviceError } from "../engine/device_error.ts";
import type { Engine, Value } from "../engine/mod.ts";
import { addToLedger } from "../meta/mod.ts";
import { FiniteCheck, inWords, NotFiniteError } from "./check_finite.ts";
import type { MetricRecord } from "../run/metrics.ts";
import type { MetricsLog } from "../run/metrics_log.ts";
import type { EventImage } from "../run/tensorboard.ts";
import type { Progress } from "../run/progress.ts";
import { EMPTY_RECORD, StageCheckpoints, type StageRecord } from "./stage_checkpoints.ts";

/** A stage of a run: so many steps of one kind, from one start. */
export interface Stage<S> {
  /** Arm of the experiment, such as `meta`. */
  readonly arm: string;
  /** Part of the arm, such as `fine-tune`. */
  readonly phase: string;
  /** Number of steps. */
  readonly steps: number;
  /** Makes what training starts from. */
  start(): Promise<S>;
  /** Cost of one step: examples, and floating-point operations counted from the program. */
  cost(training: S): Promise<{ readonly samples: number; readonly flops: number }>;
  /**
   * Does one step; it is given to the device and not waited for.
   *
   * @param training What the step before left; used up.
   * @param step Number of the step, from 0.
   */
  step(training: S, step: number): Promise<{
    readonly training: S;
    readonly metrics: Readonly<Record<string, Value>>;
  }>;
  /** Evaluates without changing anything. */
  evaluate(training: S): Promise<Readonly<Record<string, number>>>;
  /**
   * Draws what there is to look at, before the first and after the last step, without changing anything.
   *
   * @param training What training has left.
   * @param step Steps so far.
   * @returns Pictures by name, for TensorBoard.
   */
  draw?(training: S, step: number): Promise<Readonly<Record<string, EventImage>>>;
  /** Gives back what steps were fed from, when the stage has ended, however it did. */
  close?(): Promise<void>;
}

/** Where metrics go: a {@linkcode MetricsLog}, or anything else that takes records. */
export interface StageMetrics extends Pick<MetricsLog, "position" | "sync" | "writeImages"> {
  /** Takes a record. */
  write(record: MetricRecord): void;
}

/** Where a stage runs and writes. */
export interface StageOptions {
  /** The engine. */
  readonly engine: Engine;
  /** Folder of the checkpoints of all stages; without one, none is read or written. */
  readonly checkpoints?: string;
  /** Where metrics go. */
  readonly metrics: StageMetrics;
  /** The live line. */
  readonly progress: Progress;
  /** Ends the stage after a checkpoint. */
  readonly signal: AbortSignal;
  /** Steps between evaluations; there is one before the first and one after the last step. */
  readonly evaluateEvery: number;
  /** Steps between checkpoints; there is one after the last step. */
  readonly saveEvery: number;
  /** Told of corrupt checkpoints that are passed over. */
  readonly onCorrupt?: (error: Error) => void;
}

/** A stage that has ended. */
export interface StageResult<S> {
  /** What training has left on the engine. */
  readonly training: S;
  /** Cost and evaluations. */
  readonly record: StageRecord;
}

/**
 * Name of a stage in the folder of checkpoints.
 *
 * @param stage Arm and phase.
 * @returns `<arm>-<phase>`.
 *
 * @example
 * ```ts
 * import { stageName } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(stageName({ arm: "meta", phase: "fine-tune" }), "meta-fine-tune");
 * ```
 */
export function stageName(
  stage: { readonly arm: string; readonly phase: string },
): string {
  requireArguments("stageName", { stage }, {
    stage: is.objectWith({ arm: is.name, phase: is.name }, "a stage"),
  });
  const { arm, phase } = stage;
  return `${arm}-${phase}`;
}

/** Seconds between two readings of losses, and the most steps that wait for one. */
const READ_SECONDS = 1;
const MOST_PENDING = 64;

/**
 * Runs a stage, or goes on with it from its latest checkpoint.
 *
 * Losses are read late and several at once: how late depends on the clock, what is written does not.
 * So a run that was stopped and resumed writes what one that was not would have written. Whenever they
 * are read, so are counts of what is not finite in parameters, state and optimizer: nothing that has
 * diverged is evaluated or saved, and the last checkpoint before it stays.
 *
 * @param stage What to do.
 * @param options Where to run and write, how often to evaluate and to save.
 * @returns The values it has left, its cost and its evaluations.
 * @throws {RangeError} If a loss or anything that training changes is not finite; names arm, phase,
 *   step and tensor. If its checkpoint has more steps than are asked for.
 * @throws {Error} If the device is lost, out of memory or in error; names arm, phase, step and the bytes
 *   that the engine held.
 * @throws {DOMException} `AbortError`, after a checkpoint, if the signal says so.
 *
 * @example
 * ```ts
 * import { hostArray, openEngine } from "@mutasesumele/toolkit";
 * import { runStage } from "@mutasesumele/toolkit/train";
 * import { MetricsLog, Progress } from "@mutasesumele/toolkit/run";
 * import { add, type Tensor, type Value } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const engine = await openEngine("reference");
 * const next = engine.jit((x: Tensor) => ({ training: add(x, 1), metrics: { loss: x } }));
 * using metrics = MetricsLog.open(folder);
 * const { training, record } = await runStage<Value>({
 *   arm: "count",
 *   phase: "up",
 *   steps: 3,
 *   start: () => Promise.resolve(engine.put(hostArray([0], [])) as unknown as Value),
 *   cost: () => Promise.resolve({ samples: 1, flops: 1 }),
 *   step: (x) => next(x),
 *   evaluate: async (x) => ({ reached: (await engine.read(x)).data[0]! }),
 * }, {
 *   engine,
 *   metrics,
 *   checkpoints: `${folder}/checkpoints`,
 *   progress: new Progress(),
 *   signal: new AbortController().signal,
 *   evaluateEvery: 2,
 *   saveEvery: 2,
 * });
 * assertEquals((await engine.read(training)).data[0], 3);
 * assertEquals(record.curve.map(({ reached }) => reached), [0, 2, 3]);
 * engine.close();
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function runStage<S>(
  stage: Stage<S>,
  options: StageOptions,
): Promise<StageResult<S>> {
  requireArguments("runStage", { stage, options }, {
    stage: is.objectWith({
      steps: is.natural,
      start: is.callback,
      cost: is.callback,
      step: is.callback,
      evaluate: is.callback,
    }, "a stage"),
    options: is.objectWith({
      engine: is.engine,
      checkpoints: is.optional(is.name),
      metrics: is.object,
      progress: is.object,
      signal: is.kind("an AbortSignal", (found) => found instanceof AbortSignal),
      evaluateEvery: is.count,
      saveEvery: is.count,
    }),
  });
  const where: Whereabouts = { step: 0, saved: undefined };
  try {
    return await train(stage, options, where);
  } catch (error) {
    throw explainDeviceError(
      options.engine,
      error,
      `Training of arm "${stage.arm}", phase "${stage.phase}" has failed at step ${where.step} (${
        where.saved === undefined
          ? "it has no checkpoint yet"
          : `its checkpoint of step ${where.saved} is kept`
      })`,
    );
  } finally {
    await stage.close?.();
  }
}

/** How far a stage is. */
interface Whereabouts {
  step: number;
  saved: number | undefined;
}

async function train<S>(
  stage: Stage<S>,
  options: StageOptions,
  where: Whereabouts,
): Promise<StageResult<S>> {
  const { engine, metrics, progress, signal, evaluateEvery, saveEvery } = options;
  const { arm, phase, steps } = stage;
  const name = stageName(stage);
  const checkpoints = options.checkpoints === undefined ? undefined : new StageCheckpoints({
    folder: options.checkpoints,
    name,
    ...(options.onCorrupt && { onCorrupt: options.onCorrupt }),
  });

  let training: S = await stage.start();
  const restored = await checkpoints?.restore(engine, training, metrics.position);
  if (restored) {
    engine.release(training);
    training = restored.training;
  }
  let { ledger, curve } = restored?.record ?? EMPTY_RECORD;
  const done = restored?.step ?? 0;
  const check = new FiniteCheck(engine);
  const place = `arm "${arm}", phase "${phase}"`;
  await (restored
    ? check.demand(
      training,
      `go on with ${place} from its checkpoint of step ${done}`,
      "Remove that checkpoint to go on from the one before.",
    )
    : check.demand(training, `start ${place}`, "Check what it starts from."));
  if (done > steps) {
    engine.release(training);
    throw new RangeError(
      `Cannot train ${place} for ${steps} steps: its checkpoint is of step ${done}. Ask for ${done} or more, or ` +
        `take another folder.`,
    );
  }
  if (done === steps) return { training, record: { ledger, curve } };

  where.saved = restored?.step;
  where.step = done;
  const diverged = (what: string): RangeError =>
    new RangeError(
      `Training of ${place} has diverged: ${what}. ${
        where.saved === undefined
          ? "There is no checkpoint of this stage yet."
          : `Its checkpoint of step ${where.saved} is kept.`
      } Lower the learning rate, clip the gradients (withClipping), or look for logarithms, roots and ` +
        `quotients of numbers near zero in the losses.`,
    );

  const cost = await stage.cost(training);
  progress.begin({ label: `${arm} ${phase}`, total: steps, done });
  const evaluate = async (step: number): Promise<void> => {
    const figures = await stage.evaluate(training).catch((error) => {
      // Weights can be finite and too large to be used, for running statistics first of all.
      if (!(error instanceof NotFiniteError)) throw error;
      throw diverged(`step ${step}: ${error.message.replace(/\.$/, "")}`);
    });
    for (const [name, figure] of Object.entries(figures)) {
      if (!Number.isFinite(figure)) throw diverged(`${name} is ${figure} at step ${step}`);
    }
    metrics.write({ arm, phase, step, ...figures });
    const { samples, flops, seconds } = ledger;
    curve = [...curve, { step, samples, flops, seconds, ...figures }];
  };
  const draw = async (step: number): Promise<void> => {
    if (stage.draw) metrics.writeImages({ arm, phase, step }, await stage.draw(training, step));
  };
  if (!restored) {
    await evaluate(0);
    await draw(0);
  }

  let pending: Readonly<Record<string, Value>>[] = [];
  let secondsPerStep = READ_SECONDS;
  let clock = performance.now();
  const readPending = async (step: number): Promise<void> => {
    const { counts, findings } = await check.start(training);
    const { read, found } = await engine.read({ read: pending, found: counts });
    engine.release([pending, counts]);
    const finite = findings(found);
    const tensors = finite.bad.length === 0 ? "" : `; by step ${step}, ${inWords(finite)}`;
    let shown: Record<string, number> = {};
    read.forEach((figures, k) => {
      shown = {};
      const at = step - read.length + 1 + k;
      for (const [metric, { data }] of Object.entries(figures)) {
        shown[metric] = data[0]!;
        if (Number.isFinite(data[0])) continue;
        throw diverged(`metric "${metric}" is ${data[0]} at step ${at}${tensors}`);
      }
      metrics.write({ arm, phase, step: at, ...shown });
    });
    if (finite.bad.length > 0) throw diverged(`by step ${step}, ${inWords(finite)}`);
    const seconds = (performance.now() - clock) / 1000;
    const count = read.length;
    secondsPerStep = seconds / count;
    ledger = addToLedger(ledger, {
      steps: count,
      samples: count * cost.samples,
      flops: count * cost.flops,
      seconds,
    });
    pending = [];
    progress.update(step, shown);
    // Lets signals through, on engines too that compute without waiting.
    await new Promise((resolve) => setTimeout(resolve, 0));
  };

  for (let step = done + 1; step <= steps; step++) {
    where.step = step;
    const result = await stage.step(training, step - 1);
    training = result.training;
    pending.push(result.metrics);
    const last = step === steps;
    const evaluateNow = last || step % evaluateEvery === 0;
    const saveNow = last || step % saveEvery === 0;
    const waiting = Math.min(MOST_PENDING, READ_SECONDS / secondsPerStep);
    if (evaluateNow || saveNow || pending.length >= waiting) {
      await readPending(step);
      if (evaluateNow) await evaluate(step);
      if (last) await draw(step);
      if (checkpoints && (saveNow || signal.aborted)) {
        const position = metrics.sync();
        const record = { ledger, curve };
        await checkpoints.save(engine, { step, training, record, position, ended: last });
        where.saved = step;
      }
      signal.throwIfAborted();
      clock = performance.now();
    }
  }
  progress.end();
  return { training, record: { ledger, curve } };
}
