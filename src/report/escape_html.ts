/**
 * Text in HTML.
 *
 * @module
 */
import { printableLines } from "../text/printable.ts";

/**
 * Escapes text for HTML and SVG, in elements and in quoted attributes; control characters are made visible.
 *
 * @param text Any text.
 */
export function escapeHtml(text: string): string {
  return printableLines(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}
