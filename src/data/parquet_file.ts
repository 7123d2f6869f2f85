import type { AsyncBuffer } from "hyparquet";
import { boundedCompressors } from "./parquet_codecs.ts";
import { type ParquetChunk, type ParquetFooter, parseParquetFooter } from "./parquet_footer.ts";
import { checkParquetPages } from "./parquet_pages.ts";
import { openRegularFile } from "./regular_file.ts";

/** A parquet file that is open for reading. */
export interface ParquetFile extends Disposable {
  /** Path. */
  readonly path: string;
  /** Number of rows of every row group. */
  readonly groups: readonly number[];
  /** Names of the top-level columns. */
  readonly columns: readonly string[];
  /** Feature descriptions that the `datasets` library of Hugging Face writes, if any. */
  readonly features: Readonly<Record<string, unknown>>;
  /**
   * Tells the least and the greatest value of a column of whole numbers, if the writer noted them.
   *
   * @param column Name of a top-level column.
   * @param group Number of the row group.
   */
  bounds(column: string, group: number): { least: bigint; greatest: bigint } | undefined;
  /**
   * Reads the first rows of a row group.
   *
   * @param columns Names of top-level columns, each a single value or a struct of such.
   * @param group Number of the group.
   * @param count How many rows.
   */
  read(columns: string[], group: number, count: number): Promise<Record<string, unknown>[]>;
}

/** `PAR1`, the first and the last four bytes. */
const MAGIC = 0x31524150;

/** Longest accepted footer. */
const MOST_FOOTER = 1 << 26;

/** Longest accepted column of a row group, which is in memory at a time. */
const MOST_CHUNK = 1 << 30;

/** Most rows of a row group; writers put up to about a million into one. */
const MOST_ROWS = 1 << 21;

/** Value of a statistic of an INT32 or INT64 column. */
function wholeNumber(bytes: Uint8Array, type: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length !== 4 * type) throw new Error(`a statistic of ${bytes.length} bytes`);
  return type === 1 ? BigInt(view.getInt32(0, true)) : view.getBigInt64(0, true);
}

/** Features from the key-value metadata; a file without them, or with others, has none. */
function readFeatures(texts: ReadonlyMap<string, string>): Record<string, unknown> {
  const text = texts.get("huggingface");
  if (!text) return {};
  try {
    return JSON.parse(text)?.info?.features ?? {};
  } catch (error) {
    throw new Error(`its "huggingface" metadata are not JSON (${(error as Error).message})`, {
      cause: error,
    });
  }
}

/** Reads a slice in one go: the parquet library asks for several slices at once. */
function readSlice(file: Deno.FsFile, { start, end }: { start: number; end: number }): ArrayBuffer {
  const bytes = new Uint8Array(end - start);
  file.seekSync(start, Deno.SeekMode.Start);
  for (let at = 0; at < bytes.length;) {
    const read = file.readSync(bytes.subarray(at));
    if (read === null) throw new Error(`the file ends at byte ${start + at}`);
    at += read;
  }
  return bytes.buffer;
}

/** Reads the footer and its last eight bytes. */
function readFooter(file: Deno.FsFile, size: number): { tail: ArrayBuffer; footer: ParquetFooter } {
  if (size < 12) throw new Error(`${size} bytes, expected at least 12`);
  const head = new DataView(readSlice(file, { start: 0, end: 4 })).getUint32(0, true);
  const end = new DataView(readSlice(file, { start: size - 8, end: size }));
  if (head !== MAGIC || end.getUint32(4, true) !== MAGIC) throw new Error("no mark PAR1 at an end");
  const length = end.getUint32(0, true);
  if (length > Math.min(size - 12, MOST_FOOTER)) throw new Error(`a footer of ${length} bytes`);
  const tail = readSlice(file, { start: size - 8 - length, end: size });
  const footer = parseParquetFooter(new Uint8Array(tail, 0, length), size - 8 - length);
  return { tail, footer };
}

