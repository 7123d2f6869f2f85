import { formatAval } from "../ir/aval.ts";
import { requireCall } from "../ir/options.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { constant, slice } from "../tensor/mod.ts";

/**
 * Pairs of words that are mixed into a key before it is used for a purpose, so that draws, split
 * keys and folded keys of one key come from different streams. (Digits of pi.)
 */
const SPLIT = [0x243f6a88, 0x85a308d3] as const;
const FOLD = [0x13198a2e, 0x03707344] as const;

/**
 * Words of the key of a seed, to be given to a program as its input `u32[2]`.
 *
 * @param seed A whole number from 0 to 2^53 - 1.
 * @returns The upper and the lower 32 bits.
 * @throws {RangeError} If the seed is no such number.
 *
 * @example
 * ```ts
 * import { keyWords } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...keyWords(2 ** 32 + 7)], [1, 7]);
 * ```
 */
export function keyWords(seed: number): Uint32Array {
  requireCall("keyWords", arguments, 1);
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(
      `Cannot make a random key of the seed ${seed}: expected a whole number from 0 to 2^53 - 1.`,
    );
  }
  return Uint32Array.of(Math.floor(seed / 2 ** 32), seed % 2 ** 32);
}

/**
 * Makes the random key of a seed.
 *
 * A key is all the state there is: the same key gives the same numbers. Use a key once; derive
 * others by {@linkcode splitKey} and {@linkcode foldIn}.
 *
 * @param seed A whole number from 0 to 2^53 - 1.
 * @returns The key, `u32[2]`.
 * @throws {RangeError} If the seed is no such number.
 *
 * @example
 * ```ts
 * import { randomKey, uniform, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const draw = (seed: number) => valuesOf(uniform(randomKey(seed), [3]));
 * assertEquals(draw(1), draw(1));
 * ```
 */
export function randomKey(seed: number): Tensor {
  requireCall("randomKey", arguments, 1);
  return constant(keyWords(seed), { dtype: "u32" });
}

function requireKey(attempt: string, key: Tensor): void {
  requireTensor(attempt, key);
  if (key.dtype !== "u32" || key.rank !== 1 || key.shape[0] !== 2) {
    throw new TypeError(
      `Cannot ${attempt}: found the key ${formatAval(key)}, expected u32[2]. Make one with ` +
        `randomKey(); use vmap() for several.`,
    );
  }
}

function mixed(key: Tensor, words: readonly [number, number]): Tensor {
  return ops.xor(key, constant(words, { dtype: "u32" }));
}

/** `N` keys where their number is written down, some keys where it is computed. */
export type Keys<N extends number, Found extends Tensor[] = []> = number extends N ? Tensor[]
  : Found["length"] extends N ? Found
  : Keys<N, [...Found, Tensor]>;

/**
 * Derives independent keys.
 *
 * @param key The key, `u32[2]`; not to be used again.
 * @param count How many keys.
 * @returns `count` keys, each `u32[2]`.
 * @throws {TypeError} If `key` is no key.
 *
 * @example
 * ```ts
 * import { randomKey, splitKey, uniform, valuesOf } from "@mutasesumele/toolkit";
 * import { assertNotEquals } from "@std/assert";
 *
 * const [a, b] = splitKey(randomKey(0), 2);
 * assertNotEquals(valuesOf(uniform(a, [2])), valuesOf(uniform(b, [2])));
 * ```
 */
export function splitKey<const N extends number>(key: Tensor, count: N): Keys<N> {
  requireCall("splitKey", arguments, 2);
  const keys = splitKeys(key, count);
  return Array.from({ length: count }, (_, k) => slice(keys, [k])) as Keys<N>;
}

/**
 * Derives independent keys as one tensor, to be mapped over.
 *
 * @param key The key, `u32[2]`; not to be used again.
 * @param count How many keys.
 * @returns The keys of {@linkcode splitKey}, `u32[count, 2]`.
 * @throws {TypeError} If `key` is no key.
 *
 * @example
 * ```ts
 * import { randomKey, splitKeys, type Tensor, uniform, vmap } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const draws = vmap((key: Tensor) => uniform(key, [3]))(splitKeys(randomKey(0), 5));
 * assertEquals(draws.shape, [5, 3]);
 * ```
 */
export function splitKeys(key: Tensor, count: number): Tensor {
  requireCall("splitKeys", arguments, 2);
  requireKey("split a key", key);
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`Cannot split a key into ${count} keys: expected a whole number from 1.`);
  }
  return ops.randomBits(mixed(key, SPLIT), [count, 2]);
}

/**
 * Derives the key that belongs to a number, such as a step, a task or a layer.
 *
 * @param key The key, `u32[2]`.
 * @param data A whole number from 0 to 2^32 - 1, or a scalar tensor (`u32` or `i32`).
 * @returns A key, `u32[2]`, independent for every number.
 * @throws {TypeError} If `key` is no key or `data` no integer scalar.
 *
 * @example
 * ```ts
 * import { constant, foldIn, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const step = constant(3, { dtype: "u32" });
 * assertEquals(valuesOf(foldIn(randomKey(0), 3)), valuesOf(foldIn(randomKey(0), step)));
 * ```
 */
export function foldIn(key: Tensor, data: number | Tensor): Tensor {
  requireCall("foldIn", arguments, 2);
  requireKey("fold a number into a key", key);
  // hash(hash(key) xor (data, 0)): hashing first keeps (key 1, data 2) apart from (key 2, data 1).
  const hashed = ops.randomBits(mixed(key, FOLD), [2]);
  return ops.randomBits(ops.xor(hashed, dataWords(data)), [2]);
}

function dataWords(data: number | Tensor): Tensor {
  if (typeof data === "number") {
    if (!Number.isInteger(data) || data < 0 || data >= 2 ** 32) {
      throw new RangeError(
        `Cannot fold ${data} into a key: expected a whole number from 0 to 2^32 - 1.`,
      );
    }
    return constant([data, 0], { dtype: "u32" });
  }
  if ((data.dtype !== "u32" && data.dtype !== "i32") || data.rank !== 0) {
    throw new TypeError(
      `Cannot fold ${formatAval(data)} into a key: expected a scalar u32[] or i32[].`,
    );
  }
  const word = ops.reshape(ops.convert(data, "u32"), [1]);
  return ops.pad(word, { low: [0], high: [1] });
}

/**
 * Draws 32 random bits for every element, by Threefry-2x32-20.
 *
 * Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 *
 * @param key The key, `u32[2]`.
 * @param shape Shape of the result.
 * @returns Bits, `u32` of the given shape.
 * @throws {TypeError} If `key` is no key.
 *
 * @example
 * ```ts
 * import { bits, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * assert(valuesOf(bits(randomKey(0), [4])).every((word) => word >= 0 && word < 2 ** 32));
 * ```
 */
export function bits(key: Tensor, shape: readonly number[]): Tensor {
  requireCall("bits", arguments, 2);
  requireKey("draw random bits", key);
  return ops.randomBits(key, shape);
}
