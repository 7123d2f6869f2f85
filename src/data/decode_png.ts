import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { inflateSync } from "node:zlib";
import type { DecodedImage } from "./decoded_image.ts";
import { orient } from "./exif_orientation.ts";
import { failPng, readPngChunks } from "./png_chunks.ts";

/** Samples a pixel by colour type: grey, RGB, palette, grey + alpha, RGB + alpha. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Most bytes that one byte of a deflate stream can become (RFC 1951: 258 for two bits). */
const DEFLATE_RATIO = 1032;

/** The seven passes of interlacing: first column and row, column and row step. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
const ONE_PASS = [[0, 0, 1, 1]] as const;

/** Undoes the filter of one row, in place (PNG specification, section 9). */
function unfilter(row: Uint8Array, { kind, above, step }: {
  kind: number;
  above: Uint8Array;
  step: number;
}): void {
  if (kind > 4) failPng(`row filter ${kind}`, "0..4");
  if (kind === 0) return;
  for (let at = 0; at < row.length; at++) {
    const left = at >= step ? row[at - step]! : 0;
    const up = above[at]!;
    if (kind === 1) row[at]! += left;
    else if (kind === 2) row[at]! += up;
    else if (kind === 3) row[at]! += (left + up) >> 1;
    else {
      const corner = at >= step ? above[at - step]! : 0;
      const toLeft = Math.abs(up - corner);
      const toUp = Math.abs(left - corner);
      const toCorner = Math.abs(left + up - 2 * corner);
      row[at]! += toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }
  }
}

/** Reads sample `index` of a row as a byte; `raw` keeps small depths unscaled (palette indices). */
function sample(row: Uint8Array, { index, depth, raw }: {
  index: number;
  depth: number;
  raw: boolean;
}): number {
  if (depth === 8) return row[index]!;
  if (depth === 16) return row[index * 2]!;
  const bit = index * depth;
  const value = (row[bit >> 3]! >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
  return raw ? value : (value * 255) / ((1 << depth) - 1);
}

/**
 * Decodes a PNG image of any colour type and depth, interlaced or not (ISO/IEC 15948).
 *
 * Transparency is dropped, not blended; 16-bit samples keep their high byte; gamma is not applied; of
 * an animation the default image is decoded. The EXIF orientation (chunk eXIf) is applied.
 *
 * @param bytes The file.
 * @returns Grey for grey images, otherwise RGB.
 * @throws {Error} If the file is cut short, a checksum is wrong, or the format is not the standard's.
 *
 * @example
 * ```ts
 * import { decodePng } from "@mutasesumele/toolkit/data";
 * import { assertEquals } from "@std/assert";
 *
 * const base64 =
 *   "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
 * const image = decodePng(Uint8Array.fromBase64(base64));
 * assertEquals([...image.pixels], [255, 0, 0]);
 * ```
 */
export function decodePng(bytes: Uint8Array): DecodedImage {
  requireArguments("decodePng", { bytes }, { bytes: is.bytes });
  const { width, height, depth, colour, interlaced, palette, orientation, data } = readPngChunks(
    bytes,
  );
  const samples = SAMPLES[colour]!;
  const passes = (interlaced ? ADAM7 : ONE_PASS).map(([left, top, across, down]) => {
    const columns = Math.ceil((width - left) / across);
    const rows = columns > 0 ? Math.max(0, Math.ceil((height - top) / down)) : 0;
    const rowBytes = Math.ceil((columns * samples * depth) / 8);
    return { left, top, across, down, columns, rows, rowBytes };
  });
  const expected = passes.reduce((sum, { rows, rowBytes }) => sum + rows * (1 + rowBytes), 0);
  if (expected > DEFLATE_RATIO * data.length) {
    failPng(`${width} x ${height} pixels in ${data.length} bytes of data`, "more bytes");
  }
  let inflated: Uint8Array;
  try {
    inflated = inflateSync(data, { maxOutputLength: expected });
  } catch (error) {
    failPng(`pixel data that cannot be inflated (${(error as Error).message})`, "a zlib stream");
  }
  if (inflated.length !== expected) {
    failPng(`${inflated.length} bytes of pixel data`, `${expected}`);
  }
  const channels = colour === 0 || colour === 4 ? 1 : 3;
  const pixels = new Uint8Array(width * height * channels);
  const step = Math.max(1, (samples * depth) >> 3);
  let at = 0;
  for (const { left, top, across, down, columns, rows, rowBytes } of passes) {
    let above: Uint8Array = new Uint8Array(rowBytes);
    for (let row = 0; row < rows; row++) {
      const line = inflated.subarray(at + 1, at + 1 + rowBytes);
      unfilter(line, { kind: inflated[at]!, above, step });
      at += 1 + rowBytes;
      above = line;
      for (let column = 0; column < columns; column++) {
        const out = ((top + row * down) * width + left + column * across) * channels;
        if (colour === 3) {
          const entry = 3 * sample(line, { index: column, depth, raw: true });
          if (entry + 3 > palette.length) {
            failPng(`palette entry ${entry / 3}`, "one of the palette");
          }
          pixels.set(palette.subarray(entry, entry + 3), out);
        } else {
          for (let channel = 0; channel < channels; channel++) {
            const index = column * samples + channel;
            pixels[out + channel] = sample(line, { index, depth, raw: false });
          }
        }
      }
    }
  }
  return orient({ width, height, channels, pixels }, orientation);
}
