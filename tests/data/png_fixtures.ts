import { crc32, deflateSync } from "node:zlib";

/** A chunk of a PNG file with its checksum. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(12 + data.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  chunk.set(new TextEncoder().encode(type), 4);
  chunk.set(data, 8);
  view.setUint32(8 + data.length, crc32(chunk.subarray(4, 8 + data.length)));
  return chunk;
}

/** Puts chunks after the signature. */
export function pngFile(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return new Uint8Array([signature, ...chunks].flatMap((part) => [...part]));
}

/** The header chunk of a grey image. */
export function pngHeader(width: number, height: number, depth: number): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = depth;
  return pngChunk("IHDR", header);
}

/** A grey image of one bit a pixel. */
export function png(
  width: number,
  height: number,
  bit: (x: number, y: number) => number,
): Uint8Array<ArrayBuffer> {
  const bytes = 1 + Math.ceil(width / 8);
  const rows = new Uint8Array(height * bytes);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows[y * bytes + 1 + (x >> 3)]! |= bit(x, y) << (7 - (x & 7));
  }
  const data = new Uint8Array(deflateSync(rows));
  const end = pngChunk("IEND", new Uint8Array(0));
  return pngFile([pngHeader(width, height, 1), pngChunk("IDAT", data), end]);
}
