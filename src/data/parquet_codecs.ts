import type { Compressors } from "hyparquet";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";

/** Compression codecs by their numbers in parquet's metadata; LZO is not in use. */
export const PARQUET_CODECS = [
  "UNCOMPRESSED",
  "SNAPPY",
  "GZIP",
  "LZO",
  "BROTLI",
  "LZ4",
  "ZSTD",
  "LZ4_RAW",
] as const;

/** Name of a codec. */
export type ParquetCodec = typeof PARQUET_CODECS[number];

/**
 * Decompressors of parquet pages, none of which makes more bytes than the page announces.
 *
 * Snappy and LZ4 write into a buffer of that size; the others, whose streams announce sizes of their
 * own, are the runtime's, with a limit.
 *
 * @returns Functions of the compressed bytes and the announced length.
 */
export async function boundedCompressors(): Promise<Compressors> {
  const { compressors: { SNAPPY, LZ4, LZ4_RAW } } = await import("hyparquet-compressors");
  const limited =
    (decompress: (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array) =>
    (input: Uint8Array, length: number) => decompress(input, { maxOutputLength: length });
  return {
    SNAPPY: SNAPPY!,
    LZ4: LZ4!,
    LZ4_RAW: LZ4_RAW!,
    GZIP: limited(gunzipSync),
    BROTLI: limited(brotliDecompressSync),
    ZSTD: limited(zstdDecompressSync),
  };
}
