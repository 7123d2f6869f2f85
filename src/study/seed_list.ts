/**
 * Lists of seeds as people write them.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { excerpt } from "../text/printable.ts";

/** More seeds than anyone runs of one arm. */
const MOST_SEEDS = 1000;

/**
 * Reads a list of seeds: numbers and ranges with both ends, such as `0-4,7`.
 *
 * @param text The list.
 * @returns The seeds in order, each once.
 * @throws {RangeError} If it is no such list, names a seed twice or holds more than a thousand.
 *
 * @example
 * ```ts
 * import { parseSeeds } from "@mutasesumele/toolkit/study";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseSeeds("0-2,7"), [0, 1, 2, 7]);
 * ```
 */
export function parseSeeds(text: string): number[] {
  requireArguments("parseSeeds", { text }, { text: is.text });
  const fail = (what: string) =>
    new RangeError(
      `Cannot read the seeds "${
        excerpt(text)
      }": ${what}. Expected numbers and ranges below 2^32, ` +
        `such as 0-4,7.`,
    );
  const seeds: number[] = [];
  for (const part of text.split(",")) {
    const found = part.trim().match(/^(\d{1,10})(?:-(\d{1,10}))?$/);
    if (!found) throw fail(`found "${excerpt(part)}"`);
    const first = Number(found[1]);
    const last = Number(found[2] ?? found[1]);
    if (last >= 2 ** 32) throw fail(`${last} is no seed`);
    if (last < first) throw fail(`the range ${part.trim()} runs backwards`);
    if (seeds.length + last - first >= MOST_SEEDS) throw fail(`more than ${MOST_SEEDS} seeds`);
    for (let seed = first; seed <= last; seed++) seeds.push(seed);
  }
  seeds.sort((a, b) => a - b);
  const twice = seeds.find((seed, at) => seed === seeds[at - 1]);
  if (twice !== undefined) throw fail(`seed ${twice} is named twice`);
  return seeds;
}

/**
 * Writes a list of seeds shortly: `0-4, 7`.
 *
 * @param seeds Natural numbers in any order.
 */
export function formatSeeds(seeds: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const seed of seeds.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && seed === last[1] + 1) last[1] = seed;
    else ranges.push([seed, seed]);
  }
  return ranges.map(([first, last]) => first === last ? `${first}` : `${first}-${last}`).join(", ");
}
