/** Repeatable random numbers for tests. @module */

/** A source of uniform numbers of `[0, 1)` (Mulberry32). */
export function uniform(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number of `[low, high]`. */
export function integer(next: () => number, low: number, high: number): number {
  return low + Math.floor(next() * (high - low + 1));
}

/** One of the items. */
export function pick<T>(next: () => number, items: readonly T[]): T {
  return items[integer(next, 0, items.length - 1)]!;
}

/** The items in random order. */
export function shuffled<T>(next: () => number, items: readonly T[]): T[] {
  const result = [...items];
  for (let k = result.length - 1; k > 0; k--) {
    const other = integer(next, 0, k);
    [result[k], result[other]] = [result[other]!, result[k]!];
  }
  return result;
}
