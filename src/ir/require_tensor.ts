import { noTensor } from "./describe.ts";
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
