/**
 * Names that primitives from outside must not have.
 *
 * @module
 */
import * as ops from "./mod.ts";

/** Names of the library's primitives. */
const names: ReadonlySet<string> = new Set(
  Object.values(ops).flatMap((value) =>
    typeof value === "object" && "avals" in value ? [value.name] : []
  ),
);

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
  if (!names.has(name)) return;
  throw new TypeError(
    `Cannot make ${kind} named '${name}': this library has one of that name, which programs are ` +
      `simplified by. Choose another, '${other}' for example.`,
  );
}
