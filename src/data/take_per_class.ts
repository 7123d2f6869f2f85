import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import { classIndices, type LabelledExamples } from "./class_indices.ts";
import { HostRandom } from "./host_random.ts";

/** Options of {@linkcode takePerClass}. */
export interface TakePerClassOptions {
  /** Examples wanted of every class, at least 1. */
  readonly perClass: number;
  /** Seed of the choice. */
  readonly seed: number;
  /** The examples to choose from; all of them unless told. */
  readonly indices?: Int32Array;
}

/**
 * Chooses the same number of examples of every class, for experiments with few labels.
 *
 * Choices of one seed are nested: the examples taken for a small `perClass` are also taken for a
 * larger one, so that learning curves over the number of labels are paired.
 *
 * @param examples Labels `[count]` and class names `[classes]`.
 * @param options How many of each class, and the seed.
 * @returns Ascending example indices `[classes * perClass]`.
 * @throws {RangeError} If `perClass` is not a whole number from 1, or a class has too few examples.
 *
 * @example
 * ```ts
 * import { syntheticImages, takePerClass } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 100, testCount: 10 });
 * assertEquals(takePerClass(train, { perClass: 3, seed: 0 }).length, 30);
 * ```
 */
export function takePerClass(examples: LabelledExamples, options: TakePerClassOptions): Int32Array {
  requireArguments("takePerClass", { examples }, { examples: kinds.labelledExamples });
  requireOptions("takePerClass", options, {
    perClass: true,
    seed: is.natural,
    indices: is.optional(is.indices),
  });
  const { perClass, seed } = options;
  if (!Number.isInteger(perClass) || perClass < 1) {
    throw new RangeError(
      `Cannot take examples per class: perClass ${perClass}, expected a whole number from 1. Ask for at least one example.`,
    );
  }
  const groups = classIndices(examples, options.indices);
  const taken = new Int32Array(groups.length * perClass);
  groups.forEach((group, label) => {
    if (group.length < perClass) {
      throw new RangeError(
        `Cannot take ${perClass} examples per class: class ${label} (${
          examples.classNames[label]
        }) has ${group.length}, expected at least ${perClass}. Ask for fewer or load more images.`,
      );
    }
    const shuffled = new HostRandom([seed, 0x7a4e, label]).shuffle(group);
    taken.set(shuffled.subarray(0, perClass), label * perClass);
  });
  return taken.sort();
}
