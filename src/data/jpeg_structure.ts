import { exifOrientation } from "./exif_orientation.ts";

/** What the segments of a JPEG file say. */
export interface JpegStructure {
  /** Columns, as stored. */
  readonly width: number;
  /** Rows, as stored. */
  readonly height: number;
  /** Colour components: 1 (grey), 3 or 4 (CMYK). */
  readonly components: number;
  /** EXIF orientation, 1 if none is given. */
  readonly orientation: number;
}

/** Throws for a damaged JPEG file. */
export function failJpeg(found: string, expected: string): never {
  throw new Error(
    `Cannot decode a JPEG image: ${found}, expected ${expected}. The file is damaged: fetch it again.`,
  );
}

/**
 * Most pixels of a byte: every 8 x 8 block of the finest component takes at least one bit, the
 * shortest Huffman code of its mean.
 */
const PIXELS_A_BYTE = 512;

/** Most scans; a script of a progressive image has about ten, each a pass over the whole image. */
const MOST_SCANS = 128;

/** Markers without a length: TEM and RST0 to RST7. */
const bare = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

/** Reads a frame header (ITU-T T.81, B.2.2). */
function readFrame(bytes: Uint8Array, { at, length, marker }: {
  at: number;
  length: number;
  marker: number;
}): Omit<JpegStructure, "orientation"> {
  if (marker > 0xc2) fail("another process", "baseline or progressive coding with Huffman codes");
  if (length < 8) fail(`${length} bytes`, "at least 8");
  const [precision, components] = [bytes[at + 2]!, bytes[at + 7]!];
  const height = (bytes[at + 3]! << 8) | bytes[at + 4]!;
  const width = (bytes[at + 5]! << 8) | bytes[at + 6]!;
  if (precision !== 8) fail(`${precision} bits a sample`, "8");
  if (![1, 3, 4].includes(components)) fail(`${components} components`, "1, 3 or 4");
  if (length !== 8 + 3 * components) fail(`${length} bytes`, `${8 + 3 * components}`);
  if (width * height > PIXELS_A_BYTE * bytes.length) {
    fail(
      `${width} x ${height} pixels in ${bytes.length} bytes`,
      `at most ${PIXELS_A_BYTE} pixels a byte`,
    );
  }
  return { width, height, components };

  function fail(found: string, expected: string): never {
    failJpeg(`frame header at byte ${at} with ${found}`, expected);
  }
}

/**
 * Checks Huffman tables: decoders take any symbols, but only some have a meaning, and each once. As
 * tables of most files have all that have one, a changed symbol shows itself.
 */
function checkHuffman(segment: Uint8Array, place: number): void {
  for (let at = 0; at < segment.length;) {
    const kind = segment[at]!;
    const start = at + 17;
    let end = start;
    for (const count of segment.subarray(at + 1, start)) end += count;
    const seen = new Set<number>();
    for (let symbol = start; symbol < Math.min(end, segment.length); symbol++) {
      const value = segment[symbol]!;
      // Bits of a difference of means, or zeros before a coefficient and its bits (T.81, F.1.2).
      const most = kind < 16 ? value <= 11 : (value & 15) <= 10;
      if (!most || seen.has(value)) {
        failJpeg(
          `symbol ${value} at byte ${place + symbol} of a Huffman table`,
          "others, once each",
        );
      }
      seen.add(value);
    }
    if (end > segment.length) {
      failJpeg(`a Huffman table cut off at byte ${place + at}`, "whole ones");
    }
    at = end;
  }
}

/** Checks that no quantization table has a step of 0, of which decoders make something. */
function checkQuantization(segment: Uint8Array, place: number): void {
  for (let at = 0; at < segment.length;) {
    const wide = segment[at]! >> 4 === 1;
    const end = at + 1 + (wide ? 128 : 64);
    if (end > segment.length) {
      failJpeg(`a quantization table cut off at byte ${place + at}`, "whole ones");
    }
    const steps = segment.subarray(at + 1, end);
    const zero = steps.findIndex((byte, index) =>
      wide ? index % 2 === 0 && byte === 0 && steps[index + 1] === 0 : byte === 0
    );
    if (zero >= 0) {
      failJpeg(`a quantization step of 0 at byte ${place + at + 1 + zero}`, "1 or more");
    }
    at = end;
  }
}

/** Where coded data that start at `from` end: at the next marker but stuffed ff and restarts. */
function endOfScan(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next !== 0 && next !== 0xff && next !== undefined && !bare(next)) return at;
  }
  return bytes.length;
}

/**
 * Walks over all segments of a JPEG file up to its end marker.
 *
 * The walk takes time in proportion to the file, and what it accepts has a size in proportion to the
 * file. Bytes after the end marker (a second image of an MPO file, padding) are not looked at.
 *
 * @param bytes The file.
 * @returns Size, number of components and orientation.
 * @throws {Error} If a segment is cut off or out of place, there is no end marker, or the image
 * could not fit into so few bytes; the message names the byte.
 */
export function inspectJpeg(bytes: Uint8Array): JpegStructure {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) failJpeg("another signature", "the bytes ff d8");
  let frame: Omit<JpegStructure, "orientation"> | undefined;
  let orientation: number | undefined;
  let scans = 0;
  for (let at = 2; at + 2 <= bytes.length;) {
    if (bytes[at] !== 0xff) failJpeg(`byte ${bytes[at]} at ${at}`, "a marker (ff)");
    const marker = bytes[at + 1]!;
    if (marker === 0xff || bare(marker)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    if (marker === 0xd9) {
      if (frame === undefined || scans === 0) failJpeg("no image data", "a start-of-scan marker");
      return { ...frame, orientation: orientation ?? 1 };
    }
    const start = at + 2;
    const length = start + 2 <= bytes.length ? (bytes[start]! << 8) | bytes[start + 1]! : Infinity;
    if (marker < 0xc0 || marker === 0xd8 || length < 2 || start + length > bytes.length) {
      failJpeg(`segment ${marker.toString(16)} at byte ${at} of ${length} bytes`, "a whole one");
    }
    at = start + length;
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      if (frame !== undefined) failJpeg(`a second frame header at byte ${start - 2}`, "one");
      frame = readFrame(bytes, { at: start, length, marker });
    } else if (marker === 0xc4) checkHuffman(bytes.subarray(start + 2, at), start + 2);
    else if (marker === 0xdb) checkQuantization(bytes.subarray(start + 2, at), start + 2);
    else if (marker === 0xe1 && orientation === undefined) {
      const content = bytes.subarray(start + 2, at);
      const isExif = "Exif\0\0".split("").every((char, i) => content[i] === char.charCodeAt(0));
      if (isExif) orientation = exifOrientation(content.subarray(6));
    } else if (marker === 0xda) {
      if (frame === undefined) failJpeg("no frame header", "one before the image data");
      if (++scans > MOST_SCANS) failJpeg(`more than ${MOST_SCANS} scans`, "fewer");
      at = endOfScan(bytes, at);
    }
  }
  if (scans === 0) failJpeg("no image data", "a start-of-scan marker");
  failJpeg("no end marker", "ff d9: the image is cut short");
}
