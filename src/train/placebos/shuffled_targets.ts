import { requireCall } from "../../ir/options.ts";
/**
 * Placebo: pretext targets that belong to other images.
 *
 * @module
 */
import { permutation } from "../../random/mod.ts";
import { takeRows } from "../../tensor/mod.ts";
import type { Placebo } from "./placebo.ts";

/**
 * Every pretext task gets the embeddings of its batch in a random order, drawn anew at every inner step,
 * so that its targets belong to other images: the inner steps keep their size and their losses, but carry
 * nothing about the images. The task's head learns from the same losses.
 *
 * @returns The placebo.
 *
 * @example
 * ```ts
 * import { constant, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { shuffledTargets } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const rows = valuesOf(shuffledTargets().encode!(constant([[1], [2], [3]]), randomKey(0)));
 * assertEquals([...rows].sort(), [1, 2, 3]);
 * ```
 */
export function shuffledTargets(): Placebo {
  requireCall("shuffledTargets", arguments);
  return {
    name: "shuffled-targets",
    encode: (embeddings, key) => takeRows(embeddings, permutation(key, embeddings.shape[0]!)),
  };
}
