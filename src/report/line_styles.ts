/**
 * How lines of a chart differ.
 *
 * @module
 */

/** Colours with a contrast of at least 3:1 on white and on near-black, told apart by most eyes. */
export const COLORS: readonly string[] = [
  "#3b82c4",
  "#d4621f",
  "#2f9364",
  "#a95fc0",
  "#b07d13",
  "#d2548b",
  "#5e7f8f",
];

/** Dashes, so that the lines differ without colour too. */
export const DASHES: readonly (readonly number[])[] = [
  [1, 0],
  [7, 3],
  [2, 3],
  [10, 3, 2, 3],
  [5, 5],
  [12, 4],
  [1, 3],
];
