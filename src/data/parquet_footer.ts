import { PARQUET_CODECS, type ParquetCodec } from "./parquet_codecs.ts";
import { ThriftReader, type ThriftStruct, type ThriftValue } from "./thrift_compact.ts";

/** A column that holds values: a leaf of the schema. */
export interface ParquetLeaf {
  /** Names from the top-level column down. */
  readonly path: readonly string[];
  /** Physical type of the format: 1 is INT32, 2 INT64, 6 BYTE_ARRAY. */
  readonly type: number;
  /** Definition level of a value that is there. */
  readonly definition: number;
  /** Whether it or something around it may come several times in a row of the table. */
  readonly repeated: boolean;
}

/** The values of one leaf in one row group. */
export interface ParquetChunk {
  /** Which leaf. */
  readonly leaf: ParquetLeaf;
  /** First byte in the file, and the one after the last. */
  readonly start: number;
  readonly end: number;
  /** Number of values, missing ones included. */
  readonly values: number;
  /** Compression of its pages. */
  readonly codec: ParquetCodec;
  /** Least and greatest value in the form of the type, if the writer noted them. */
  readonly least?: Uint8Array;
  readonly greatest?: Uint8Array;
}

/** Some rows with all their columns. */
export interface ParquetGroup {
  readonly rows: number;
  readonly chunks: readonly ParquetChunk[];
}

/** What the footer of a parquet file says, after all that can be checked was. */
export interface ParquetFooter {
  readonly groups: readonly ParquetGroup[];
  /** Names of the top-level columns. */
  readonly columns: readonly string[];
  /** Key-value metadata. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Deepest nesting of columns. */
const MOST_DEPTH = 12;

function fail(found: string, expected: string): never {
  throw new Error(`found ${found}, expected ${expected}`);
}

/** Decodes a text, which must be UTF-8. */
function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return fail("a text that is not UTF-8", "UTF-8");
  }
}

/** Checked access to the fields of a struct. */
export class Fields {
  readonly #struct: ThriftStruct;
  readonly #what: string;

  /** Looks into `value`, called `what` in errors. */
  constructor(value: ThriftValue | undefined, what: string) {
    if (!(value instanceof Map)) fail(`no ${what}`, "one");
    this.#struct = value as ThriftStruct;
    this.#what = what;
  }

  /** Whether a field is there. */
  has(id: number): boolean {
    return this.#struct.has(id);
  }

  /** A whole number from 0 to 2^53, `otherwise` if the field is missing. */
  count(id: number, otherwise?: number): number {
    const value = this.#struct.get(id) ?? otherwise;
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
    return fail(`${value} as field ${id} of a ${this.#what}`, "a number from 0");
  }

  /** Any whole number. */
  integer(id: number): number {
    const value = this.#struct.get(id);
    return typeof value === "number" ? value : fail(`no field ${id} of a ${this.#what}`, "one");
  }

  /** Yes or no, `otherwise` if the field is missing. */
  flag(id: number, otherwise: boolean): boolean {
    const value = this.#struct.get(id) ?? otherwise;
    return typeof value === "boolean" ? value : fail(`field ${id} of a ${this.#what}`, "a truth");
  }

  /** Bytes, `undefined` if the field is missing. */
  bytes(id: number): Uint8Array | undefined {
    const value = this.#struct.get(id);
    if (value === undefined || value instanceof Uint8Array) return value;
    return fail(`field ${id} of a ${this.#what} of another type`, "bytes");
  }

  /** A text, empty if the field is missing. */
  text(id: number): string {
    return decodeText(this.bytes(id) ?? new Uint8Array(0));
  }

  /** A list, empty if the field is missing. */
  list(id: number): readonly ThriftValue[] {
    const value = this.#struct.get(id) ?? [];
    return Array.isArray(value) ? value : fail(`field ${id} of a ${this.#what}`, "a list");
  }

