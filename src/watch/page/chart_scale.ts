/**
 * Axes: where a value lies, and which values are written beside it.
 *
 * @module
 */

/** One axis of a chart. */
export interface Scale {
  /** Where a value lies, in pixels. */
  readonly at: (value: number) => number;
  /** The value at a place. */
  readonly valueAt: (place: number) => number;
  /** Values to write. */
  readonly ticks: readonly number[];
}

/**
 * Makes an axis.
 *
 * @param domain Lowest and highest value; equal ones are moved apart.
 * @param range Their places in pixels.
 * @param options `ticks`: about how many; `log`: logarithmic, all values must be positive.
 */
export function makeScale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
  { ticks, log = false }: { readonly ticks: number; readonly log?: boolean },
): Scale {
  if (log) {
    const inner = makeScale([Math.log10(low), Math.log10(high)], [from, to], { ticks });
    return {
      at: (value) => inner.at(Math.log10(value)),
      valueAt: (place) => 10 ** inner.valueAt(place),
      ticks: logTicks(low, high, ticks),
    };
  }
  const middle = (low + high) / 2;
  const half = high > low ? (high - low) / 2 : Math.abs(middle) / 2 || 0.5;
  const [bottom, top] = [middle - half, middle + half];
  return {
    at: (value) => from + (value - bottom) / (top - bottom) * (to - from),
    valueAt: (place) => bottom + (place - from) / (to - from) * (top - bottom),
    ticks: linearTicks(bottom, top, ticks),
  };
}

/** Multiples of 1, 2 or 5 times a power of ten. */
function linearTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= 0.75 * rough) ?? 10);
  const ticks: number[] = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) {
    ticks.push(Number((k * step).toPrecision(12)));
  }
  return ticks;
}

/** Powers of ten; where there are few of them, 2 and 5 times these; where there are none, linear ones. */
function logTicks(low: number, high: number, count: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const every = Math.max(1, Math.ceil((last - first) / count));
  const powers: number[] = [];
  for (let k = first; k <= last; k += every) powers.push(10 ** k);
  for (const factors of [[1], [1, 2, 5]]) {
    const found = powers.flatMap((power) => factors.map((factor) => factor * power))
      .filter((tick) => tick >= low && tick <= high);
    if (found.length >= 3) return found;
  }
  return linearTicks(low, high, count).filter((tick) => tick > 0);
}
