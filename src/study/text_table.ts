/**
 * Tables for a terminal.
 *
 * @module
 */
import { printable } from "../text/printable.ts";

/** A table of texts. */
export interface TextTable {
  /** Names of the columns. */
  readonly heads: readonly string[];
  /** One text a column in each. */
  readonly rows: readonly (readonly string[])[];
}

/**
 * Writes a table with columns as wide as their longest text; columns of numbers stand to the right.
 *
 * @param table Heads and rows.
 * @returns Lines joined by line breaks.
 */
export function formatTable({ heads, rows }: TextTable): string {
  const all = [heads, ...rows].map((row) => row.map(printable));
  const widths = heads.map((_, column) =>
    Math.max(...all.map((row) => [...row[column] ?? ""].length))
  );
  const numeric = heads.map((_, column) =>
    rows.length > 0 &&
    rows.every((row) => /^([-+]?[\d.,]+( ?[a-zA-Z%]{1,2})?|–|)$/.test(row[column] ?? ""))
  );
  return all.map((row) =>
    row.map((text, column) =>
      numeric[column]
        ? " ".repeat(widths[column]! - [...text].length) + text
        : text + " ".repeat(widths[column]! - [...text].length)
    ).join("  ").trimEnd()
  ).join("\n");
}
