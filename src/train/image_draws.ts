/**
 * All that is drawn in an image training: orders of images, and keys of what is drawn on the device.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { EpochSampler } from "../data/in_memory.ts";
import { type HostArray, hostArray } from "../engine/mod.ts";
import { randomKey } from "../random/mod.ts";
import { valuesOf } from "../tensor/mod.ts";
import { type Purpose, type RandomStream, streamKey, streamSeed } from "./random_streams.ts";

/** Where batches come from. */
export interface DrawnFrom {
  /** Phase of the training. */
  readonly phase: string;
  /** Images to draw from. */
  readonly rows: Int32Array;
  /** Number of the step, from 0. */
  readonly step: number;
}

/**
 * Draws from one seed: pure functions of phase, purpose and step.
 *
 * @example
 * ```ts
 * import { ImageDraws } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const draws = new ImageDraws({ seed: 0, batchSize: 2 });
 * const from = { phase: "pretrain", rows: Int32Array.of(3, 5, 7, 9), step: 1 };
 * assertEquals(draws.labelled(from), draws.labelled(from));
 * ```
 */
export class ImageDraws {
  readonly #seed: number;
  readonly #batchSize: number;
  /** By the list of images, then by the stream: lists of one length may hold other images. */
  readonly #samplers = new WeakMap<Int32Array, Map<string, EpochSampler>>();

  /**
   * Prepares draws.
   *
   * @param options Seed of all draws, and images of a batch.
   */
  constructor(options: { readonly seed: number; readonly batchSize: number }) {
    requireArguments("new ImageDraws", { options }, {
      options: is.objectWith({ seed: is.natural, batchSize: is.count }),
    });
    const { seed, batchSize } = options;
    this.#seed = seed;
    this.#batchSize = batchSize;
  }

  /** Key `u32[2]` of a stream. */
  key(stream: RandomStream): HostArray {
    const words = valuesOf(streamKey(randomKey(this.#seed), stream));
    return hostArray(Uint32Array.from(words), [2], "u32");
  }

  /** Labelled images of a step, `i32[batch]`. */
  labelled(from: DrawnFrom): Int32Array {
    return this.#batch(from, { purpose: "order", name: "" });
  }

  /** Images of a step for a pretext task, `i32[batch]`. */
  support(task: string, from: DrawnFrom): Int32Array {
    return this.#batch(from, { purpose: "support order", name: task });
  }

  #batch(
    { phase, rows, step }: DrawnFrom,
    { purpose, name }: { readonly purpose: Purpose; readonly name: string },
  ): Int32Array {
    const samplers = this.#samplers.get(rows) ?? new Map<string, EpochSampler>();
    this.#samplers.set(rows, samplers);
    const id = JSON.stringify([phase, purpose, name]);
    let sampler = samplers.get(id);
    if (!sampler) {
      sampler = new EpochSampler({
        indices: rows,
        batchSize: this.#batchSize,
        seed: streamSeed(this.#seed, { phase, purpose, name }),
      });
      samplers.set(id, sampler);
    }
    return sampler.batch(step);
  }
}
