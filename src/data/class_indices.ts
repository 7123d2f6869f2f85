import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import type { ImageDataset } from "./image_dataset.ts";

/** What the samplers need of a data set: labels and the names of the classes. */
export type LabelledExamples = Pick<ImageDataset, "labels" | "classNames">;

/**
 * Lists the examples of every class, in the order of `indices`.
 *
 * @param examples Labels `[count]` and class names `[classes]`.
 * @param indices The examples to group; all of them unless told.
 * @returns One list for every class, empty where the class has no example.
 * @throws {RangeError} If an index or a label is out of range, or an index is listed twice: it could end up
 * in two parts of what is meant to be disjoint.
 *
 * @example
 * ```ts
 * import { classIndices } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const groups = classIndices({ labels: Uint8Array.of(1, 0, 1), classNames: ["cat", "dog"] });
 * assertEquals(groups.map((group) => [...group]), [[1], [0, 2]]);
 * ```
 */
export function classIndices(examples: LabelledExamples, indices?: Int32Array): Int32Array[] {
  requireArguments("classIndices", { examples, indices }, {
    examples: kinds.labelledExamples,
    indices: is.optional(is.indices),
  });
  const { labels, classNames } = examples;
  const groups: number[][] = classNames.map(() => []);
  const seen = indices === undefined ? undefined : new Set<number>();
  const size = indices === undefined ? labels.length : indices.length;
  for (let position = 0; position < size; position++) {
    const index = indices === undefined ? position : indices[position]!;
    const label = labels[index];
    if (label === undefined) {
      throw new RangeError(
        `Cannot group examples by class: index ${index}, expected 0..${
          labels.length - 1
        }. Choose indices of this data set.`,
      );
    }
    const group = groups[label];
    if (group === undefined) {
      throw new RangeError(
        `Cannot group examples by class: label ${label} of example ${index}, expected 0..${
          classNames.length - 1
        }. Give every class a name.`,
      );
    }
    if (seen?.has(index)) {
      throw new RangeError(
        `Cannot group examples by class: index ${index} is listed twice, expected every example once. Pass Int32Array.from(new Set(indices)).`,
      );
    }
    seen?.add(index);
    group.push(index);
  }
  return groups.map((group) => Int32Array.from(group));
}
