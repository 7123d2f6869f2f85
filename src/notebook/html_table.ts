/**
 * Tables for notebooks, as HTML and as text.
 *
 * @module
 */
import { escapeHtml } from "../report/escape_html.ts";
import { formatTable, type TextTable } from "../study/text_table.ts";
import type { MimeBundle } from "./displayable.ts";

/** A table, and the colours behind its cells. */
export interface ShownTable extends TextTable {
  /** What the table is. */
  readonly caption: string;
  /** Strength of each cell, from -1 to 1: blue above 0, red below; none unless told. */
  readonly heat?: readonly (readonly number[])[];
}

/**
 * Makes the forms of a table.
 *
 * @param table Heads, rows of texts, and colours.
 */
export function tableForms({ caption, heads, rows, heat }: ShownTable): MimeBundle {
  const cell = (text: string, row: number, column: number): string => {
    const strength = heat?.[row]?.[column];
    const color = strength === undefined || !Number.isFinite(strength)
      ? ""
      : ` style="background: rgba(${strength < 0 ? "214, 72, 54" : "59, 130, 196"}, ${
        (0.55 * Math.min(1, Math.abs(strength))).toFixed(3)
      })"`;
    return `<td${color}>${escapeHtml(text)}</td>`;
  };
  const head = heads.length === 0
    ? ""
    : `<thead><tr>${heads.map((text) => `<th>${escapeHtml(text)}</th>`).join("")}</tr></thead>`;
  const body = rows.map((row, at) =>
    `<tr>${row.map((text, k) => cell(text, at, k)).join("")}</tr>`
  );
  return {
    "text/plain": `${caption}\n${formatTable({ heads, rows })}`,
    "text/html": `<table><caption>${escapeHtml(caption)}</caption>${head}<tbody>${
      body.join("")
    }</tbody></table>`,
  };
}
