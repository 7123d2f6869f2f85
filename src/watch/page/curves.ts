/**
 * The curves of all runs that are followed.
 *
 * @module
 */
import type { MetricsChunk } from "../protocol.ts";

/** Values of one metric in one phase of one arm. */
export interface Curve {
  /** The arm. */
  readonly arm: string;
  /** The phase. */
  readonly phase: string;
  /** The metric. */
  readonly metric: string;
  /** Steps, in the order of the log. */
  readonly steps: number[];
  /** Values, one a step. */
  readonly values: number[];
}

/** What is known of a run's metrics. */
export interface RunCurves {
  /** How far its log is read. */
  at: string;
  /** Lines that could not be read. */
  faults: number;
  /** Phase of the last line. */
  phase: string;
  /** The curves, by arm, phase and metric. */
  readonly curves: Map<string, Curve>;
}

/** Nothing is known yet. */
export function noCurves(): RunCurves {
  return { at: "", faults: 0, phase: "", curves: new Map() };
}

/**
 * Adds what the server has sent.
 *
 * @param run The run; changed in place.
 * @param chunk The answer.
 * @returns Whether there is anything new to draw.
 */
export function addChunk(run: RunCurves, chunk: MetricsChunk): boolean {
  if (chunk.again) {
    run.curves.clear();
    run.faults = 0;
  }
  run.at = chunk.at;
  run.faults += chunk.faults;
  for (const { arm, phase, names, steps, values } of chunk.groups) {
    run.phase = phase;
    for (const [k, metric] of names.entries()) {
      addPoints(run, { arm, phase, metric, steps, values: values[k]! });
    }
  }
  return chunk.again || chunk.groups.length > 0;
}

/**
 * Adds points to a curve.
 *
 * @param run The run; changed in place.
 * @param points More of a curve.
 */
export function addPoints(
  run: RunCurves,
  { arm, phase, metric, steps, values }: {
    readonly [Key in keyof Curve]: Curve[Key] extends number[] ? readonly number[] : Curve[Key];
  },
): void {
  const key = JSON.stringify([arm, phase, metric]);
  let curve = run.curves.get(key);
  if (curve === undefined) {
    curve = { arm, phase, metric, steps: [], values: [] };
    run.curves.set(key, curve);
  }
  for (let k = 0; k < steps.length; k++) {
    curve.steps.push(steps[k]!);
    curve.values.push(values[k]!);
  }
}
