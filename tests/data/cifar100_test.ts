import { assertEquals, assertRejects } from "@std/assert";
import {
  ChecksumError,
  CIFAR100_ARCHIVE,
  loadCifar100,
  NetworkUnavailableError,
} from "../../src/data/mod.ts";
import { gzip, serveBytes, sha256, tar, withFolder, withServer } from "./fixtures.ts";

/** Class names in the order of the published file, and some superclasses to go with them. */
const APPLE = { coarse: 4, fine: 0 };
const WORM = { coarse: 13, fine: 99 };
const TANK = { coarse: 19, fine: 85 };

function records(labels: { coarse: number; fine: number }[], seed: number): Uint8Array {
  const bytes = new Uint8Array(3074 * labels.length);
  labels.forEach(({ coarse, fine }, record) => {
    const start = record * 3074;
    for (let at = 0; at < 3072; at++) bytes[start + 2 + at] = (at * 7 + seed + record) % 256;
    bytes[start] = coarse;
    bytes[start + 1] = fine;
  });
  return bytes;
}

const files = () =>
  new Map([
    ["train.bin", records([WORM, APPLE, TANK], 1)],
    ["test.bin", records([TANK, TANK], 5)],
  ]);

async function write(folder: string, contents: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, bytes] of contents) await Deno.writeFile(`${folder}/${name}`, bytes);
}

Deno.test("loadCifar100() reads either label of a folder, planes become channels", async () => {
  await withFolder(async (folder) => {
    await write(`${folder}/cifar-100-binary`, files());
    const { train, test } = await loadCifar100({ data: folder });
    assertEquals([train.name, train.count, test.count], ["cifar-100", 3, 2]);
    assertEquals([...train.labels], [99, 0, 85]);
    assertEquals([...test.labels], [85, 85]);
    assertEquals(
      [...train.labels].map((label) => train.classNames[label]),
      ["worm", "apple", "tank"],
    );
    assertEquals(train.classNames.length, 100);
    // Pixel 5 of image 1: red, green and blue come from planes of 1024.
    const pixel = [...train.images.subarray(3072 + 15, 3072 + 18)];
    assertEquals(pixel, [0, 1, 2].map((channel) => ((channel * 1024 + 5) * 7 + 2) % 256));
    const coarse = await loadCifar100({ data: folder, labels: "coarse" });
    assertEquals([...coarse.train.labels], [13, 4, 19]);
    assertEquals(coarse.train.classNames[13], "non-insect_invertebrates");
    assertEquals([coarse.train.name, coarse.train.classNames.length], ["cifar-100-coarse", 20]);
  });
});

Deno.test("loadCifar100() refuses labels that contradict, and files that are cut", async () => {
  await withFolder(async (folder) => {
    const change = async (at: number, value: number) => {
      const contents = files();
      contents.get("train.bin")![at] = value;
      await write(folder, contents);
    };
    await change(3074 + 1, 1);
    const load = () => loadCifar100({ data: folder });
    await assertRejects(
      load,
      RangeError,
      "train.bin: record 1 has superclass 4 with class 1, expected superclass 1",
    );
    await change(3074, 5);
    await assertRejects(load, RangeError, "record 1 has superclass 5 with class 0");
    await assertRejects(
      () => loadCifar100({ data: folder, labels: "coarse" }),
      RangeError,
      "record 1",
    );
    await change(1, 100);
    await assertRejects(load, RangeError, "record 0 has label 100, expected 0..99");
    await write(folder, files().set("test.bin", new Uint8Array(3073)));
    await assertRejects(load, RangeError, "whole CIFAR-100 records of 3074 bytes");
    await Deno.remove(`${folder}/test.bin`);
    await assertRejects(load, Error, "without test.bin");
  });
});

Deno.test("loadCifar100() downloads and verifies the archive, and has no stand-in", async () => {
  const entries = [...files()].map(([name, bytes]) => ({
    path: `cifar-100-binary/${name}`,
    bytes,
  }));
  const bytes = await gzip(tar(entries));
  const expected = { size: bytes.length, sha256: sha256(bytes) };
  await withFolder(async (folder) => {
    const options = { defaultDirectory: folder };
    const nowhere = { url: "http://127.0.0.1:1/c100.tar.gz", ...expected };
    await assertRejects(
      () => loadCifar100({ ...options, archive: nowhere }),
      NetworkUnavailableError,
    );
    await withServer((request) => serveBytes(bytes, request), async (origin) => {
      const archive = { url: `${origin}/c100.tar.gz`, ...expected };
      const { train } = await loadCifar100({ ...options, archive });
      assertEquals([train.source, [...train.labels]], ["download", [99, 0, 85]]);
      const forged = { ...archive, sha256: "0".repeat(64) };
      await assertRejects(() => loadCifar100({ ...options, archive: forged }), ChecksumError);
    });
  });
});

Deno.test("CIFAR100_ARCHIVE is the published one", () => {
  assertEquals(CIFAR100_ARCHIVE, {
    url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    size: 168513733,
    sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
  });
});
