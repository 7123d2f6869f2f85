/**
 * Names that primitives from outside must not have.
 *
 * @module
 */
import * as ops from "./mod.ts";

/** Whether the library has a primitive of a name; looked for only when asked, lest every bundle has all. */
function isOwn(name: string): boolean {
  return Object.values(ops).some((value) =>
    typeof value === "object" && "avals" in value && value.name === name
  );
}

/**
 * Throws where a primitive would be taken for one of the library, by whose names programs are simplified
 * and computed on TensorFlow.js.
 *
 * @param kind What is being made, for the error: "a primitive of TensorFlow.js".
 * @param name The name that it is given.
 * @param other A name that would do.
 * @throws {TypeError} If the library has a primitive of that name.
 */
export function requireOtherName(kind: string, name: string, other: string): void {
  if (!isOwn(name)) return;
  throw new TypeError(
    `Cannot make ${kind} named '${name}': this library has one of that name, which programs are ` +
      `simplified by. Choose another, '${other}' for example.`,
  );
}
