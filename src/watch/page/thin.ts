/**
 * Curves of many points as pictures of few pixels, and without their noise.
 *
 * @module
 */

/**
 * Chooses points that draw the same picture: of all that fall into a column of pixels the first, the last,
 * the lowest and the highest (M4; Jugel et al., "M4: A Visualization-Oriented Time Series Data Aggregation",
 * VLDB 2014, section 4).
 *
 * @param xs Positions, ascending.
 * @param ys Values.
 * @param columns Columns of pixels.
 * @returns Indices, ascending; at most four a column.
 */
export function thin(xs: readonly number[], ys: readonly number[], columns: number): number[] {
  const count = xs.length;
  if (count <= 4 * columns) return [...xs.keys()];
  const low = xs[0]!;
  const scale = columns / Math.max(xs[count - 1]! - low, Number.MIN_VALUE);
  const chosen: number[] = [];
  let first = 0;
  while (first < count) {
    const column = Math.min(columns - 1, Math.floor((xs[first]! - low) * scale));
    let [last, least, most] = [first, first, first];
    while (
      last + 1 < count &&
      Math.min(columns - 1, Math.floor((xs[last + 1]! - low) * scale)) === column
    ) {
      last++;
      if (ys[last]! < ys[least]!) least = last;
      if (ys[last]! > ys[most]!) most = last;
    }
    chosen.push(...new Set([first, least, most, last].sort((a, b) => a - b)));
    first = last + 1;
  }
  return chosen;
}

/**
 * Smooths by an exponential moving average whose begin is not pulled to zero (the correction of Adam,
 * arXiv 1412.6980, section 3).
 *
 * @param values The values.
 * @param weight Weight of what came before, from 0 (nothing changes) to below 1.
 */
export function smooth(values: readonly number[], weight: number): readonly number[] {
  if (weight === 0) return values;
  let sum = 0;
  let total = 0;
  return values.map((value) => {
    sum = weight * sum + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return sum / total;
  });
}

/**
 * Finds the point that is nearest to a position.
 *
 * @param xs Positions, ascending.
 * @param x The position.
 * @returns Its index; -1 if there is none.
 */
export function nearest(xs: readonly number[], x: number): number {
  let low = 0;
  let high = xs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - xs[low - 1]! <= xs[low]! - x ? low - 1 : Math.min(low, xs.length - 1);
}
