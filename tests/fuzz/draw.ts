/**
 * Random choices that depend on a seed and on nothing else.
 *
 * @module
 */

/** Mixes a word so that neighbouring words give unrelated ones (the finalizer of MurmurHash3). */
function mix(word: number): number {
  let z = word >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/** A stream of choices: the n-th is a function of the words of the key and of n. */
export class Draw {
  readonly #key: number;
  #counter = 0;

  /** The stream of a key, such as `(seed, program, purpose)`. */
  constructor(...words: readonly number[]) {
    this.#key = words.reduce((key, word) => mix(key ^ mix(word + 0x9e3779b9)), 0x243f6a88);
  }

  /** A number of `[0, 1)`. */
  next(): number {
    this.#counter++;
    return mix(this.#key ^ mix(Math.imul(this.#counter, 0x9e3779b1))) / 2 ** 32;
  }

  /** A whole number of `[low, high]`. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** A number of `[low, high)`, with few digits. */
  number(low: number, high: number): number {
    return Math.round((low + this.next() * (high - low)) * 8) / 8;
  }

  /** Whether something of probability `p` happens. */
  chance(p: number): boolean {
    return this.next() < p;
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)]!;
  }

  /** One of the items, in proportion to their weights. */
  weighted<T extends { readonly weight: number }>(items: readonly T[]): T {
    let rest = this.next() * items.reduce((sum, { weight }) => sum + weight, 0);
    for (const item of items) if ((rest -= item.weight) < 0) return item;
    return items.at(-1)!;
  }

  /** The items in random order. */
  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let k = result.length - 1; k > 0; k--) {
      const other = this.integer(0, k);
      [result[k], result[other]] = [result[other]!, result[k]!];
    }
    return result;
  }

  /** Some of the items, in their order; each with probability `p`. */
  some<T>(items: readonly T[], p = 0.5): T[] {
    return items.filter(() => this.chance(p));
  }
}
