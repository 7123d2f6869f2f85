import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { openParquet } from "../../src/data/parquet_file.ts";
import { checkRuns } from "../../src/data/parquet_runs.ts";
import { ThriftReader } from "../../src/data/thrift_compact.ts";
import { withFolder } from "./fixtures.ts";
import {
  type ColumnOptions,
  page,
  type PageOptions,
  parquetFile,
  plainBytes,
  plainNumbers,
  type Thrift,
  thrift,
} from "./parquet_fixtures.ts";

const CELLS = [[1, 2], [], [3, 4, 5]].map((bytes) => Uint8Array.from(bytes));
const IMAGES = plainBytes(CELLS);
const LABELS = plainNumbers([4n, 0n, 2n]);

/** Writes a file and reads all of it. */
async function read(bytes: Uint8Array<ArrayBuffer>): Promise<Record<string, unknown>[]> {
  let rows: Record<string, unknown>[] = [];
  await withFolder(async (folder) => {
    const path = `${folder}/a.parquet`;
    await Deno.writeFile(path, bytes);
    using file = await openParquet(path);
    rows = await file.read(["image", "label"], 0, file.groups[0]!);
  });
  return rows;
}

interface Changes {
  image?: Partial<PageOptions>;
  label?: Partial<PageOptions>;
  imageColumn?: Partial<ColumnOptions>;
  labelColumn?: Partial<ColumnOptions>;
  rows?: number;
  file?: { [field: number]: Thrift };
  group?: { [field: number]: Thrift };
}

/** A file of three images and labels with something changed. */
function make({ image, label, imageColumn, labelColumn, rows = 3, ...rest }: Changes) {
  const first = page({ body: IMAGES, values: 3, ...image });
  const second = page({ body: LABELS, values: 3, ...label });
  return parquetFile([
    { name: "image", type: 6, pages: [first], ...imageColumn },
    { name: "label", type: 2, pages: [second], ...labelColumn },
  ], { rows, ...rest });
}

const refuses = (changes: Changes, message: string) =>
  assertRejects(() => read(make(changes)), Error, message);

Deno.test("openParquet() reads plain, dictionary and second-version pages, and checks their sums", async () => {
  const expected = CELLS.map((image, row) => ({ image, label: [4n, 0n, 2n][row] }));
  assertEquals(await read(make({})), expected);
  assertEquals(await read(make({ image: { kind: 3 }, label: { crc: true } })), expected);
  const dictionary = page({ kind: 2, body: plainNumbers([0n, 2n, 4n]), values: 3 });
  const indices = Uint8Array.of(2, 3, 0b00_01_00_10, 0);
  const coded = page({ body: indices, values: 3, encoding: 8, crc: true });
  assertEquals(await read(make({ labelColumn: { pages: [dictionary, coded] } })), expected);
  await refuses({ label: { crc: 5 } }, "page 0 of column label at byte");
  await refuses({ label: { crc: 5 } }, "a wrong checksum");
  const beyond = page({ body: Uint8Array.of(2, 3, 0b00_11_00_10, 0), values: 3, encoding: 8 });
  await refuses({ labelColumn: { pages: [dictionary, beyond] } }, "dictionary index 3, expected");
  await refuses({ labelColumn: { pages: [coded] } }, "indices without a dictionary");
  await refuses({ labelColumn: { pages: [coded, dictionary] } }, "indices without");
});

Deno.test("openParquet() reads levels, and rows whose values are missing", async () => {
  // Three levels 1, 0, 1 as one packed run.
  const levels = Uint8Array.of(2, 0, 0, 0, 3, 0b101);
  const body = (runs: Uint8Array) => new Uint8Array([...runs, ...plainNumbers([4n, 2n])]);
  const optional = { repetition: 1 };
  const rows = await read(make({ label: { body: body(levels) }, labelColumn: optional }));
  assertEquals(rows.map(({ label }) => label ?? undefined), [4n, undefined, 2n]);
  const place = { labelColumn: optional };
  const more = Uint8Array.of(2, 0, 0, 0, 3, 0b111);
  await refuses({ label: { body: body(more) }, ...place }, "16 bytes of values, expected 24");
  // A run of 2^27 levels, on which a decoder would fill the memory.
  const endless = Uint8Array.of(6, 0, 0, 0, 0x80, 0x80, 0x80, 0x80, 1, 1);
  await refuses({ label: { body: body(endless) }, ...place }, "a run of 134217728 values");
  const empty = Uint8Array.of(2, 0, 0, 0, 0, 1);
  await refuses({ label: { body: body(empty) }, ...place }, "a run of 0 values");
  const long = Uint8Array.of(255, 255, 0, 0, 3, 0b101);
  await refuses({ label: { body: body(long) }, ...place }, "65535 bytes of levels");
});

