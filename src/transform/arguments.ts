/**
 * Which arguments of a function a transformation varies.
 *
 * @module
 */

import { describe } from "../ir/describe.ts";

/** One position of an argument, or several. */
export type Positions = number | readonly number[];

/** The arguments at one position or several. */
export type Chosen<A extends readonly unknown[], K extends Positions> = K extends number ? A[K]
  : K extends readonly number[] ? { [I in keyof K]: A[K[I] & number] }
  : never;

/** Options of transformations that vary arguments. */
export interface ArgumentOptions<K extends Positions> {
  /** Position of the argument that varies, or several positions. */
  readonly argument: K;
}

/**
 * Makes the chosen arguments the first one.
 *
 * @param fn A function.
 * @param argument Positions of the arguments that vary.
 * @returns A function of the chosen arguments (alone, or an array of them) and of all arguments.
 * @throws {TypeError} If `fn` is no function.
 * @throws {RangeError} If a position is not a whole number from 0, or occurs twice.
 */
export function varying<A extends readonly unknown[], K extends Positions, R>(
  fn: (...args: A) => R,
  argument: K,
): (chosen: Chosen<A, K>, all: A) => R {
  if (typeof fn !== "function") {
    throw new TypeError(
      `Cannot vary arguments of ${describe(fn)}: expected a function of tensors.`,
    );
  }
  const positions = listOf(argument);
  const valid = Array.isArray(positions) && positions.length > 0 &&
    new Set(positions).size === positions.length &&
    positions.every((position) => Number.isInteger(position) && position >= 0);
  if (!valid) {
    throw new RangeError(
      `Cannot vary the arguments ${
        Array.isArray(positions) ? `[${positions}]` : describe(argument)
      }: expected distinct whole numbers from 0.`,
    );
  }
  return (chosen, all) => {
    const values = typeof argument === "number" ? [chosen] : chosen as readonly unknown[];
    const args = all.map((value, position) => {
      const at = positions.indexOf(position);
      return at < 0 ? value : values[at];
    });
    return fn(...args as unknown as A);
  };
}

/**
 * Takes the arguments at the chosen positions.
 *
 * @param all All arguments.
 * @param argument The positions.
 * @returns The argument, or an array of arguments.
 * @throws {RangeError} If there are fewer arguments.
 */
export function chosenOf<A extends readonly unknown[], K extends Positions>(
  all: A,
  argument: K,
): Chosen<A, K> {
  const positions = listOf(argument);
  const missing = positions.find((position) => position >= all.length);
  if (missing !== undefined) {
    throw new RangeError(
      `Cannot vary argument ${missing}: found ${all.length} arguments, expected more than ${missing}.`,
    );
  }
  const values = positions.map((position) => all[position]);
  return (typeof argument === "number" ? values[0] : values) as Chosen<A, K>;
}

function listOf(positions: Positions): readonly number[] {
  return typeof positions === "number" ? [positions] : positions;
}
