/**
 * Shares as people read them.
 *
 * @module
 */

/**
 * Writes a share as percent with two digits.
 *
 * @param share From 0 to 1.
 */
export function percent(share: number): string {
  return `${(100 * share).toFixed(2)}%`;
}
