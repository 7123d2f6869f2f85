/** Parquet files made byte by byte, so that every field of them can be made wrong. */
import { crc32 } from "node:zlib";

/** A value to write: numbers become I32, bigints I64, texts BINARY, objects structs by field number. */
export type Thrift = number | bigint | boolean | string | Uint8Array | Thrift[] | {
  [field: number]: Thrift | undefined;
};

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  for (let left = BigInt.asUintN(64, value);; left >>= 7n) {
    if (left < 128n) return [...bytes, Number(left)];
    bytes.push(Number(left & 127n) | 128);
  }
}

const zigzag = (value: bigint) => varint((value << 1n) ^ (value >> 63n));

function typeOf(value: Thrift): number {
  if (typeof value === "boolean") return value ? 1 : 2;
  if (typeof value === "number") return 5;
  if (typeof value === "bigint") return 6;
  if (typeof value === "string" || value instanceof Uint8Array) return 8;
  return Array.isArray(value) ? 9 : 12;
}

/** Encodes a value in Thrift's compact protocol. */
export function thrift(value: Thrift): number[] {
  if (typeof value === "boolean") return [];
  if (typeof value === "number" || typeof value === "bigint") return zigzag(BigInt(value));
  if (typeof value === "string") return thrift(new TextEncoder().encode(value));
  if (value instanceof Uint8Array) return [...varint(BigInt(value.length)), ...value];
  if (Array.isArray(value)) {
    const type = typeOf(value[0] ?? 0);
    const head = value.length < 15 ? [value.length * 16 + type] : [
      0xf0 + type,
      ...varint(BigInt(value.length)),
    ];
    return [...head, ...value.flatMap(thrift)];
  }
  const bytes: number[] = [];
  let last = 0;
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined) continue;
    const id = Number(key);
    const delta = id - last;
    bytes.push(
      ...(delta > 15 ? [typeOf(field), ...zigzag(BigInt(id))] : [delta * 16 + typeOf(field)]),
    );
    bytes.push(...thrift(field));
    last = id;
  }
  return [...bytes, 0];
}

/** A page; by default its header tells the truth. */
export interface PageOptions {
  /** 0: values, 2: a dictionary, 3: values, second version. */
  kind?: number;
  /** What is stored. */
  body: Uint8Array;
  /** Length of that when unpacked; as stored unless told. */
  size?: number;
  values: number;
  encoding?: number;
  /** Adds the right checksum, or this one. */
  crc?: true | number;
  /** Fields of the page header that are to be otherwise. */
  header?: { [field: number]: Thrift };
  /** Fields of the description in it that are to be otherwise. */
  description?: { [field: number]: Thrift };
}

/** Encodes a page. */
export function page(options: PageOptions): Uint8Array {
  const { kind = 0, body, size = body.length, values, encoding = 0, crc, header } = options;
  const description = kind === 3
    ? { 1: values, 2: 0, 3: values, 4: encoding, 5: 0, 6: 0, 7: false, ...options.description }
    : { 1: values, 2: encoding, ...(kind === 0 && { 3: 3, 4: 3 }), ...options.description };
  const field = { 0: 5, 2: 7, 3: 8 }[kind] ?? 6;
  const struct = {
    1: kind,
    2: size,
    3: body.length,
    4: crc === true ? crc32(body) | 0 : crc,
    [field]: description,
    ...header,
  };
  return Uint8Array.from([...thrift(struct), ...body]);
}

/** A column of one row group. */
export interface ColumnOptions {
  name: string;
  /** 6: bytes, 2: numbers of 64 bits. */
  type: number;
  pages: Uint8Array[];
  codec?: number;
  /** 0: always there, 1: may be missing, 2: a list. */
  repetition?: number;
  /** Fields of its description in the footer that are to be otherwise. */
  description?: { [field: number]: Thrift };
}

/** Encodes a file of one row group. */
export function parquetFile(
  columns: ColumnOptions[],
  { rows, file = {}, group = {} }: {
    rows: number;
    /** Fields of the file's and the group's description that are to be otherwise. */
    file?: { [field: number]: Thrift };
    group?: { [field: number]: Thrift };
  },
): Uint8Array<ArrayBuffer> {
  const mark = [...new TextEncoder().encode("PAR1")];
  const bytes = [...mark];
  const schema: Thrift[] = [{ 4: "root", 5: columns.length }];
  const chunks = columns.map(({ name, type, pages, codec = 0, repetition = 0, description }) => {
    const start = bytes.length;
    for (const one of pages) bytes.push(...one);
    schema.push({ 1: type, 3: repetition, 4: name });
    const length = BigInt(bytes.length - start);
    return {
      2: 0n,
      3: {
        1: type,
        2: [0],
        3: [name],
        4: codec,
        5: BigInt(rows),
        6: length,
        7: length,
        9: BigInt(start),
        ...description,
      },
    };
  });
  const footer = thrift({
    1: 1,
    2: schema,
    3: BigInt(rows),
    4: [{ 1: chunks, 2: 0n, 3: BigInt(rows), ...group }],
    ...file,
  });
  const length = new Uint8Array(Uint32Array.of(footer.length).buffer);
  return Uint8Array.from([...bytes, ...footer, ...length, ...mark]);
}

/** Plain byte strings. */
export function plainBytes(values: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(
    values.flatMap((value) => [...new Uint8Array(Uint32Array.of(value.length).buffer), ...value]),
  );
}

/** Plain 64-bit numbers. */
export function plainNumbers(values: readonly bigint[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values).buffer);
}
