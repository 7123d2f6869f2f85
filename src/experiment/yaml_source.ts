/**
 * YAML that people wrote: parsed once, strictly, in linear time, with the place of everything in it.
 *
 * @module
 */

/** Keys and indices from the root of a document to a value. */
export type ValuePath = readonly (string | number)[];

/** A document that was read. */
export interface YamlDocument {
  /** Plain values: `null`, booleans, finite numbers, texts, lists and mappings. */
  readonly value: unknown;
  /**
   * Says where a value stands.
   *
   * @param path Path of the value; where it does not exist, the deepest part that does is taken.
   * @param key `true` to point at the last key of the path instead of its value.
   * @returns `file:line:column`, counted from 1.
   */
  place(path: ValuePath, key?: boolean): string;
}

/**
 * Reads YAML 1.2 (core schema), and refuses what readers disagree on or a configuration cannot mean.
 *
 * @param text The document.
 * @param file Name of the file, for messages.
 * @returns The values and their places; `null` for an empty document.
 * @throws {UsageError} On a syntax error, a duplicate key, a tag, a directive, a second document, a cycle,
 * `__proto__`, a number that is not finite, has leading zeros or does not fit into float32, more than
 * a quarter of a million characters, too deep nesting, or aliases that unfold without end; the message
 * begins with `file:line:column`.
 * @throws {Error} If the parser may not look at the two environment variables that it asks for.
 */
export async function readYaml(text: string, file: string): Promise<YamlDocument> {
  // Loaded here: whoever imports the library and reads no configuration must not pay for a parser.
  const { parseYaml } = await import("./yaml_document.ts");
  return parseYaml(text, file);
}

/**
 * Tells whether a value is a plain mapping.
 *
 * @param value Anything.
 */
export function isMapping(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
