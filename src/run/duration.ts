/**
 * Times in words.
 *
 * @module
 */

/**
 * Writes a duration for people: `42s`, `3m05s`, `2h07m`, `3d04h`.
 *
 * @param seconds A duration of at least zero.
 * @throws {RangeError} If it is not finite.
 *
 * @example
 * ```ts
 * import { formatSeconds } from "@mutasesumele/toolkit/run";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([42, 185, 7620].map(formatSeconds), ["42s", "3m05s", "2h07m"]);
 * ```
 */
export function formatSeconds(seconds: number): string {
  // Without the shared check: pages take this file alone.
  if (!Number.isFinite(seconds)) {
    throw new RangeError(`Cannot write a duration: found ${seconds}, expected a finite number.`);
  }
  const total = Math.round(seconds);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  if (total < 60) return `${total}s`;
  if (total < 3600) return `${Math.floor(total / 60)}m${two(total % 60)}s`;
  if (total < 86_400) return `${Math.floor(total / 3600)}h${two((total % 3600) / 60)}m`;
  return `${Math.floor(total / 86_400)}d${two((total % 86_400) / 3600)}h`;
}
