/**
 * Pictures side by side in one PNG file, with labels.
 *
 * @example Two grey pixels
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pictureGrid } from "@mutasesumele/toolkit/report/pictures";
 *
 * const rows = { seen: { shape: [2, 1, 1, 1], data: [0, 1] } };
 * const { png } = pictureGrid({ title: "Seen", rows, cell: 8 });
 * assertEquals(png.subarray(1, 4), new TextEncoder().encode("PNG"));
 * ```
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { encode } from "fast-png";
import { drawText, LETTER_HEIGHT, LETTER_WIDTH } from "./pixel_text.ts";

/** Pictures of one size, as a program computes them. */
export interface PictureValues {
  /** `[n, height, width, channels]`, of 1 or 3 channels. */
  readonly shape: readonly number[];
  /** Values in that order; 0 is black and 1 is white. */
  readonly data: ArrayLike<number>;
}

/** What is drawn. */
export interface PictureGridOptions {
  /** A text on top, in as many lines as it takes. */
  readonly title: string;
  /** Rows of pictures by their labels; each has the same number of pictures. */
  readonly rows: Readonly<Record<string, PictureValues>>;
  /** Height and width of the square that a picture is fitted into, in pixels. */
  readonly cell: number;
}

/** A PNG file and its extents. */
export interface EncodedPicture {
  /** The bytes of the file. */
  readonly png: Uint8Array;
  /** Columns of pixels. */
  readonly width: number;
  /** Rows of pixels. */
  readonly height: number;
}

const GAP = 4;
const BACKGROUND = 255;
const INK = 30;
/** What cannot be shown: a value that is not finite. */
const NOT_FINITE = [255, 0, 255] as const;

/**
 * Lays pictures out in rows with their labels, and encodes them as a PNG file.
 *
 * Values below 0 are black, above 1 white, and what is not finite is magenta. Pictures are averaged
 * where they are made smaller, and keep their pixels where they are made larger.
 *
 * @param options Title, rows, size of a picture.
 * @returns The file; the same values give the same bytes.
 * @throws {RangeError} If there is no picture, rows differ in their number, or a picture has neither 1
 *   nor 3 channels.
 *
 * @example
 * ```ts
 * import { pictureGrid } from "@mutasesumele/toolkit/report/pictures";
 * import { assertEquals } from "@std/assert";
 *
 * const pictures = { shape: [2, 1, 1, 1], data: [0, 1] };
 * const { png, width } = pictureGrid({ title: "two", rows: { input: pictures }, cell: 32 });
 * assertEquals([...png.subarray(1, 4)], [..."PNG"].map((letter) => letter.charCodeAt(0)));
 * assertEquals(width, 2 * 4 + 5 * 6 + 2 * (32 + 4));
 * ```
 */
