import { formatAval } from "./aval.ts";
import { describe, noTensor } from "./describe.ts";
import { Tensor } from "./tensor.ts";

/**
 * Throws unless something is a tensor.
 *
 * @param attempt What is being done, for the error: "add".
 * @param found What was given.
 * @throws {TypeError} Says what it is instead, and how it becomes a tensor.
 */
export function requireTensor(attempt: string, found: unknown): asserts found is Tensor {
  if (!(found instanceof Tensor)) throw new TypeError(`Cannot ${attempt}: ${noTensor(found)}`);
}

/**
 * Throws unless something is an array, such as a shape or an order of axes.
 *
 * @param attempt What is being done, for the error: "reshape".
 * @param x To which tensor.
 * @param given What must be an array: its name, and what was given.
 * @throws {TypeError} Says what it is instead.
 */
export function requireList(
  attempt: string,
  x: Tensor,
  [name, found]: readonly [name: string, found: unknown],
): void {
  if (Array.isArray(found)) return;
  throw new TypeError(
    `Cannot ${attempt} ${formatAval(x)}: found ${
      describe(found)
    } for the ${name}, expected an array.`,
  );
}
