/**
 * YAML that people wrote: parsed strictly, and with the place of an error named.
 *
 * @module
 */
import { parse } from "@std/yaml";
import { UsageError } from "./usage_error.ts";

/** Keys and indices from the root of a document to a value. */
export type ValuePath = readonly (string | number)[];

/** More values than any configuration holds; stops documents whose aliases unfold without end. */
const MAX_VALUES = 100_000;

/**
 * Parses YAML into plain values: null, booleans, finite numbers, texts, lists and mappings.
 *
 * @param text The document.
 * @param file Name of the file, for messages.
 * @returns The value; `null` for an empty document.
 * @throws {UsageError} On a syntax error, a tab in the indentation, a duplicate key, an unknown tag, `.nan`, `.inf`, a number too
 * large, a date, binary data or a cycle; the message begins with `file:line:column`.
 */
export async function parseYaml(text: string, file: string): Promise<unknown> {
  assertNoTabs(text, file);
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new UsageError(syntaxMessage(error, file), { cause: error });
  }
  const fault = findFault(value);
  if (fault) {
    throw new UsageError(`${await placeOf(fault.path, { text, file })}: ${fault.message}`);
  }
  return value;
}

/**
 * Finds where a value stands in a YAML file.
 *
 * @param path Path of the value; where it does not exist, the deepest part that does is found.
 * @param source `text` of the document, `file` for the result, `key`: `true` finds the last key of the
 * path instead of its value.
 * @returns `file:line:column`, counted from 1.
 */
export async function placeOf(
  path: ValuePath,
  source: { readonly text: string; readonly file: string; readonly key?: boolean },
): Promise<string> {
  // Only on the way to an error message: every other run must not pay for a second parser.
  const { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } = await import("yaml");
  const lineCounter = new LineCounter();
  const document = parseDocument(source.text, { lineCounter, logLevel: "silent" });
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const [depth, segment] of path.entries()) {
    const wantsKey = source.key === true && depth === path.length - 1;
    if (isAlias(node)) node = node.resolve(document);
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) =>
        String(isScalar(key) ? key.value : key) === String(segment)
      );
      next = pair && (wantsKey || isEmpty(pair.value) ? pair.key : pair.value);
    } else if (isSeq(node)) {
      next = node.items[Number(segment)];
    }
    const start = (next as { range?: [number, number, number] } | undefined)?.range?.[0];
    if (start === undefined) break;
    offset = start;
    node = next;
  }
  const { line, col } = lineCounter.linePos(offset);
  return `${source.file}:${line}:${col}`;

  function isEmpty(value: unknown): boolean {
    return value === null || (isScalar(value) && value.value === null);
  }
}

/** YAML forbids tabs in indentation; the parser would take them for no indentation at all. */
function assertNoTabs(text: string, file: string): void {
  for (const [index, line] of text.split("\n").entries()) {
    const column = line.match(/^ *\t\s*\S/) ? line.indexOf("\t") + 1 : 0;
    if (column === 0) continue;
    throw new UsageError(
      `${file}:${index + 1}:${column}: found a tab in the indentation, expected spaces.`,
    );
  }
}

/** Puts the place that the parser found in front of its message. */
function syntaxMessage(error: unknown, file: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const found = message.match(/^(.*?) at line (\d+), column (\d+)/s);
  return found ? `${file}:${found[2]}:${found[3]}: ${found[1]}.` : `${file}: ${message}`;
}

/** The first value that YAML allows and a configuration does not. */
function findFault(root: unknown): { path: ValuePath; message: string } | undefined {
  let count = 0;
  return visit(root, [], []);

  function visit(
    value: unknown,
    path: ValuePath,
    parents: readonly unknown[],
  ): { path: ValuePath; message: string } | undefined {
    if (++count > MAX_VALUES) return { path: [], message: `more than ${MAX_VALUES} values.` };
    if (typeof value === "number" && !Number.isFinite(value)) {
      return { path, message: `found ${value}, expected a finite number.` };
    }
    if (typeof value !== "object" || value === null) return undefined;
    if (parents.includes(value)) {
      return { path, message: "an alias refers to a value that it is part of." };
    }
    if (!Array.isArray(value) && !isMapping(value)) {
      return {
        path,
        message:
          `found a ${value.constructor.name}, expected text, a number, a list or a mapping. ` +
          `Quote it to make it text.`,
      };
    }
    for (const [key, item] of Object.entries(value)) {
      if (key === "__proto__") {
        return { path: [...path, key], message: `"${key}" is no valid key.` };
      }
      const segment = Array.isArray(value) ? Number(key) : key;
      const fault = visit(item, [...path, segment], [...parents, value]);
      if (fault) return fault;
    }
    return undefined;
  }
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
