/**
 * Random streams by name: every draw of a training belongs to a phase and a purpose, so that no two
 * share one by accident.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { HostRandom } from "../data/in_memory.ts";
import type { Tensor } from "../ir/tensor.ts";
import { foldIn } from "../random/mod.ts";

/** What is drawn. */
export type Purpose =
  /** First parameters of the backbone. */
  | "initialisation"
  /** First parameters of the head of the wanted task, or of a probe. */
  | "head"
  /** First parameters of the heads of the pretext tasks. */
  | "pretext heads"
  /** Order of the labelled images; drawn on the host. */
  | "order"
  /** Order of the images of a pretext task; drawn on the host. */
  | "support order"
  /** What the steps draw, each from a key of its own: augmentation, dropout, pretext tasks. */
  | "steps"
  /** What the adaptation to the pretext tasks draws in evaluations. */
  | "adaptation"
  /** What pretext tasks draw where they are shown to people. */
  | "pictures";

/** A stream of random numbers. */
export interface RandomStream {
  /** Phase of the training, such as `fine-tune`; {@linkcode SHARED_PHASE} for what all share. */
  readonly phase: string;
  /** What is drawn. */
  readonly purpose: Purpose;
}

/** The phase of what all phases are told to share: the initialisation of the backbone. */
export const SHARED_PHASE = "all";

/** A name as 32 bits (FNV-1a over UTF-16 code units, then the finaliser of MurmurHash3). */
function nameWord(name: string): number {
  let word = 0x811c9dc5;
  for (let k = 0; k < name.length; k++) word = Math.imul(word ^ name.charCodeAt(k), 0x01000193);
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}

const STREAM = is.objectWith(
  { phase: is.name, purpose: is.name, name: is.optional(is.text) },
  "a stream",
);

/**
 * Key of a stream, for draws on the device.
 *
 * @param key Key of the run, `u32[2]`.
 * @param stream Phase and purpose.
 * @returns A key `u32[2]`.
 *
 * @example
 * ```ts
 * import { randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { streamKey } from "@mutasesumele/toolkit/train";
 * import { assertNotEquals } from "@std/assert";
 *
 * const head = (phase: string) => valuesOf(streamKey(randomKey(0), { phase, purpose: "head" }));
 * assertNotEquals(head("pretrain"), head("fine-tune"));
 * ```
 */
export function streamKey(key: Tensor, stream: RandomStream): Tensor {
  requireArguments("streamKey", { stream }, { stream: STREAM });
  const { phase, purpose } = stream;
  return foldIn(foldIn(key, nameWord(phase)), nameWord(purpose));
}

/**
 * Seed of a stream, for draws on the host.
 *
 * @param seed Seed of the run.
 * @param stream Phase and purpose; `name` tells apart streams of one purpose, such as those of tasks.
 * @returns A whole number from 0 to 2^32 - 1.
 *
 * @example
 * ```ts
 * import { streamSeed } from "@mutasesumele/toolkit/train";
 * import { assertNotEquals } from "@std/assert";
 *
 * const order = (phase: string) => streamSeed(0, { phase, purpose: "order" });
 * assertNotEquals(order("pretrain"), order("fine-tune"));
 * ```
 */
export function streamSeed(
  seed: number,
  stream: RandomStream & { readonly name?: string },
): number {
  requireArguments("streamSeed", { stream }, { stream: STREAM });
  const { phase, purpose, name = "" } = stream;
  return new HostRandom([seed, ...[phase, purpose, name].map(nameWord)]).uint32();
}
