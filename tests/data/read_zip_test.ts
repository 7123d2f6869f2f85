import { assert, assertEquals, assertRejects } from "@std/assert";
import { deflateSync, zipSync } from "fflate";
import { crc32 } from "node:zlib";
import { readZip } from "../../src/data/read_zip.ts";

const text = (value: string) => new TextEncoder().encode(value);
const read = (bytes: Uint8Array, mostBytes = 1e6) =>
  readZip(bytes, { wanted: (name) => !name.endsWith("/"), mostBytes });
const WHOLE = zipSync({
  "a/": new Uint8Array(0),
  "a/one.txt": text("one ".repeat(100)),
  "a/two.txt": [text("two"), { level: 0 }],
  "empty": new Uint8Array(0),
});

/** A copy with some 16-bit fields set. */
function change(bytes: Uint8Array, fields: Record<number, number>): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (const [at, value] of Object.entries(fields)) view.setUint16(Number(at), value, true);
  return copy;
}

Deno.test("readZip() reads stored, deflated and empty entries that are wanted", async () => {
  const contents = await read(WHOLE);
  assertEquals([...contents.keys()], ["a/one.txt", "a/two.txt", "empty"]);
  assertEquals(contents.get("a/one.txt"), text("one ".repeat(100)));
  assertEquals(contents.get("a/two.txt"), text("two"));
  assertEquals((await read(zipSync({}))).size, 0);
  // A comment at the end, even one that looks like an end record, belongs to the archive.
  const comment = text("PK\x05\x06 said the comment, and went on for twenty-two bytes");
  const commented = new Uint8Array([
    ...change(WHOLE, { [WHOLE.length - 2]: comment.length }),
    ...comment,
  ]);
  assertEquals((await read(commented)).size, 3);
});

Deno.test("readZip() refuses every changed byte that matters, and never loses an entry", async () => {
  const whole = await read(WHOLE);
  let same = 0;
  for (let at = 0; at < WHOLE.length; at++) {
    for (const bit of [1, 8, 128]) {
      const damaged = WHOLE.slice();
      damaged[at]! ^= bit;
      const found = await read(damaged).catch(() => undefined);
      if (found === undefined) continue;
      assertEquals(found, whole, `byte ${at}`);
      same++;
    }
  }
  // Times, versions and attributes are said to nobody.
  assert(same < 0.3 * 3 * WHOLE.length, `${same} of ${3 * WHOLE.length} accepted`);
  for (let length = 0; length < WHOLE.length; length++) {
    await assertRejects(() => read(WHOLE.slice(0, length)));
  }
});

Deno.test("readZip() names what contradicts", async () => {
  const end = WHOLE.length - 22;
  await assertRejects(() => read(change(WHOLE, { [end + 10]: 3 })), Error, "several parts");
  const fewer = change(WHOLE, { [end + 8]: 3, [end + 10]: 3 });
  await assertRejects(() => read(fewer), Error, "bytes after 3 central headers");
  const more = change(WHOLE, { [end + 8]: 5, [end + 10]: 5 });
  await assertRejects(() => read(more), Error, "no central header at byte");
  const gap = new Uint8Array([0, ...WHOLE]);
  await assertRejects(() => read(gap), Error, "end record right after it");
  const second = WHOLE.findIndex((byte, at) => at > 0 && byte === 0x50 && WHOLE[at + 2] === 3);
  const locked = change(WHOLE, { [second + 6]: 1 });
  await assertRejects(() => read(locked), Error, `local header of a/one.txt at byte ${second}`);
});

/** Builds an archive record by record. */
function build({ entries, overlap = false, streamed = false, gap = false }: {
  entries: [name: string, content: Uint8Array][];
  overlap?: boolean;
  streamed?: boolean;
  gap?: boolean;
}): Uint8Array {
  const bytes: number[] = [];
  const central: number[] = [];
  const u16 = (value: number) => [value & 255, value >> 8 & 255];
  const u32 = (value: number) => [...u16(value), ...u16(value >>> 16)];
  let first: number | undefined;
  for (const [name, content] of entries) {
    const packed = deflateSync(content);
    const sums = [...u32(crc32(content)), ...u32(packed.length), ...u32(content.length)];
    const flags = streamed ? 8 : 0;
    const offset = overlap && first !== undefined ? first : bytes.length;
    first ??= offset;
    if (offset === bytes.length) {
      bytes.push(...u32(0x04034b50), ...u16(20), ...u16(flags), ...u16(8), ...u32(0));
      bytes.push(...(streamed ? u32(0).concat(u32(0), u32(0)) : sums), ...u16(name.length), 0, 0);
      bytes.push(...text(name), ...packed);
      if (streamed) bytes.push(...u32(0x08074b50), ...sums);
      if (gap) bytes.push(0);
    }
    central.push(...u32(0x02014b50), ...u16(20), ...u16(20), ...u16(flags), ...u16(8), ...u32(0));
    central.push(...sums, ...u16(name.length), ...u16(0), ...u16(0), ...u16(0), ...u16(0));
    central.push(...u32(0), ...u32(offset), ...text(name));
  }
  const count = u16(entries.length);
  const tail = [...u32(0x06054b50), 0, 0, 0, 0, ...count, ...count];
  tail.push(...u32(central.length), ...u32(bytes.length), 0, 0);
  return Uint8Array.from([...bytes, ...central, ...tail]);
}

Deno.test("readZip() reads entries whose sizes follow the data, and compares them", async () => {
  const archive = build({ entries: [["a", text("hello")], ["b", text("you")]], streamed: true });
  assertEquals((await read(archive)).get("b"), text("you"));
  const descriptor = archive.findIndex((_, at) =>
    new DataView(archive.buffer).getUint32(Math.min(at, archive.length - 4), true) === 0x08074b50
  );
  await assertRejects(
    () => read(change(archive, { [descriptor + 4]: 7 })),
    Error,
    "data descriptor of a that differs",
  );
});

Deno.test("readZip() has one budget for all, and refuses entries that share their bytes", async () => {
  const zeros = new Uint8Array(100_000);
  const many = Array.from({ length: 50 }, (_, index): [string, Uint8Array] => [`${index}`, zeros]);
  await assertRejects(
    () => read(build({ entries: many }), 4_000_000),
    Error,
    "40 of 113 bytes announces 100000 bytes, expected at most 0",
  );
  assertEquals((await read(build({ entries: many }), 5_000_000)).size, 50);
  const shared: [string, Uint8Array][] = [["a", zeros], ["a", zeros]];
  await assertRejects(
    () => read(build({ entries: shared, overlap: true })),
    Error,
    "overlaps byte 0",
  );
  await assertRejects(() => read(build({ entries: shared })), Error, "two entries a");
  const gap = build({ entries: [["a", zeros]], gap: true });
  await assertRejects(() => read(gap), Error, "1 bytes after a that belong to no entry");
});
