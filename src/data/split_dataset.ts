import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import { classIndices, type LabelledExamples } from "./class_indices.ts";
import { HostRandom } from "./host_random.ts";

/** Options of {@linkcode splitDataset}. */
export interface SplitOptions {
  /** Held-out examples: a fraction if below 1, otherwise a count; 0 holds nothing out. */
  readonly validation: number;
  /** Seed of the choice. */
  readonly seed: number;
  /** The examples to split; all of them unless told. */
  readonly indices?: Int32Array;
}

/** Two disjoint lists of examples, each ascending. */
export interface Split {
  /** Examples to learn from. */
  readonly train: Int32Array;
  /** Examples held out of training. */
  readonly validation: Int32Array;
}

/** Shares `total` places among groups in proportion to their sizes (largest remainder). */
function apportion(sizes: readonly number[], total: number): number[] {
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const exact = sizes.map((size) => (size * total) / Math.max(all, 1));
  const shares = exact.map(Math.floor);
  const order = exact
    .map((value, group) => ({ group, remainder: value - Math.floor(value) }))
    .sort((a, b) => b.remainder - a.remainder || a.group - b.group);
  const missing = total - shares.reduce((sum, share) => sum + share, 0);
  for (const { group } of order.slice(0, missing)) shares[group]!++;
  return shares;
}

/**
 * Splits examples into a training and a validation part that keep the proportions of the classes.
 *
 * The two lists are disjoint, together hold every example, and depend on nothing but the labels,
 * the options and the seed.
 *
 * @param examples Labels `[count]` and class names.
 * @param options How much to hold out, and the seed.
 * @returns Two ascending lists of example indices.
 * @throws {RangeError} If `validation` is negative, not a whole count, or leaves nothing to train on.
 *
 * @example
 * ```ts
 * import { splitDataset, syntheticImages } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { train: dataset } = syntheticImages({ seed: 0, trainCount: 100, testCount: 10 });
 * const { train, validation } = splitDataset(dataset, { validation: 0.2, seed: 1 });
 * assertEquals([train.length, validation.length], [80, 20]);
 * ```
 */
export function splitDataset(examples: LabelledExamples, options: SplitOptions): Split {
  requireArguments("splitDataset", { examples }, { examples: kinds.labelledExamples });
  requireOptions("splitDataset", options, {
    validation: is.number,
    seed: is.natural,
    indices: is.optional(is.indices),
  });
  const { validation, seed } = options;
  const groups = classIndices(examples, options.indices);
  const count = groups.reduce((sum, group) => sum + group.length, 0);
  const held = validation < 1 ? Math.round(validation * count) : validation;
  if (!Number.isInteger(held) || held < 0 || held >= Math.max(count, 1)) {
    throw new RangeError(
      `Cannot split ${count} examples: validation ${validation}, expected a fraction below 1 or a whole number from 0 to ${
        count - 1
      }. Hold out fewer examples or load more.`,
    );
  }
  const shares = apportion(groups.map((group) => group.length), held);
  const train: number[] = [];
  const heldOut: number[] = [];
  groups.forEach((group, label) => {
    const shuffled = new HostRandom([seed, 0x5b117, label]).shuffle(group);
    for (const index of shuffled.subarray(0, shares[label]!)) heldOut.push(index);
    for (const index of shuffled.subarray(shares[label]!)) train.push(index);
  });
  return { train: Int32Array.from(train).sort(), validation: Int32Array.from(heldOut).sort() };
}
