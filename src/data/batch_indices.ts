import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { HostRandom } from "./host_random.ts";

/** Options of {@linkcode EpochSampler}. */
export interface EpochSamplerOptions {
  /** The examples of an epoch `[n]`. */
  readonly indices: Int32Array;
  /** Examples of a batch, 1 to `n`. */
  readonly batchSize: number;
  /** Seed of the order. */
  readonly seed: number;
}

/** Options of {@linkcode batchIndices}. */
export interface BatchIndicesOptions extends EpochSamplerOptions {
  /** Number of the step, from 0. */
  readonly step: number;
}

/** Throws unless `step` is a whole number from 0. */
export function checkStep(step: number): void {
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new RangeError(
      `Cannot sample step ${step}: expected a whole number from 0. Count steps from 0.`,
    );
  }
}

/**
 * Walks through examples epoch by epoch, each epoch in a new random order without replacement.
 *
 * A batch is a pure function of the seed and the step, so a resumed run sees the batches that the
 * killed run would have seen. The last, incomplete batch of an epoch is dropped.
 *
 * @example
 * ```ts
 * import { EpochSampler } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const sampler = new EpochSampler({ indices: Int32Array.of(4, 5, 6, 7), batchSize: 2, seed: 0 });
 * assertEquals(sampler.stepsPerEpoch, 2);
 * assertEquals([...sampler.batch(0), ...sampler.batch(1)].sort(), [4, 5, 6, 7]);
 * ```
 */
export class EpochSampler {
  /** Number of full batches in an epoch. */
  readonly stepsPerEpoch: number;
  readonly #indices: Int32Array;
  readonly #batchSize: number;
  readonly #seed: number;
  #epoch = -1;
  #order: Int32Array;

  /**
   * Prepares a sampler; nothing is drawn yet.
   *
   * @param options Examples, batch size and seed.
   * @throws {RangeError} If the batch size is not a whole number from 1 to the number of examples.
   */
  constructor(options: EpochSamplerOptions) {
    requireOptions("new EpochSampler", options, {
      indices: is.indices,
      batchSize: true,
      seed: is.natural,
    });
    const { indices, batchSize, seed } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > indices.length) {
      throw new RangeError(
        `Cannot sample batches of ${batchSize} from ${indices.length} examples: expected a whole batch size from 1 to ${indices.length}. Choose a smaller batch or more examples.`,
      );
    }
    this.stepsPerEpoch = Math.floor(indices.length / batchSize);
    this.#indices = indices.slice();
    this.#batchSize = batchSize;
    this.#seed = seed;
    this.#order = this.#indices;
  }

  /**
   * Gives the batch of a step.
   *
   * @param step Number of the step, from 0; steps may be asked for in any order.
   * @returns Example indices `[batchSize]`.
   * @throws {RangeError} If `step` is not a whole number from 0.
   */
  batch(step: number): Int32Array {
    checkStep(step);
    const epoch = Math.floor(step / this.stepsPerEpoch);
    if (epoch !== this.#epoch) {
      this.#order = new HostRandom([this.#seed, 0xba7c4, epoch]).shuffle(this.#indices.slice());
      this.#epoch = epoch;
    }
    const start = (step - epoch * this.stepsPerEpoch) * this.#batchSize;
    return this.#order.slice(start, start + this.#batchSize);
  }
}

/**
 * Gives the batch of a step as a pure function; {@linkcode EpochSampler} gives the same batches
 * and keeps the order of the current epoch.
 *
 * @param options Examples, batch size, seed and step.
 * @returns Example indices `[batchSize]`.
 * @throws {RangeError} If the batch size or the step is out of range.
 *
 * @example
 * ```ts
 * import { batchIndices } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const options = { indices: Int32Array.of(0, 1, 2, 3, 4), batchSize: 2, seed: 9 };
 * assertEquals(batchIndices({ ...options, step: 7 }), batchIndices({ ...options, step: 7 }));
 * ```
 */
export function batchIndices(options: BatchIndicesOptions): Int32Array {
  const { step, ...sampler } = options ?? {};
  return new EpochSampler(sampler).batch(step);
}