  /** A struct. */
  fields(id: number, what: string): Fields {
    return new Fields(this.#struct.get(id), what);
  }
}

/** Reads the tree of columns, which is written parents first. */
function readSchema(list: readonly ThriftValue[]): { leaves: ParquetLeaf[]; columns: string[] } {
  const leaves: ParquetLeaf[] = [];
  const paths = new Set<string>();
  let at = 0;
  const visit = (path: string[], definition: number, repeated: boolean): void => {
    const element = new Fields(list[at++], "schema element");
    const root = at === 1;
    const repetition = root ? 0 : element.count(3);
    if (repetition > 2) fail(`repetition ${repetition}`, "0, 1 or 2");
    const here = root ? [] : [...path, element.text(4)];
    if (here.length > MOST_DEPTH) fail(`columns nested ${here.length} deep`, `${MOST_DEPTH}`);
    if (!root && paths.has(JSON.stringify(here))) fail(`two columns ${here.join(".")}`, "one");
    paths.add(JSON.stringify(here));
    const level = definition + (repetition > 0 ? 1 : 0);
    const again = repeated || repetition === 2;
    const children = element.count(5, 0);
    if (children === 0) {
      leaves.push({ path: here, type: element.count(1), definition: level, repeated: again });
    }
    for (let child = 0; child < children; child++) visit(here, level, again);
  };
  visit([], 0, false);
  if (at !== list.length) fail(`${list.length} schema elements`, `${at}`);
  return { leaves, columns: [...new Set(leaves.map(({ path }) => path[0] ?? ""))] };
}

/** Reads what is said about one column of one row group. */
function readChunk(value: ThriftValue, { leaf, rows, before }: {
  leaf: ParquetLeaf | undefined;
  rows: number;
  before: number;
}): ParquetChunk {
  const column = new Fields(value, "column");
  if (column.has(1)) fail("a column in another file", "all in one");
  if (column.has(8) || column.has(9)) fail("an encrypted column", "a clear one");
  const data = column.fields(3, "column description");
  const path = data.list(3).map((part) => part instanceof Uint8Array ? decodeText(part) : "");
  const place = `column ${path.join(".")}`;
  if (leaf === undefined || path.join("\0") !== leaf.path.join("\0")) {
    fail(place, `${leaf?.path.join(".") ?? "no more columns"} as in the schema`);
  }
  if (data.count(1) !== leaf.type) fail(`${place} of type ${data.count(1)}`, `${leaf.type}`);
  const codec = PARQUET_CODECS[data.count(4)];
  if (codec === undefined) fail(`codec ${data.count(4)} of ${place}`, "a known one");
  const values = data.count(5);
  if (leaf.repeated ? values < rows : values !== rows) {
    fail(`${values} values in ${place}`, `${rows}, the rows of its group`);
  }
  const start = data.count(11, 0) || data.count(9);
  if (start > data.count(9)) fail(`a dictionary after the data of ${place}`, "before");
  const end = start + data.count(7);
  if (start < 4 || end > before) fail(`${place} at bytes ${start} to ${end}`, `4 to ${before}`);
  const statistics = data.has(12) ? data.fields(12, "statistics") : undefined;
  const least = statistics?.bytes(6);
  const greatest = statistics?.bytes(5);
  return { leaf, start, end, values, codec, ...(least && greatest && { least, greatest }) };
}

/**
 * Parses and checks the footer of a parquet file: row counts, value counts, columns and places must
 * agree with each other and with the file's length.
 *
 * Format: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 *
 * @param bytes The footer, without its length and the closing mark.
 * @param before Place of its first byte in the file.
 * @returns Row groups, columns and texts.
 * @throws {Error} In short words, if anything contradicts.
 */
export function parseParquetFooter(bytes: Uint8Array, before: number): ParquetFooter {
  const reader = new ThriftReader(bytes);
  const file = new Fields(reader.struct(), "file description");
  if (reader.offset !== bytes.length) {
    fail(`${bytes.length - reader.offset} bytes after its end`, "none");
  }
  const { leaves, columns } = readSchema(file.list(2));
  const groups = file.list(4).map((value) => {
    const group = new Fields(value, "row group");
    const rows = group.count(3);
    const chunks = group.list(1).map((column, index) =>
      readChunk(column, { leaf: leaves[index], rows, before })
    );
    if (chunks.length !== leaves.length) fail(`${chunks.length} columns`, `${leaves.length}`);
    return { rows, chunks };
  });
  const rows = groups.reduce((sum, group) => sum + group.rows, 0);
  if (rows !== file.count(3)) fail(`${file.count(3)} rows`, `${rows}, the sum of its row groups`);
  const places = groups.flatMap(({ chunks }) => chunks).sort((a, b) => a.start - b.start);
  places.forEach(({ start, end, leaf }, index) => {
    const next = places[index + 1]?.start ?? before;
    if (end > next) fail(`column ${leaf.path.join(".")} at bytes ${start} to ${end}`, `${next}`);
  });
  const texts = new Map(
    file.list(5).map((value) => {
      const pair = new Fields(value, "key and value");
      return [pair.text(1), pair.text(2)];
    }),
  );
  return { groups, columns, texts };
}
