import { crc32, inflateSync } from "node:zlib";
import { checkImageSize, type DecodedImage } from "./decoded_image.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Samples a pixel by colour type: grey, RGB, palette, grey + alpha, RGB + alpha. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

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

/** What the chunks say. */
interface Chunks {
  width: number;
  height: number;
  depth: number;
  colour: number;
  interlaced: boolean;
  palette: Uint8Array;
  data: Uint8Array;
}

function fail(found: string, expected: string): never {
  throw new Error(
    `Cannot decode a PNG image: ${found}, expected ${expected}. The file is damaged: fetch it again.`,
  );
}

/** Reads and checks all chunks. */
function readChunks(bytes: Uint8Array): Chunks {
  if (!SIGNATURE.every((byte, at) => bytes[at] === byte)) fail("another signature", "PNG's");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let header: Uint8Array | undefined;
  let palette: Uint8Array = new Uint8Array(0);
  for (let at = 8;;) {
    const length = at + 12 <= bytes.length ? view.getUint32(at) : Infinity;
    if (at + 12 + length > bytes.length) fail(`a chunk cut off at byte ${at}`, "an IEND chunk");
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) {
      fail(`chunk ${type} with a wrong checksum`, "the CRC-32 of its content");
    }
    if (type === "IHDR") header = data;
    else if (type === "PLTE") palette = data;
    else if (type === "IDAT") parts.push(data);
    else if (type === "IEND") break;
    else if (/^[A-Z]/.test(type)) fail(`critical chunk ${type}`, "IHDR, PLTE, IDAT or IEND");
    at += 12 + length;
  }
  if (header?.length !== 13) fail("no header", "an IHDR chunk of 13 bytes");
  const fields = new DataView(header.buffer, header.byteOffset, 13);
  const [depth, colour, compression, filter, interlace] = header.subarray(8);
  if (!DEPTHS[colour!]?.includes(depth!) || compression !== 0 || filter !== 0 || interlace! > 1) {
    fail(`format ${header.subarray(8).join(", ")}`, "a depth and colour type of the standard");
  }
  const [width, height] = [fields.getUint32(0), fields.getUint32(4)];
  checkImageSize(width, height);
  const data = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let out = 0;
  for (const part of parts) {
    data.set(part, out);
    out += part.length;
  }
  return {
    width,
    height,
    depth: depth!,
    colour: colour!,
    interlaced: interlace === 1,
    palette,
    data,
  };
}

/** Undoes the filter of one row, in place (PNG specification, section 9). */
function unfilter(row: Uint8Array, { kind, above, step }: {
  kind: number;
  above: Uint8Array;
  step: number;
}): void {
  if (kind > 4) fail(`row filter ${kind}`, "0..4");
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
 * Transparency is dropped, not blended; 16-bit samples keep their high byte; gamma is not applied.
 *
 * @param bytes The file.
 * @returns Grey for grey images, otherwise RGB.
 * @throws {Error} If the file is cut short, a checksum is wrong, or the format is not the standard's.
 *
 * @example
 * ```ts
 * import { decodePng } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const base64 =
 *   "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
 * const image = decodePng(Uint8Array.fromBase64(base64));
 * assertEquals([...image.pixels], [255, 0, 0]);
 * ```
 */
export function decodePng(bytes: Uint8Array): DecodedImage {
  const { width, height, depth, colour, interlaced, palette, data } = readChunks(bytes);
  const samples = SAMPLES[colour]!;
  const passes = (interlaced ? ADAM7 : ONE_PASS).map(([left, top, across, down]) => {
    const columns = Math.ceil((width - left) / across);
    const rows = columns > 0 ? Math.max(0, Math.ceil((height - top) / down)) : 0;
    const rowBytes = Math.ceil((columns * samples * depth) / 8);
    return { left, top, across, down, columns, rows, rowBytes };
  });
  const expected = passes.reduce((sum, { rows, rowBytes }) => sum + rows * (1 + rowBytes), 0);
  let inflated: Uint8Array;
  try {
    inflated = inflateSync(data, { maxOutputLength: expected });
  } catch (error) {
    fail(`pixel data that cannot be inflated (${(error as Error).message})`, "a zlib stream");
  }
  if (inflated.length !== expected) {
    fail(`${inflated.length} bytes of pixel data`, `${expected}`);
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
          if (entry + 3 > palette.length) fail(`palette entry ${entry / 3}`, "one of the palette");
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
  return { width, height, channels, pixels };
}
