import { PUBLISHED_SETS } from "./published_sets.ts";

/**
 * Lists the names that stand for a data set or a way to get one, each with a line about it.
 *
 * @returns Lines by name; `loadImageSplits` takes the names.
 *
 * @example
 * ```ts
 * import { dataSummaries } from "@mutasesumele/toolkit/data";
 * import { assertStringIncludes } from "@std/assert";
 *
 * assertStringIncludes(dataSummaries()["beans"]!, "leaves");
 * ```
 */
export function dataSummaries(): Readonly<Record<string, string>> {
  return {
    auto: "CIFAR-10, downloaded if need be; without a network a procedural stand-in",
    synthetic: "the stand-in",
    "cifar100-binary": "CIFAR-100 in its official form",
    ...Object.fromEntries(PUBLISHED_SETS.map(({ name, summary }) => [name, summary])),
  };
}

/**
 * Lists the names that stand for a data set or a way to get one.
 *
 * @returns Names, as `loadImageSplits` takes them.
 *
 * @example
 * ```ts
 * import { dataNames } from "@mutasesumele/toolkit/data";
 * import { assert } from "@std/assert";
 *
 * assert(dataNames().includes("food101"));
 * ```
 */
export function dataNames(): string[] {
  return Object.keys(dataSummaries());
}
