/**
 * Errors of the person at the keyboard, and the help they get.
 *
 * @module
 */
import { excerpt } from "../text/printable.ts";

/** Longer names are no slips of the finger, and comparing them takes long. */
const LONGEST_NAME = 100;

/**
 * A wrong command line or configuration: shown without a stack, ends with exit code 2.
 *
 * @example
 * ```ts
 * import { parseCommandLine, UsageError } from "@mutasesumele/toolkit/experiment";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => parseCommandLine(["--sed", "1"]), UsageError, "--seed");
 * ```
 */
export class UsageError extends Error {
  /** Name of the class. */
  override readonly name = "UsageError";
}

/**
 * Builds the message for a name that is not one of the valid ones.
 *
 * @param what What the name should be, such as `"preset"`.
 * @param options `found`: the wrong name; `valid`: the names that exist.
 * @returns A sentence with the closest valid name, if one is close, and all of them.
 */
export function unknownName(
  what: string,
  options: { readonly found: string; readonly valid: readonly string[] },
): string {
  const close = closestName(options.found, options.valid);
  const hint = close === undefined ? "" : ` Did you mean "${close}"?`;
  const list = options.valid.length === 0
    ? "There is none."
    : `Valid: ${excerpt(options.valid.join(", "), 2000)}.`;
  return `Unknown ${what} "${excerpt(options.found)}".${hint} ${list}`;
}

/**
 * Finds the name that differs least from a misspelt one.
 *
 * @param found The misspelt name.
 * @param valid The names that exist.
 * @returns The closest, or `undefined` if more than a third of the letters (at least two) differ.
 */
export function closestName(found: string, valid: readonly string[]): string | undefined {
  if (found.length > LONGEST_NAME) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(found.length / 3)) + 1;
  for (const name of valid) {
    if (name.length > LONGEST_NAME) continue;
    const distance = editDistance(found.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance && distance < name.length) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** Letters to insert, delete, replace or swap with a neighbour (Damerau-Levenshtein, restricted). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(replaced, last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, beforeLast[j - 2]! + 1);
      }
      row.push(distance);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
