/**
 * Tables for the terminal that are markdown at the same time.
 *
 * @module
 */

/**
 * Formats a markdown table with aligned columns.
 *
 * @param head Names of the columns.
 * @param rows The cells.
 * @param left How many of the first columns hold text, aligned to the left.
 */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  left = 1,
): string {
  const widths = head.map((name, k) =>
    Math.max(3, name.length, ...rows.map((row) => row[k]!.length))
  );
  const line = (cells: readonly string[]): string =>
    `| ${
      cells.map((cell, k) => k < left ? cell.padEnd(widths[k]!) : cell.padStart(widths[k]!)).join(
        " | ",
      )
    } |`;
  const rule = widths.map((width, k) => k < left ? "-".repeat(width) : "-".repeat(width - 1) + ":");
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

/** A number with three digits that count. */
export function digits(value: number): string {
  if (value >= 100) return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ",");
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
