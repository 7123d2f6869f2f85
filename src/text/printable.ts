/**
 * Text from elsewhere (names in files, keys, paths, messages of a driver) made harmless to show.
 *
 * @module
 */

/**
 * What a terminal or a page obeys instead of showing: control characters (ESC and CSI among them), marks
 * that turn the direction of writing (CVE-2021-42574), separators of lines, halves of surrogate pairs.
 */
const OBEYED = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}]/gu;
const OBEYED_BUT_LINES = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Escapes what a terminal would obey, so that a name can neither colour, move, hide nor forge a line.
 *
 * In JSON such characters stand inside of strings only: escaping JSON text keeps its meaning.
 *
 * @param text Any text, shown within one line.
 * @returns The text with every control character as `\u001b`; line breaks and tabs too.
 *
 * @example
 * ```ts
 * import { printable } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(printable("class \x1b[31mred"), "class \\u001b[31mred");
 * ```
 */
export function printable(text: string): string {
  requireText("printable", text);
  return text.replace(OBEYED, escape);
}

/**
 * Does the same to text of several lines, and keeps their breaks and tabs.
 *
 * @param text Any text.
 * @returns The text; `\r\n` counts as a line break.
 *
 * @example
 * ```ts
 * import { printableLines } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(printableLines("one\r\ntwo\x1b[2J"), "one\ntwo\\u001b[2J");
 * ```
 */
export function printableLines(text: string): string {
  requireText("printableLines", text);
  return text.replaceAll("\r\n", "\n").replace(OBEYED_BUT_LINES, escape);
}

/**
 * Makes a text printable and cuts it where it would fill the screen.
 *
 * @param text Any text.
 * @param length Most characters (default 80).
 */
export function excerpt(text: string, length = 80): string {
  return printable(text.length > length ? `${text.slice(0, length - 3)}...` : text);
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Throws unless a caller without types gives a text. */
function requireText(name: string, found: unknown): void {
  if (typeof found === "string") return;
  throw new TypeError(
    `Cannot call ${name}(): found ${
      found === null ? "null" : `something of type '${typeof found}'`
    }, expected a text. Make it one with String().`,
  );
}
