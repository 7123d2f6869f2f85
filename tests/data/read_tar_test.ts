import { assertEquals, assertRejects } from "@std/assert";
import { readTar } from "../../src/data/read_tar.ts";
import { gzip, tar } from "./fixtures.ts";

/** Reads an archive that arrives in pieces of `piece` bytes. */
async function read(archive: Uint8Array<ArrayBuffer>, piece = 700, wanted = (_: string) => true) {
  const stream = ReadableStream.from(function* () {
    for (let at = 0; at < archive.length; at += piece) yield archive.slice(at, at + piece);
  }());
  return await Array.fromAsync(readTar(stream, { wanted, mostBytes: 1e6 }));
}

const BYTES = Uint8Array.from({ length: 1300 }, (_, index) => index % 251);

Deno.test("readTar() reads wanted files whatever the size of the pieces", async () => {
  const archive = tar([
    { path: "folder/", type: "5" },
    { path: "./folder/one.bin", bytes: BYTES },
    { path: "folder/link", type: "2" },
    { path: "folder/empty" },
    { path: "two", prefix: "deep/down", bytes: BYTES.slice(0, 512) },
  ]);
  for (const piece of [1, 511, 512, 513, 1e6]) {
    const files = await read(archive, piece);
    assertEquals(files.map(({ path }) => path), [
      "folder/one.bin",
      "folder/empty",
      "deep/down/two",
    ]);
    assertEquals(files[0]!.bytes, BYTES);
    assertEquals(files[2]!.bytes, BYTES.slice(0, 512));
  }
  const some = await read(archive, 700, (path) => path.endsWith("two"));
  assertEquals(some.length, 1);
});

Deno.test("readTar() understands pax and GNU long names", async () => {
  const text = (value: string) => new TextEncoder().encode(value);
  const long = "x".repeat(150);
  const record = `${long.length + 10} path=${long}\n`;
  const files = await read(tar([
    { path: "pax", type: "x", bytes: text(record) },
    { path: "short", bytes: BYTES },
    { path: "././@LongLink", type: "L", bytes: text(`${long}2\0`) },
    { path: "short", bytes: BYTES },
    { path: "short", bytes: BYTES },
  ]));
  assertEquals(files.map(({ path }) => path), [long, `${long}2`, "short"]);
});

Deno.test("readTar() refuses paths that leave the archive", async () => {
  for (const path of ["/etc/passwd", "a/../../b", "..", "C:\\x", "a\\..\\b"]) {
    await assertRejects(() => read(tar([{ path, bytes: BYTES }])), Error, "inside of the archive");
  }
});

Deno.test("readTar() refuses damaged and short archives", async () => {
  const archive = tar([{ path: "one", bytes: BYTES }]);
  const damaged = archive.slice();
  damaged[3] = 90;
  await assertRejects(() => read(damaged), Error, "checksum");
  await assertRejects(() => read(archive.slice(0, 900)), Error, "ends");
  await assertRejects(() => read(archive.slice(0, 512 + 1536)), Error, "ends");
  await assertRejects(() => read(new Uint8Array(700).fill(7)), Error, "ustar header");
});

Deno.test("readTar() reads on to the end: the checksum of gzip, and nothing after the last block", async () => {
  const archive = tar([{ path: "one", bytes: BYTES }]);
  await assertRejects(
    () => read(Uint8Array.from([...archive, 7])),
    Error,
    "after its closing block",
  );
  const packed = await gzip(archive);
  packed[packed.length - 6]! ^= 1;
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const options = { wanted: () => true, mostBytes: 1e6 };
  await assertRejects(() => Array.fromAsync(readTar(stream, options)), Error, "corrupt");
});

Deno.test("readTar() has one budget for the whole archive, and believes no announced size", async () => {
  const one = (mostBytes: number, archive = tar([{ path: "one", bytes: BYTES }])) =>
    Array.fromAsync(
      readTar(new Blob([archive]).stream(), { wanted: () => true, mostBytes }),
    );
  assertEquals((await one(512 + 1536 + 1024)).length, 1);
  await assertRejects(() => one(512 + 1536 + 1023), Error, "more bytes than its budget");
  // Eight gigabytes, announced by a header whose checksum is right.
  const forged = tar([{ path: "one", bytes: BYTES }]);
  forged.set(new TextEncoder().encode("77777777777"), 124);
  const sum = forged.subarray(0, 512).reduce((s, b, at) => s + (at >= 148 && at < 156 ? 32 : b), 0);
  forged.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  await assertRejects(() => one(1e6, forged), Error, "8589934591 bytes announced at byte 512");
  const name = tar([{ path: "x", type: "x", bytes: new Uint8Array((1 << 20) + 1) }]);
  await assertRejects(() => one(1e7, name), Error, "a long name of 1048577 bytes at byte 0");
});