Deno.test("openParquet() unpacks every codec, never into more than the page announces", async () => {
  const expected = await read(make({}));
  const codecs = [[2, gzipSync], [4, brotliCompressSync], [6, zstdCompressSync]] as const;
  for (const [codec, compress] of codecs) {
    const body = new Uint8Array(compress(IMAGES));
    const imageColumn = { codec };
    const image = { body, size: IMAGES.length };
    assertEquals(await read(make({ image, imageColumn })), expected);
    // Ten megabytes of zeros in a page that announces seventeen bytes.
    const bomb = new Uint8Array(compress(new Uint8Array(1e7)));
    await refuses({ image: { body: bomb, size: 17 }, imageColumn }, "larger than 17 bytes");
    await refuses({ image: { ...image, size: 16 }, imageColumn }, "page 0 of column image");
  }
  const packed = { body: Uint8Array.of(17, 0, 0), size: 1e9 };
  await refuses({ image: packed, imageColumn: { codec: 1 } }, "1000000000 bytes announced for 3");
  await refuses({ image: packed, imageColumn: { codec: 7 } }, "1000000000 bytes announced for 3");
  await refuses(
    { image: { ...packed, size: 2e9 }, imageColumn: { codec: 6 } },
    "at most 1073741824",
  );
  await refuses({ imageColumn: { codec: 3 } }, "codec LZO, which is not supported");
  await refuses({ imageColumn: { codec: 8 } }, "codec 8 of column image");
});

Deno.test("openParquet() refuses pages that contradict", async () => {
  await refuses({ image: { values: 2 } }, "17 bytes of values, expected 10");
  await refuses({ image: { values: 4 } }, "3 values, expected 4");
  await refuses({ label: { values: 4 } }, "24 bytes of values, expected 32");
  await refuses({ label: { values: 2, body: LABELS.slice(0, 16) } }, "has 2 values in its pages");
  await refuses({ label: { header: { 3: -8 } } }, "-8 as field 3 of a page header");
  await refuses({ label: { header: { 3: 25 } } }, "25 bytes, which do not fit");
  await refuses({ label: { size: 23 } }, "24 unpacked bytes, expected 23");
  await refuses({ label: { header: { 1: 1 } } }, "kind 1, expected values");
  await refuses({ label: { header: { 1: 3 } } }, "no page description");
  await refuses({ label: { encoding: 4 } }, "in encoding 4, which is not supported");
  await refuses({ label: { kind: 3, description: { 3: 2 } } }, "2 rows and 0 nulls, expected 3");
  await refuses({ label: { kind: 3, description: { 5: 99 } } }, "99 and 0 bytes of levels");
  // Delta blocks without parts, or without values, on which a decoder would go on for ever.
  const delta = (...body: number[]) => ({ encoding: 5, body: Uint8Array.from(body) });
  await refuses({ label: delta(128, 1, 0, 3, 0, 0) }, "delta blocks of 128 values in 0 for 3");
  await refuses({ label: delta(0, 4, 3, 0, 0) }, "delta blocks of 0 values in 4 for 3");
  await refuses({ label: delta(128, 1, 4, 4, 0, 0) }, "delta blocks of 128 values in 4 for 4");
});

