import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";

/** Odd constants that keep the four state words apart while seed words are absorbed. */
const LANES: readonly number[] = [0x9e3779b9, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f];

/** Bijective 32-bit finalizer (MurmurHash3's fmix32). */
function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}

/**
 * Advances the four state words of xoshiro128** 1.1 in place.
 *
 * @param state The state `[4]`, not all 0.
 * @returns 32 random bits as a whole number from 0 to 2^32 - 1.
 */
export function xoshiro128(state: Int32Array): number {
  const second = state[1]!;
  const scaled = Math.imul(second, 5);
  const result = Math.imul((scaled << 7) | (scaled >>> 25), 9);
  state[2]! ^= state[0]!;
  state[3]! ^= second;
  state[1]! ^= state[2]!;
  state[0]! ^= state[3]!;
  state[2]! ^= second << 9;
  state[3] = (state[3]! << 11) | (state[3]! >>> 21);
  return result >>> 0;
}

/**
 * Deterministic pseudo-random numbers for host code: data order, splits and procedural images.
 * Integer arithmetic only, so every machine gives the same numbers.
 *
 * The generator is xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", arXiv 1805.01407); its state is a hash of the seed words. Random numbers inside of
 * programs come from device keys instead.
 *
 * @example
 * ```ts
 * import { HostRandom } from "@mutasesumele/toolkit";
 * import { assertEquals, assertNotEquals } from "@std/assert";
 *
 * const a = new HostRandom([7, 1]);
 * const b = new HostRandom([7, 1]);
 * assertEquals(a.uint32(), b.uint32());
 * assertNotEquals(a.uint32(), new HostRandom([7, 2]).uint32());
 * ```
 */
export class HostRandom {
  #state = new Int32Array(4);

  /**
   * Starts a stream.
   *
   * @param seed Words that name the stream, e.g. `[seed, purpose, index]`; each a safe integer >= 0.
   * @throws {RangeError} If a word is negative, fractional or above 2^53 - 1.
   */
  constructor(seed: readonly number[]) {
    requireArguments("new HostRandom", { seed }, { seed: is.list });
    const state = this.#state;
    state.set(LANES);
    for (const word of seed) {
      if (!Number.isSafeInteger(word) || word < 0) {
        throw new RangeError(
          `Cannot seed a random stream: found ${word}, expected a whole number from 0 to 2^53 - 1. Pass a non-negative integer seed.`,
        );
      }
      for (const half of [word % 0x100000000, Math.floor(word / 0x100000000)]) {
        for (let lane = 0; lane < 4; lane++) {
          const before = state[(lane + 3) % 4]!;
          state[lane] = mix(state[lane]! + Math.imul(half ^ LANES[lane]!, 0x9e3779b1)) + before;
        }
      }
    }
    if (state.every((word) => word === 0)) state[0] = 1;
    for (let discarded = 0; discarded < 8; discarded++) this.uint32();
  }

  /**
   * Draws 32 random bits.
   *
   * @returns A whole number from 0 to 2^32 - 1.
   */
  uint32(): number {
    return xoshiro128(this.#state);
  }

  /**
   * Draws a number from `[low, high)`.
   *
   * @param low Smallest value, 0 unless told.
   * @param high Bound above, 1 unless told.
   * @returns A uniform number with 32 random bits.
   */
  uniform(low: number = 0, high: number = 1): number {
    return low + (high - low) * (this.uint32() / 0x100000000);
  }

  /**
   * Draws a whole number from `[0, bound)`, every one equally likely (by rejection).
   *
   * @param bound Number of possible values, 1 to 2^32.
   * @returns The drawn number.
   * @throws {RangeError} If `bound` is not a whole number from 1 to 2^32.
   */
  integer(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 0x100000000) {
      throw new RangeError(
        `Cannot draw an integer: bound ${bound}, expected a whole number from 1 to 2^32. Pass the number of possible values.`,
      );
    }
    const fair = 0x100000000 - (0x100000000 % bound);
    let drawn = this.uint32();
    while (drawn >= fair) drawn = this.uint32();
    return drawn % bound;
  }

  /**
   * Brings a list into random order, in place (Fisher-Yates).
   *
   * @param list The list to shuffle.
   * @returns The same list.
   */
  shuffle(list: Int32Array): Int32Array {
    for (let last = list.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const kept = list[last]!;
      list[last] = list[other]!;
      list[other] = kept;
    }
    return list;
  }
}
