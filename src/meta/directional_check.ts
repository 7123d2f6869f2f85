/**
 * Comparison of a gradient with finite differences along a random direction.
 *
 * @module
 */

/** Numbers on the host. */
export type HostNumbers = Float32Array | Float64Array;

/** The comparison of a directional derivative with finite differences. */
export interface DirectionalCheck {
  /** Derivative along the direction, from the gradient. */
  readonly predicted: number;
  /** What second order adds to it: the derivative less that of the first-order gradient. */
  readonly correction: number;
  /** Central finite difference of the outer loss. */
  readonly measured: number;
  /** The step at which it was taken. */
  readonly step: number;
  /**
   * Difference of `measured` and `predicted`, relative to the correction; relative to the whole
   * derivative where second order adds nothing.
   */
  readonly error: number;
}

/** What a comparison came to. */
export type Verdict = "agrees" | "differs" | "unseen";

/** One parameter at which gradients are compared. */
export interface ComparedLeaf {
  /** Its values. */
  readonly values: HostNumbers;
  /** Exact gradient. */
  readonly exact: HostNumbers;
  /** First-order gradient. */
  readonly first: HostNumbers;
}

/** How finite differences are taken and judged; see `GuardOptions`. */
export interface DifferenceOptions {
  /** Accepted error relative to the correction. */
  readonly tolerance: number;
  /** What finite differences resolve of the whole derivative. */
  readonly resolution: number;
  /** Largest step, relative to the norm of each parameter. */
  readonly largestStep: number;
  /** How many steps are tried, each a quarter of the one before. */
  readonly scans: number;
}

/** A correction below this share of the resolution is rounding. */
const ROUNDING = 1e-3;

/** Euclidean norm. */
export function normOf(values: HostNumbers): number {
  let total = 0;
  for (const value of values) total += value * value;
  return Math.sqrt(total);
}

/**
 * A random direction for one parameter along which second order shows: its correction (exact less
 * first-order gradient), or its gradient where there is none, each element times a random number
 * in [0, 2), scaled to the norm of the parameter.
 */
export function randomDirection(
  { values, exact, first }: ComparedLeaf,
  { resolution }: DifferenceOptions,
  random: () => number,
): Float64Array {
  const correction = Float64Array.from(exact, (value, i) => value - first[i]!);
  const seen = normOf(correction) > ROUNDING * resolution * normOf(exact);
  const direction = Float64Array.from(
    seen ? correction : exact,
    (value) => value * 2 * random(),
  );
  const norm = normOf(direction);
  // A parameter that starts at zero is moved as if its elements were 0.01.
  const size = Math.max(normOf(values), 0.01 * Math.sqrt(values.length));
  return norm === 0 ? direction : direction.map((value) => value * size / norm);
}

/**
 * Compares the gradient of some parameters with central finite differences of the loss.
 *
 * The step is scanned from large to small and the first that agrees counts: a loss with kinks is
 * smooth only within small steps, rounding hides what happens within smaller ones. If none agrees,
 * the finite difference that changed least between two steps counts.
 *
 * @param leaves The parameters and a direction for each.
 * @param lossAt The loss where each parameter is moved by so much of its direction.
 * @param options How steps are chosen and differences judged.
 * @returns The comparison; `unseen` if the gradients agree, but so would ones of another second
 *   order.
 */
export async function compareWithDifferences(
  leaves: readonly (ComparedLeaf & { readonly direction: HostNumbers })[],
  lossAt: (step: number) => Promise<number>,
  { tolerance, resolution, largestStep, scans }: DifferenceOptions,
): Promise<DirectionalCheck & { readonly verdict: Verdict }> {
  let predicted = 0;
  let correction = 0;
  let size = 0;
  for (const { exact, first, direction } of leaves) {
    direction.forEach((along, i) => {
      predicted += exact[i]! * along;
      correction += (exact[i]! - first[i]!) * along;
      size += Math.abs(exact[i]! * along);
    });
  }
  const rounding = Math.abs(correction) <= ROUNDING * resolution * size;
  const scale = rounding ? size : Math.abs(correction);
  const accepted = rounding ? resolution : tolerance;
  const errorOf = (measured: number): number => {
    const difference = Math.abs(measured - predicted);
    return difference === 0 ? 0 : difference / scale;
  };

  let best = { measured: NaN, step: NaN, change: Infinity };
  let before = NaN;
  for (let scan = 0; scan < scans; scan++) {
    const step = largestStep / 4 ** scan;
    const measured = (await lossAt(step) - await lossAt(-step)) / (2 * step);
    const change = Math.abs(measured - before);
    if (change < best.change || Number.isNaN(best.measured)) best = { measured, step, change };
    before = measured;
    if (errorOf(measured) <= accepted) {
      best = { measured, step, change: 0 };
      break;
    }
  }
  const { measured, step } = best;
  const error = errorOf(measured);
  const seen = rounding || resolution * size <= tolerance * scale;
  const verdict = !(error <= accepted) ? "differs" : seen ? "agrees" : "unseen";
  return { predicted, correction, measured, step, error, verdict };
}