export function pictureGrid(options: PictureGridOptions): EncodedPicture {
  requireOptions("pictureGrid", options, {
    title: is.text,
    rows: is.recordOf(is.objectWith({ shape: is.list, data: is.list }, "pictures")),
    cell: is.number,
  });
  const { title, rows, cell } = options;
  const entries = Object.entries(rows);
  const count = entries[0]?.[1].shape[0] ?? 0;
  for (const [label, { shape }] of entries) {
    if (count > 0 && shape.length === 4 && shape[0] === count && [1, 3].includes(shape[3]!)) {
      continue;
    }
    throw new RangeError(
      `Cannot draw the row "${label}" of pictures [${shape.join(", ")}]: expected ${
        count || "some"
      } ` +
        `pictures of 1 or 3 channels.`,
    );
  }
  if (count === 0 || !Number.isInteger(cell) || cell < 1) {
    throw new RangeError(
      `Cannot draw ${count} pictures in cells of ${cell} pixels: expected a picture, and a whole ` +
        `size from 1.`,
    );
  }
  // Letters of twice the size where pictures are large.
  const scale = cell >= 96 ? 2 : 1;
  const labels = 2 * GAP +
    scale * LETTER_WIDTH * Math.max(...entries.map(([label]) => label.length));
  const width = labels + count * (cell + GAP);
  const lines = linesOf(title, Math.floor((width - 2 * GAP) / (scale * LETTER_WIDTH)));
  const lineHeight = scale * LETTER_HEIGHT + GAP;
  const top = GAP + lines.length * lineHeight;
  const height = top + entries.length * (cell + GAP);
  const canvas = new Canvas(width, height);
  lines.forEach((line, k) => canvas.write(line, { x: GAP, y: GAP + k * lineHeight, scale }));
  entries.forEach(([label, values], row) => {
    const y = top + row * (cell + GAP);
    const middle = y + Math.floor((cell - scale * LETTER_HEIGHT) / 2);
    canvas.write(label, { x: GAP, y: Math.max(y, middle), scale });
    for (let k = 0; k < count; k++) {
      canvas.paste(values, { picture: k, x: labels + k * (cell + GAP), y, cell });
    }
  });
  const png = encode({ width, height, data: canvas.pixels, channels: 3, depth: 8 });
  return { png, width, height };
}

/** A text in lines of at most so many characters, between words where that is possible. */
function linesOf(text: string, most: number): string[] {
  const lines: string[] = [];
  for (let word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) {
      lines[lines.length - 1] = `${last} ${word}`;
      continue;
    }
    for (; word.length > most; word = word.slice(most)) lines.push(word.slice(0, most));
    lines.push(word);
  }
  return lines;
}

/** Pixels that are drawn on. */
class Canvas {
  readonly pixels: Uint8Array;

  constructor(readonly width: number, height: number) {
    this.pixels = new Uint8Array(width * height * 3).fill(BACKGROUND);
  }

  write(
    text: string,
    { x, y, scale }: { readonly x: number; readonly y: number; readonly scale: number },
  ): void {
    drawText(text, (row, column) => {
      for (let k = 0; k < scale * scale; k++) {
        const [down, right] = [Math.floor(k / scale), k % scale];
        const at = (y + row * scale + down) * this.width + x + column * scale + right;
        this.pixels.fill(INK, 3 * at, 3 * at + 3);
      }
    });
  }

  paste(
    { shape, data }: PictureValues,
    { picture, x, y, cell }: {
      readonly picture: number;
      readonly x: number;
      readonly y: number;
      readonly cell: number;
    },
  ): void {
    const [, height, width, channels] = shape as [number, number, number, number];
    const ratio = Math.max(height, width) / cell;
    const [rows, columns] = [height, width].map((size) => Math.max(1, Math.round(size / ratio)));
    const box = (k: number, size: number): [number, number] => {
      const from = Math.min(Math.floor(k * ratio), size - 1);
      return [from, Math.min(Math.max(from + 1, Math.round((k + 1) * ratio)), size)];
    };
    // In the middle of the cell.
    const [left, up] = [Math.floor((cell - columns!) / 2), Math.floor((cell - rows!) / 2)];
    for (let row = 0; row < rows!; row++) {
      const [top, bottom] = box(row, height);
      for (let column = 0; column < columns!; column++) {
        const [first, end] = box(column, width);
        const mean = [0, 0, 0];
        for (let v = top; v < bottom; v++) {
          for (let u = first; u < end; u++) {
            const from = ((picture * height + v) * width + u) * channels;
            for (let c = 0; c < 3; c++) mean[c]! += data[from + c % channels]!;
          }
        }
        const pixels = (bottom - top) * (end - first);
        const at = 3 * ((y + up + row) * this.width + x + left + column);
        for (let c = 0; c < 3; c++) {
          this.pixels[at + c] = mean.every(Number.isFinite)
            ? Math.round(255 * Math.min(1, Math.max(0, mean[c]! / pixels)))
            : NOT_FINITE[c]!;
        }
      }
    }
  }
}
