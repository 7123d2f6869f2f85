import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import { HostRandom } from "./host_random.ts";
import { type ImageDataset, subsetDataset } from "./image_dataset.ts";

/**
 * Finds the label of a class by its name.
 *
 * @param dataset Class names, and the name of the data set for errors.
 * @param className Name of the class, as the data set writes it.
 * @returns The label.
 * @throws {RangeError} If there is no such class.
 *
 * @example
 * ```ts
 * import { labelOf, syntheticImages } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 10, testCount: 10 });
 * assertEquals(labelOf(train, train.classNames[3]!), 3);
 * ```
 */
export function labelOf(
  dataset: Pick<ImageDataset, "name" | "classNames">,
  className: string,
): number {
  requireArguments("labelOf", { dataset, className }, {
    dataset: is.objectWith({ classNames: is.listOf(is.text) }, "a data set"),
    className: is.text,
  });
  const label = dataset.classNames.indexOf(className);
  if (label >= 0) return label;
  throw new RangeError(
    `Cannot find class "${className}" in ${dataset.name}: its classes are ${
      dataset.classNames.slice(0, 20).join(", ")
    }${dataset.classNames.length > 20 ? " and more" : ""}, expected one of them. Correct the name.`,
  );
}

/**
 * Takes all images of some classes; these become the classes 0, 1 and so on, in the given order.
 *
 * @param dataset The images.
 * @param classNames Names of the wanted classes.
 * @returns A data set of those images.
 * @throws {RangeError} If a class is unknown or named twice, or none is named.
 *
 * @example
 * ```ts
 * import { selectClasses, syntheticImages } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 40, testCount: 10 });
 * const [first, second] = train.classNames;
 * const two = selectClasses(train, [second!, first!]);
 * assertEquals(two.classNames, [second!, first!]);
 * assertEquals(two.count, train.labels.filter((label) => label < 2).length);
 * ```
 */
export function selectClasses(dataset: ImageDataset, classNames: readonly string[]): ImageDataset {
  requireArguments("selectClasses", { dataset, classNames }, {
    dataset: kinds.dataset,
    classNames: is.listOf(is.text),
  });
  if (classNames.length === 0 || new Set(classNames).size !== classNames.length) {
    throw new RangeError(
      `Cannot select classes of ${dataset.name}: found ${
        classNames.join(", ") || "none"
      }, expected different names, at least one. Correct the list.`,
    );
  }
  const renamed = new Map(classNames.map((name, label) => [labelOf(dataset, name), label]));
  const chosen: number[] = [];
  dataset.labels.forEach((label, index) => {
    if (renamed.has(label)) chosen.push(index);
  });
  const subset = subsetDataset(dataset, Int32Array.from(chosen));
  return { ...subset, classNames, labels: subset.labels.map((label) => renamed.get(label)!) };
}

/** Options of {@linkcode splitClasses}. */
export interface SplitClassesOptions<Part extends string> {
  /** Number of classes of every part. */
  readonly parts: Readonly<Record<Part, number>>;
  /** Seed of the choice. */
  readonly seed: number;
}

/**
 * Deals out classes at random so that no two parts share one, as few-shot learning needs them
 * (Vinyals et al., "Matching Networks", arXiv 1606.04080).
 *
 * Parts may together have fewer classes than there are.
 *
 * @param classNames Names of all classes.
 * @param options How many each part gets, and the seed.
 * @returns Class names of every part, in the order of `classNames`.
 * @throws {RangeError} If a number is not a whole one from 1, or there are too few classes.
 *
 * @example
 * ```ts
 * import { splitClasses } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { train, test } = splitClasses(["a", "b", "c"], { parts: { train: 2, test: 1 }, seed: 0 });
 * assertEquals([...train, ...test].sort(), ["a", "b", "c"]);
 * ```
 */
export function splitClasses<Part extends string>(
  classNames: readonly string[],
  options: SplitClassesOptions<Part>,
): Record<Part, string[]> {
  requireArguments("splitClasses", { classNames }, { classNames: is.listOf(is.text) });
  requireOptions("splitClasses", options, { parts: is.object, seed: is.natural });
  const { parts, seed } = options;
  const entries = Object.entries(parts) as [Part, number][];
  const total = entries.reduce((sum, [, count]) => sum + count, 0);
  const whole = entries.every(([, count]) => Number.isInteger(count) && count >= 1);
  if (!whole || total > classNames.length) {
    throw new RangeError(
      `Cannot split ${classNames.length} classes: parts of ${
        entries.map(([part, count]) => `${count} (${part})`).join(", ")
      }, expected whole numbers from 1 and together at most ${classNames.length}. Ask for fewer classes.`,
    );
  }
  const order = new HostRandom([seed, 0xc1a55]).shuffle(
    Int32Array.from(classNames.keys()),
  );
  let taken = 0;
  const split = entries.map(([part, count]) => {
    const own = order.slice(taken, taken + count).sort();
    taken += count;
    return [part, Array.from(own, (label) => classNames[label]!)];
  });
  return Object.fromEntries(split) as Record<Part, string[]>;
}