Deno.test("openParquet() refuses a footer that contradicts itself or the file", async () => {
  await refuses({ file: { 3: 4n } }, "4 rows, expected 3, the sum of its row groups");
  await refuses({ file: { 3: -1n } }, "-1 as field 3 of a file description");
  await refuses({ file: { 3: "three" } }, "field 3 of a file description");
  await refuses({ group: { 3: 2n } }, "3 values in column image, expected 2");
  await refuses({ group: { 1: [] } }, "0 columns, expected 2");
  await refuses({ imageColumn: { description: { 1: 2 } } }, "column image of type 2, expected 6");
  await refuses({ imageColumn: { description: { 3: ["img"] } } }, "column img, expected image");
  await refuses({ imageColumn: { description: { 7: 900n } } }, "column image at bytes 4 to 904");
  await refuses({ imageColumn: { description: { 7: 60n } } }, "column image at bytes 4 to 64");
  await refuses({ labelColumn: { description: { 9: 3n } } }, "column label at bytes 3 to");
  await refuses({ labelColumn: { description: { 11: 99n } } }, "a dictionary after the data");
  await refuses({ labelColumn: { name: "image" } }, "two columns image");
  await refuses({ labelColumn: { repetition: 3 } }, "repetition 3, expected 0, 1 or 2");
  await refuses({ labelColumn: { repetition: 2 } }, "column label is a list");
  const many = 2 ** 40;
  await refuses({ rows: many }, `${many} rows in a group, expected at most 2097152`);
  const schema = (root: Thrift, image: Thrift = "image") => [
    root,
    { 1: 6, 3: 0, 4: image },
    { 1: 2, 3: 0, 4: "label" },
  ];
  await refuses({ file: { 2: schema({ 4: "root", 5: 1 }) } }, "3 schema elements, expected 2");
  await refuses({ file: { 2: schema({ 4: "root", 5: 9 }) } }, "no schema element");
  await refuses({ file: { 2: schema({ 4: "root", 5: -1 }) } }, "-1 as field 5");
  await refuses({ file: { 2: schema({ 5: 2 }, Uint8Array.of(255)) } }, "a text that is not UTF-8");
  const whole = make({});
  for (let length = 0; length < whole.length; length += 7) {
    await assertRejects(() => read(whole.slice(0, length)), Error, "Cannot read");
  }
});

Deno.test("ThriftReader takes no more than the bytes can hold", () => {
  const struct = (...bytes: number[]) => new ThriftReader(Uint8Array.from(bytes)).struct();
  const value = { 1: 7, 2: -3n, 3: "abc", 4: [true, false], 20: { 1: [1, 2, 300] } };
  const found = struct(...thrift({ ...value, 4: [1] }));
  assertEquals(found.get(2), -3n);
  assertEquals(found.get(20), new Map([[1, [1, 2, 300]]]));
  assertThrows(() => struct(0x19, 0xfc, 255, 255, 255, 255, 15, 0), Error, "length 4294967295");
  assertThrows(() => struct(0x18, 10, 1, 2), Error, "length 10 with 2 bytes left");
  assertThrows(() => struct(...Array<number>(5000).fill(0x1c)), Error, "more than 16 levels");
  assertThrows(() => struct(0x16, ...Array<number>(11).fill(0x80), 0), Error, "ten bytes");
  assertThrows(() => struct(0x15, 0xff, 0xff, 0xff, 0xff, 0x7f, 0), Error, "number of 32 bits");
  assertThrows(() => struct(0x15, 2), Error, "nothing at byte 2");
  assertThrows(() => struct(0x1d, 0), Error, "type 13");
  assertThrows(() => struct(0x05, 0, 2, 0), Error, "field 0 out of order");
});

Deno.test("checkRuns() counts, finds the greatest, and allows for how writers fill up", () => {
  const check = (bytes: number[], count: number, width = 3) =>
    checkRuns(Uint8Array.from(bytes), { width, count, target: 2 });
  // Four times 2, then 0..7 packed (3 bits each).
  const packed = [0b10_001_000, 0b1_100_011_0, 0b111_110_10];
  assertEquals(check([8, 2, 3, ...packed], 12), { equal: 5, highest: 7 });
  assertEquals(check([8, 2, 3, ...packed], 7), { equal: 5, highest: 2 });
  // The padding may be there in full (DuckDB fills up to 256 values), or not at all.
  assertEquals(check([5, ...packed, 255, 255, 255], 3), { equal: 1, highest: 2 });
  assertEquals(check([3, ...packed.slice(0, 2)], 3), { equal: 1, highest: 2 });
  assertThrows(() => check([5, ...packed], 3), Error, "a run of 2 groups");
  assertThrows(() => check([3, packed[0]!], 3), Error, "a run of 1 groups");
  assertThrows(() => check([8, 2], 12), Error, "runs end after 4 of 12");
  assertThrows(() => check([8, 9], 4), Error, "value 9 in 3 bits");
});