/** A buffer for the parquet library that has some chunks of a file and nothing else. */
function chunkSource(chunks: ReadonlyMap<ParquetChunk, ArrayBuffer>, size: number): AsyncBuffer {
  return {
    byteLength: size,
    slice: (start, end = size) => {
      // What is asked for may span several chunks and the gaps between them.
      const slice = new Uint8Array(end - start);
      for (const [chunk, buffer] of chunks) {
        const from = Math.max(start, chunk.start);
        const to = Math.min(end, chunk.end);
        if (from === start && to === end) {
          return buffer.slice(from - chunk.start, to - chunk.start);
        }
        if (from >= to) continue;
        slice.set(new Uint8Array(buffer, from - chunk.start, to - from), from - start);
      }
      return slice.buffer;
    },
  };
}

/**
 * Opens a parquet file; the parquet library is loaded on first use.
 *
 * Everything that the format says twice is compared before the library sees it: counts of rows and
 * values, places and sizes, checksums where the writer gave them. So a damaged file is refused
 * instead of being decoded for ever, into too much memory or into fewer rows.
 *
 * @param path The file.
 * @returns The open file, to be disposed of.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {Error} If it is not parquet, or damaged; the message names the file and the place.
 */
export async function openParquet(path: string): Promise<ParquetFile> {
  const { parquetMetadata, parquetReadObjects } = await import("hyparquet");
  const compressors = await boundedCompressors();
  const { file, size } = await openRegularFile(path);
  const attempt = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw new Error(
        `Cannot read ${path}: ${
          error instanceof Error ? error.message : error
        }. Expected a whole parquet file; fetch it again.`,
        { cause: error },
      );
    }
  };
  try {
    return await attempt(() => {
      const { tail, footer } = readFooter(file, size);
      const metadata = parquetMetadata(tail, { geoparquet: false });
      const firstRows: number[] = [];
      footer.groups.reduce((row, { rows }) => (firstRows.push(row), row + rows), 0);
      const bounds: ParquetFile["bounds"] = (column, index) => {
        const chunk = footer.groups[index]!.chunks.find(({ leaf }) => leaf.path[0] === column);
        if (chunk?.least === undefined || chunk.greatest === undefined) return undefined;
        const { least, greatest, leaf: { type, path } } = chunk;
        if (path.length > 1 || (type !== 1 && type !== 2)) return undefined;
        return { least: wholeNumber(least, type), greatest: wholeNumber(greatest, type) };
      };
      const read: ParquetFile["read"] = (columns, index, count) =>
        attempt(async () => {
          const { rows: groupRows } = footer.groups[index]!;
          if (groupRows > MOST_ROWS) {
            throw new Error(`${groupRows} rows in a group, expected at most ${MOST_ROWS}`);
          }
          const chunks = new Map<ParquetChunk, ArrayBuffer>();
          for (const chunk of footer.groups[index]!.chunks) {
            if (!columns.includes(chunk.leaf.path[0]!)) continue;
            const { start, end, leaf } = chunk;
            if (end - start > MOST_CHUNK) {
              throw new Error(`column ${leaf.path.join(".")} has ${end - start} bytes in a group`);
            }
            const bytes = readSlice(file, { start, end });
            checkParquetPages(new Uint8Array(bytes), chunk, compressors);
            chunks.set(chunk, bytes);
          }
          const rowStart = firstRows[index]!;
          const rows = await parquetReadObjects({
            file: chunkSource(chunks, size),
            metadata,
            columns,
            rowStart,
            rowEnd: rowStart + count,
            // utf8: false, or the bytes of images would be decoded as text.
            utf8: false,
            compressors,
          });
          if (rows.length !== count) throw new Error(`${rows.length} rows, expected ${count}`);
          return rows;
        });
      return {
        path,
        groups: footer.groups.map(({ rows }) => rows),
        columns: footer.columns,
        features: readFeatures(footer.texts),
        bounds,
        read,
        [Symbol.dispose]: () => file.close(),
      };
    });
  } catch (error) {
    file.close();
    throw error;
  }
}
