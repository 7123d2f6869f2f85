/**
 * All orders of a few items.
 *
 * @param items The items.
 * @returns Every permutation, in lexicographic order of positions.
 */
export function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, k) =>
    permutations(items.filter((_, other) => other !== k)).map((rest) => [item, ...rest])
  );
}
