/**
 * How every implementation is timed.
 *
 * @module
 */

/** Shortest sample: shorter work is repeated, so that the last wait does not count. */
const SAMPLE_MS = 200;

/** Most meta-gradients of a sample. */
const MOST = 20;

/** After this no further sample begins, but for the first one. */
const BUDGET_MS = 15_000;

/** Times of samples. */
export interface Samples {
  /** Milliseconds of the first call. */
  readonly firstCall: number;
  /** Milliseconds of one meta-gradient, a sample. */
  readonly samples: readonly number[];
  /** Meta-gradients of one sample. */
  readonly perSample: number;
}

/**
 * Times an implementation: the first call, one call to learn how long it takes (which is a sample
 * where it is long enough), then samples.
 *
 * @param run Runs so many meta-gradients and waits for the last.
 * @param repeat Most samples, at least 1.
 */
export async function sample(
  run: (count: number) => Promise<void>,
  repeat: number,
): Promise<Samples> {
  const timed = async (count: number): Promise<number> => {
    const start = performance.now();
    await run(count);
    return (performance.now() - start) / count;
  };
  const firstCall = await timed(1);
  const second = await timed(1);
  const perSample = Math.min(MOST, Math.ceil(SAMPLE_MS / second));
  const samples: number[] = perSample === 1 ? [second] : [];
  let spent = second;
  while (samples.length < repeat && (samples.length === 0 || spent < BUDGET_MS)) {
    const each = await timed(perSample);
    samples.push(each);
    spent += each * perSample;
  }
  return { firstCall, samples, perSample };
}

/** Middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
