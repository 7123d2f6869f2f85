import type { Compressors } from "hyparquet";
import { crc32 } from "node:zlib";
import { Fields, type ParquetChunk } from "./parquet_footer.ts";
import { checkRuns } from "./parquet_runs.ts";
import { ThriftReader } from "./thrift_compact.ts";

/** Kinds of page. */
const [DATA, DICTIONARY, DATA_V2] = [0, 2, 3];
/** Encodings of values. */
const PLAIN = 0;
const DICTIONARY_INDICES = [2, 8];
const DELTA_BINARY = 5;
const DELTA_LENGTH = 6;

/** Bytes of a value of the physical types INT32 and INT64. */
const WIDTHS: Readonly<Record<number, number>> = { 1: 4, 2: 8 };
const BYTE_ARRAY = 6;

/** Most unpacked bytes of one column of a row group, which is in memory at a time. */
const MOST_UNPACKED = 1 << 30;

/**
 * Most bytes that one compressed byte can become, for the codecs whose decompressors make room for
 * the announced length at once: a copy of 64 bytes takes three in Snappy, and one more byte adds 255
 * to a copy in LZ4.
 */
const MOST_RATIO: Readonly<Record<string, number>> = { SNAPPY: 22, LZ4: 256, LZ4_RAW: 256 };

/** A page, taken out of its chunk. */
interface Page {
  readonly kind: number;
  readonly header: Fields;
  readonly body: Uint8Array;
  readonly size: number;
}

/** Checks that plain values fill `bytes` exactly. */
function checkPlain(bytes: Uint8Array, { type, count }: { type: number; count: number }): void {
  const width = WIDTHS[type];
  let end = (width ?? 0) * count;
  if (type === BYTE_ARRAY) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let value = 0; value < count; value++) {
      if (end + 4 > bytes.length) throw new Error(`${value} values, expected ${count}`);
      end += 4 + view.getUint32(end, true);
    }
  } else if (width === undefined) throw new Error(`values of type ${type}, expected 1, 2 or 6`);
  if (end !== bytes.length) throw new Error(`${bytes.length} bytes of values, expected ${end}`);
}

/** Checks the header of delta-encoded numbers, on which the decoder's loops depend. */
function checkDelta(bytes: Uint8Array, count: number): void {
  // Values of a block, parts of a block, values in all.
  const header = [0, 0, 0];
  let at = 0;
  for (const index of header.keys()) {
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[at++] ?? 0;
      header[index]! += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
  }
  const each = header[0]! / header[1]!;
  if (header[0]! > 1 << 16 || each < 32 || each % 32 !== 0 || header[2] !== count) {
    throw new Error(
      `delta blocks of ${header[0]} values in ${header[1]} for ${header[2]}, expected ${count}`,
    );
  }
}

/** Checks encoded values. */
function checkValues(bytes: Uint8Array, { chunk, encoding, count, dictionary }: {
  chunk: ParquetChunk;
  encoding: number;
  count: number;
  dictionary: number | undefined;
}): void {
  const { type } = chunk.leaf;
  if (encoding === PLAIN) checkPlain(bytes, { type, count });
  else if (DICTIONARY_INDICES.includes(encoding)) {
    if (dictionary === undefined) throw new Error("indices without a dictionary");
    if (count === 0) return;
    const width = bytes[0] ?? 255;
    if (width > 32) throw new Error(`dictionary indices of ${width} bits`);
    // With no bits all indices are 0.
    const { highest } = width === 0
      ? { highest: 0 }
      : checkRuns(bytes.subarray(1), { width, count, target: -1 });
    if (highest >= dictionary) {
      throw new Error(`dictionary index ${highest}, expected less than ${dictionary}`);
    }
  } else if (encoding === DELTA_BINARY && WIDTHS[type] !== undefined) checkDelta(bytes, count);
  else if (encoding === DELTA_LENGTH && type === BYTE_ARRAY) checkDelta(bytes, count);
  else throw new Error(`values of type ${type} in encoding ${encoding}, which is not supported`);
}

/** Decompresses the part of a page that is compressed. */
function unpack(packed: Uint8Array, { chunk, size, compressors }: {
  chunk: ParquetChunk;
  size: number;
  compressors: Compressors;
}): Uint8Array {
  if (size > (MOST_RATIO[chunk.codec] ?? Infinity) * packed.length) {
    throw new Error(`${size} bytes announced for ${packed.length} compressed ones, expected fewer`);
  }
  const bytes = chunk.codec === "UNCOMPRESSED" ? packed : compressors[chunk.codec]?.(packed, size);
  if (bytes === undefined) throw new Error(`codec ${chunk.codec}, which is not supported`);
  if (bytes.length !== size) throw new Error(`${bytes.length} unpacked bytes, expected ${size}`);
  return bytes;
}

