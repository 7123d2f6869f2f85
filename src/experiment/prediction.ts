/**
 * What a run will take, said before it begins.
 *
 * @module
 */
import { formatSeconds } from "../run/duration.ts";

/** A part of a run. */
export interface PredictedPhase {
  /** Arm of the experiment. */
  readonly arm: string;
  /** Part of the arm, such as `pretrain`. */
  readonly phase: string;
  /** Number of steps; 0 of a part that only judges. */
  readonly steps: number;
  /** Seconds of a step. */
  readonly stepSeconds: number;
  /** Number of evaluations. */
  readonly evaluations: number;
  /** Seconds of an evaluation. */
  readonly evaluationSeconds: number;
  /** Most bytes of device memory in use at one time. */
  readonly peakBytes: number;
  /** Programs that do not fit, computed in parts, and along which axes. */
  readonly splits: Readonly<Record<string, readonly string[]>>;
}

/** What a run will take. */
export interface Prediction {
  /** The adapter. */
  readonly adapter: string;
  /** Whether its profile was measured on it, or stands in the program for its class. */
  readonly profile: "measured" | "built-in";
  /** Its parts in order. */
  readonly phases: readonly PredictedPhase[];
  /** What was assumed, such as the number of images. */
  readonly assumed: readonly string[];
  /** What takes time and is not counted. */
  readonly notCounted: readonly string[];
}

/** What an experiment predicts with. */
export interface PredictionContext {
  /** Seed of all randomness. */
  readonly seed: number;
  /** Engine asked for. */
  readonly engine: string;
  /** Data asked for. */
  readonly data: string;
  /** Most bytes of device memory, if the command line says. */
  readonly memory: number | undefined;
  /** Whether engines may compute in half precision. */
  readonly halfPrecision: boolean;
  /** File of the table of kernels, if the command line says; otherwise the kept one. */
  readonly kernels?: string | undefined;
  /** Told every shape that the run computes and for which there are several kernels, as tables have it. */
  readonly onShape?: (shape: string) => void;
  /** Prints a line on standard error. */
  readonly log: (line: string) => void;
}

/** Seconds of a part. */
export function phaseSeconds(
  { steps, stepSeconds, evaluations, evaluationSeconds }: PredictedPhase,
): number {
  return steps * stepSeconds + evaluations * evaluationSeconds;
}

/** Seconds of all parts. */
export function predictedSeconds({ phases }: Prediction): number {
  return phases.reduce((sum, phase) => sum + phaseSeconds(phase), 0);
}

/** Most bytes of device memory of all parts. */
export function predictedBytes({ phases }: Prediction): number {
  return Math.max(0, ...phases.map(({ peakBytes }) => peakBytes));
}

/** Says for what, and by what, a prediction is. */
export function predictionSource({ adapter, profile }: Prediction): string {
  const source = profile === "measured"
    ? "by its measured profile"
    : "by the built-in profile of its class; deno task doctor --measure makes it better";
  return `prediction for ${adapter}, ${source}:`;
}

/**
 * Writes a prediction as lines of text.
 *
 * @param prediction The prediction.
 * @returns Lines: a table of the parts, sums, and what is not counted.
 */
export function predictionLines(prediction: Prediction): readonly string[] {
  const { phases, assumed, notCounted } = prediction;
  const rows = phases.map((phase) => [
    `${phase.arm} ${phase.phase}`,
    phase.steps === 0 ? "-" : String(phase.steps),
    phase.steps === 0 ? "-" : shortTime(phase.stepSeconds),
    String(phase.evaluations),
    shortTime(phase.evaluationSeconds),
    shortTime(phaseSeconds(phase)),
    mebibytes(phase.peakBytes),
  ]);
  const splits = phases.flatMap(({ arm, phase, splits }) =>
    Object.entries(splits).map(([name, notes]) =>
      `in parts: ${arm} ${phase}, program '${name}': ${notes.join("; ")}`
    )
  );
  return [
    predictionSource(prediction),
    ...aligned(["phase", "steps", "a step", "evaluations", "each", "in all", "memory"], rows),
    `total ${formatSeconds(predictedSeconds(prediction))}, at most ` +
    `${mebibytes(predictedBytes(prediction))} of device memory`,
    ...splits,
    ...assumed.map((line) => `assumed: ${line}`),
    `not counted: ${notCounted.join("; ")}`,
  ];
}

function aligned(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length))
  );
  return [head, ...rows].map((row) =>
    `  ${
      row.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)
      ).join("  ")
    }`
  );
}

function shortTime(seconds: number): string {
  if (seconds >= 100) return formatSeconds(seconds);
  return seconds >= 1
    ? `${seconds.toPrecision(3)} s`
    : `${Number((1e3 * seconds).toPrecision(3))} ms`;
}

/** Writes a size of memory. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
