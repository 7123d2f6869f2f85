/**
 * Arrays that were read to the host, as pictures or as a table with colours.
 *
 * @module
 */
import { formatAval } from "../ir/aval.ts";
import type { HostArray } from "../ir/host_array.ts";
import { pictureGrid } from "../report/picture_grid.ts";
import type { MimeBundle } from "./displayable.ts";
import { tableForms } from "./html_table.ts";
import { pictureForms } from "./show_picture.ts";

/** What of a large array is shown. */
const MOST_ROWS = 16;
const MOST_COLUMNS = 12;
const MOST_PICTURES = 12;

/**
 * Makes the forms of an array. `[n, height, width, channels]` of 1 or 3 channels with values from 0 to 1 are
 * images and become a picture; everything else becomes a table whose last axis runs along its rows.
 *
 * @param array The array.
 */
export function arrayForms(array: HostArray): MimeBundle {
  return isImages(array) ? imageForms(array) : numberForms(array);
}

function isImages({ shape, data, dtype }: HostArray): boolean {
  const [, height = 0, width = 0, channels = 0] = shape;
  return dtype === "f32" && shape.length === 4 && data.length > 0 && height > 1 && width > 1 &&
    (channels === 1 || channels === 3) && data.every((value) => value >= 0 && value <= 1);
}

function imageForms(array: HostArray): MimeBundle {
  const [count = 0, ...extents] = array.shape;
  const shown = Math.min(count, MOST_PICTURES);
  const data = array.data.subarray(0, shown * array.data.length / count);
  const title = `${shown} of ${count} images, ${extents.join(" x ")}`;
  const grid = pictureGrid({
    ...{ title, cell: Math.min(96, Math.max(32, extents[0]!)) },
    rows: { images: { shape: [shown, ...extents], data } },
  });
  return pictureForms(grid, title);
}

function numberForms(array: HostArray): MimeBundle {
  const { shape, data } = array;
  const columns = shape.at(-1) ?? 1;
  const rows = columns === 0 ? 0 : data.length / columns;
  const most = Array.from(data, Math.abs).reduce((best, value) => Math.max(best, value), 0);
  const shown = Array.from(
    { length: Math.min(rows, MOST_ROWS) },
    (_, row) => [...data.subarray(row * columns, row * columns + Math.min(columns, MOST_COLUMNS))],
  );
  const cut = rows > MOST_ROWS || columns > MOST_COLUMNS
    ? `, its first ${shown.length} of ${rows} rows and ${
      Math.min(columns, MOST_COLUMNS)
    } of ${columns} columns`
    : "";
  return tableForms({
    caption: `${formatAval(array)}${cut}`,
    heads: [],
    rows: shown.map((row) => row.map((value) => String(Number(value.toPrecision(4))))),
    heat: shown.map((row) => row.map((value) => most > 0 ? value / most : 0)),
  });
}
