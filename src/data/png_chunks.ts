import { crc32 } from "node:zlib";
import { checkImageSize } from "./decoded_image.ts";
import { exifOrientation } from "./exif_orientation.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Allowed bits a sample by colour type: grey, RGB, palette, grey + alpha, RGB + alpha. */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/** What the chunks of a PNG file say. */
export interface PngChunks {
  /** Columns, as stored. */
  readonly width: number;
  /** Rows, as stored. */
  readonly height: number;
  /** Bits a sample. */
  readonly depth: number;
  /** Colour type of the standard. */
  readonly colour: number;
  /** Whether rows come in seven passes. */
  readonly interlaced: boolean;
  /** Red, green and blue of every palette entry. */
  readonly palette: Uint8Array;
  /** EXIF orientation, 1 if none is given. */
  readonly orientation: number;
  /** The zlib stream of all image data. */
  readonly data: Uint8Array;
}

/** Throws for a damaged PNG file. */
export function failPng(found: string, expected: string): never {
  throw new Error(
    `Cannot decode a PNG image: ${found}, expected ${expected}. The file is damaged: fetch it again.`,
  );
}

/** Reads the header chunk. */
function readHeader(header: Uint8Array): Omit<PngChunks, "palette" | "orientation" | "data"> {
  if (header.length !== 13) failPng("no header", "an IHDR chunk of 13 bytes");
  const fields = new DataView(header.buffer, header.byteOffset, 13);
  const [depth, colour, compression, filter, interlace] = header.subarray(8);
  if (!DEPTHS[colour!]?.includes(depth!) || compression !== 0 || filter !== 0 || interlace! > 1) {
    failPng(`format ${header.subarray(8).join(", ")}`, "a depth and colour type of the standard");
  }
  const [width, height] = [fields.getUint32(0), fields.getUint32(4)];
  checkImageSize(width, height);
  return { width, height, depth: depth!, colour: colour!, interlaced: interlace === 1 };
}

/** Joins pieces. */
function join(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const data = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let out = 0;
  for (const part of parts) {
    data.set(part, out);
    out += part.length;
  }
  return data;
}

/**
 * Reads and checks all chunks of a PNG file (ISO/IEC 15948, section 5). Frames of an animation
 * beyond the default image, and bytes after the end, are passed over.
 *
 * @param bytes The file.
 * @returns Header, palette, orientation and the compressed image data.
 * @throws {Error} If a chunk is cut off or out of order, a checksum is wrong, or a critical chunk is
 * not of the standard.
 */
export function readPngChunks(bytes: Uint8Array): PngChunks {
  if (!SIGNATURE.every((byte, at) => bytes[at] === byte)) failPng("another signature", "PNG's");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let header: ReturnType<typeof readHeader> | undefined;
  let palette: Uint8Array = new Uint8Array(0);
  let orientation = 1;
  let before = "";
  for (let at = 8;;) {
    const length = at + 12 <= bytes.length ? view.getUint32(at) : Infinity;
    if (at + 12 + length > bytes.length) failPng(`a chunk cut off at byte ${at}`, "an IEND chunk");
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    const place = `chunk ${type} at byte ${at}`;
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) {
      failPng(`${place} with a wrong checksum`, "the CRC-32 of its content");
    }
    if ((type === "IHDR") === (header !== undefined)) {
      failPng(place, header === undefined ? "IHDR first" : "one IHDR");
    }
    if (type === "IHDR") header = readHeader(data);
    else if (type === "PLTE") {
      if (palette.length > 0 || parts.length > 0 || length % 3 !== 0 || length > 768) {
        failPng(`${place} of ${length} bytes`, "one palette of 1 to 256 colours before the image");
      }
      palette = data;
    } else if (type === "IDAT") {
      if (parts.length > 0 && before !== "IDAT") failPng(place, "all IDAT chunks in a row");
      parts.push(data);
    } else if (type === "eXIf") orientation = exifOrientation(data);
    else if (type === "IEND") break;
    else if (/^[A-Z]/.test(type)) failPng(`critical ${place}`, "IHDR, PLTE, IDAT or IEND");
    before = type;
    at += 12 + length;
  }
  if (header === undefined) failPng("no header", "an IHDR chunk of 13 bytes");
  return { ...header, palette, orientation, data: join(parts) };
}
