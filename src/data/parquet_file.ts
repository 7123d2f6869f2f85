import type { FileMetaData, SchemaElement } from "hyparquet";

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
  /** Reads rows `[start, end)` of some columns. */
  read(
    columns: string[],
    range: { start: number; end: number },
  ): Promise<Record<string, unknown>[]>;
}

/** Names of the columns: the children of the schema's root, each with its own subtree after it. */
function topLevel(schema: readonly SchemaElement[]): string[] {
  const names: string[] = [];
  let at = 1;
  const skip = (): void => {
    const children = schema[at++]?.num_children ?? 0;
    for (let child = 0; child < children; child++) skip();
  };
  for (let child = 0; child < (schema[0]?.num_children ?? 0); child++) {
    names.push(schema[at]!.name);
    skip();
  }
  return names;
}

/** Features from the key-value metadata; a file without them, or with others, has none. */
function readFeatures(metadata: FileMetaData, path: string): Record<string, unknown> {
  const text = metadata.key_value_metadata?.find(({ key }) => key === "huggingface")?.value;
  if (!text) return {};
  try {
    return JSON.parse(text)?.info?.features ?? {};
  } catch (error) {
    throw new Error(
      `Cannot read ${path}: its "huggingface" metadata is not JSON (${
        (error as Error).message
      }), expected feature descriptions. The file is damaged: fetch it again.`,
      { cause: error },
    );
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

/**
 * Opens a parquet file; the parquet library is loaded on first use.
 *
 * @param path The file.
 * @returns The open file, to be disposed of.
 * @throws {Error} If it is not parquet.
 */
export async function openParquet(path: string): Promise<ParquetFile> {
  const { parquetMetadataAsync, parquetReadObjects } = await import("hyparquet");
  const { compressors } = await import("hyparquet-compressors");
  const file = await Deno.open(path);
  const byteLength = (await file.stat()).size;
  const source = {
    byteLength,
    slice: (start: number, end: number = byteLength) => readSlice(file, { start, end }),
  };
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
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
    const metadata = await attempt(() => parquetMetadataAsync(source));
    return {
      path,
      groups: metadata.row_groups.map((group) => Number(group.num_rows)),
      columns: topLevel(metadata.schema),
      features: readFeatures(metadata, path),
      // utf8: false, or the bytes of images would be decoded as text.
      read: (columns, { start, end }) =>
        attempt(() =>
          parquetReadObjects({
            file: source,
            metadata,
            columns,
            rowStart: start,
            rowEnd: end,
            utf8: false,
            compressors,
          })
        ),
      [Symbol.dispose]: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}
