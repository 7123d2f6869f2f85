/**
 * How every implementation is timed.
 *
 * @module
 */

/** A sample: shorter work is repeated, so that the last wait does not count. In Deno that is some 10 ms. */
const SAMPLE_MS = 400;

/** Most meta-gradients of a sample. */
const MOST = 1000;

/** A sample of this share of it is long enough. */
const ENOUGH = 0.75;

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
 * Times an implementation: the first call, calls to learn how many make a sample (the last of which are one), then
 * samples.
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
  let perSample = 1;
  let each = await timed(perSample);
  let spent = each;
  while (perSample < MOST && each * perSample < ENOUGH * SAMPLE_MS) {
    perSample = Math.min(MOST, Math.ceil(SAMPLE_MS / each));
    each = await timed(perSample);
    spent += each * perSample;
  }
  const samples = [each];
  while (samples.length < repeat && spent < BUDGET_MS) {
    const next = await timed(perSample);
    samples.push(next);
    spent += next * perSample;
  }
  return { firstCall, samples, perSample };
}

/** Middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
