/**
 * Lists of records, and trees of arrays such as the parameters of a model, as tables.
 *
 * @module
 */
import type { HostArray } from "../ir/host_array.ts";
import type { MimeBundle } from "./displayable.ts";
import { tableForms } from "./html_table.ts";

/** A row of a table: one value a column. */
export type TableRow = Readonly<Record<string, number | string | boolean | null>>;

/** Rows that are shown of a long table. */
const MOST_ROWS = 200;

/** Whether something is a row. */
export function isRow(found: unknown): found is TableRow {
  return typeof found === "object" && found !== null && !Array.isArray(found) &&
    Object.keys(found).length > 0 &&
    Object.values(found).every((value) =>
      value === null || ["number", "string", "boolean"].includes(typeof value)
    );
}

/**
 * Makes the forms of a list of rows; a row without one of the columns has an empty cell there.
 *
 * @param rows The rows.
 */
export function rowForms(rows: readonly TableRow[]): MimeBundle {
  const heads = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const shown = rows.slice(0, MOST_ROWS);
  const cut = shown.length < rows.length ? `, the first ${shown.length}` : "";
  return tableForms({
    caption: `${rows.length} rows${cut}`,
    heads,
    rows: shown.map((row) =>
      heads.map((head) => {
        const value = row[head];
        return typeof value === "number" ? short(value) : String(value ?? "");
      })
    ),
  });
}

/**
 * Makes the forms of arrays by their paths: extents, and the mean, the deviation and the ends of their numbers.
 *
 * @param arrays The arrays.
 */
export function treeForms(arrays: ReadonlyMap<string, HostArray>): MimeBundle {
  const count = [...arrays.values()].reduce((sum, { data }) => sum + data.length, 0);
  return tableForms({
    caption: `${arrays.size} arrays, ${count} numbers`,
    heads: ["path", "type", "shape", "mean", "deviation", "least", "most"],
    rows: Array.from(arrays, ([path, { dtype, shape, data }]) => [
      path,
      dtype,
      shape.join(" x ") || "scalar",
      ...summary(data),
    ]),
  });
}

function summary(data: HostArray["data"]): string[] {
  if (data.length === 0) return ["", "", "", ""];
  let [sum, least, most] = [0, Infinity, -Infinity];
  for (const value of data) {
    sum += value;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const mean = sum / data.length;
  let squares = 0;
  for (const value of data) squares += (value - mean) ** 2;
  return [mean, Math.sqrt(squares / data.length), least, most].map(short);
}

function short(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}