/** Checks a page of values; returns their number, missing ones included. */
function checkData({ kind, header, body, size }: Page, { chunk, dictionary, compressors }: {
  chunk: ParquetChunk;
  dictionary: number | undefined;
  compressors: Compressors;
}): number {
  const second = kind === DATA_V2;
  const data = header.fields(second ? 8 : 5, "page description");
  const values = data.count(1);
  const encoding = data.count(second ? 4 : 2);
  const { definition } = chunk.leaf;
  const width = Math.ceil(Math.log2(definition + 1));
  const present = (levels: Uint8Array) =>
    checkRuns(levels, { width, count: values, target: definition }).equal;
  let count = values;
  let bytes;
  if (second) {
    const levels = data.count(5);
    if (data.count(6) !== 0 || levels > body.length || levels > size) {
      throw new Error(`${levels} and ${data.count(6)} bytes of levels, expected fewer and 0`);
    }
    if (definition > 0) count = present(body.subarray(0, levels));
    if (data.count(2) !== values - count || data.count(3) !== values) {
      throw new Error(`${data.count(3)} rows and ${data.count(2)} nulls, expected ${values}`);
    }
    // Field 7, if false, says that the values are stored as they are.
    const packed = data.flag(7, true);
    const rest = body.subarray(levels);
    bytes = packed ? unpack(rest, { chunk, size: size - levels, compressors }) : rest;
  } else {
    bytes = unpack(body, { chunk, size, compressors });
    if (definition > 0) {
      const length = bytes.length < 4
        ? Infinity
        : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      if (4 + length > bytes.length) throw new Error(`${length} bytes of levels, expected fewer`);
      if (data.count(3) !== 3) throw new Error(`levels in encoding ${data.count(3)}, expected 3`);
      count = present(bytes.subarray(4, 4 + length));
      bytes = bytes.subarray(4 + length);
    }
  }
  checkValues(bytes, { chunk, encoding, count, dictionary });
  return values;
}

/**
 * Checks all pages of one column of a row group, so that what a decoder then does with them is
 * bounded by their size: page sizes, checksums where the writer gave them, levels, dictionary
 * indices, lengths of values, and their number.
 *
 * @param bytes The chunk.
 * @param chunk What the footer says about it.
 * @param compressors Decompressors that make no more bytes than they are told.
 * @throws {Error} If anything contradicts; the message names column, page and place in the file.
 */
export function checkParquetPages(
  bytes: Uint8Array,
  chunk: ParquetChunk,
  compressors: Compressors,
): void {
  const { leaf, start } = chunk;
  const name = leaf.path.join(".");
  if (leaf.repeated) throw new Error(`column ${name} is a list, expected one value a row`);
  let [at, page, values, unpacked] = [0, 0, 0, 0];
  let dictionary: number | undefined;
  while (at < bytes.length) {
    const place = `page ${page} of column ${name} at byte ${start + at}`;
    try {
      const reader = new ThriftReader(bytes, at);
      const header = new Fields(reader.struct(), "page header");
      const [kind, size, packed] = [header.count(1), header.count(2), header.count(3)];
      at = reader.offset + packed;
      if (at > bytes.length) throw new Error(`${packed} bytes, which do not fit into the column`);
      unpacked += size;
      if (unpacked > MOST_UNPACKED) {
        throw new Error(`${unpacked} unpacked bytes, expected at most ${MOST_UNPACKED}`);
      }
      const body = bytes.subarray(reader.offset, at);
      if (header.has(4) && (crc32(body) | 0) !== header.integer(4)) {
        throw new Error("a wrong checksum");
      }
      if (kind === DICTIONARY) {
        if (page !== 0) throw new Error("a dictionary that is not the first page");
        dictionary = header.fields(7, "dictionary description").count(1);
        const plain = unpack(body, { chunk, size, compressors });
        checkPlain(plain, { type: leaf.type, count: dictionary });
      } else if (kind === DATA || kind === DATA_V2) {
        values += checkData({ kind, header, body, size }, { chunk, dictionary, compressors });
      } else throw new Error(`kind ${kind}, expected values or a dictionary`);
    } catch (error) {
      throw new Error(`${place}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
    page++;
  }
  if (values !== chunk.values) {
    throw new Error(`column ${name} has ${values} values in its pages, expected ${chunk.values}`);
  }
}
