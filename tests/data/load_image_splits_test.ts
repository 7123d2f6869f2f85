import { assert, assertEquals, assertRejects } from "@std/assert";
import { loadImageSplits } from "../../src/data/mod.ts";
import { findShards } from "../../src/data/hugging_face_folder.ts";
import { sha256, tinyCifar10, withFolder } from "./fixtures.ts";
import { NAMES, numberOf, shard } from "./hub_fixtures.ts";
import { SHARED, sharedTest } from "../shared.ts";

/** Writes files, folders included. */
async function write(folder: string, files: Record<string, Uint8Array>): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    const path = `${folder}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(path, bytes);
  }
}

const SHARDS = {
  "plain_text/train-00000-of-00002.parquet": shard(0, 5),
  "plain_text/train-00001-of-00002.parquet": shard(5, 7),
  "plain_text/test-00000-of-00001.parquet": shard(40, 3),
};

Deno.test("loadImageSplits() reads a folder in the layout of the hub, shards in order", async () => {
  await withFolder(async (folder) => {
    await write(folder, SHARDS);
    for (const data of [folder, `${folder}/`, `${folder}/plain_text`]) {
      const { train, test } = await loadImageSplits({ data });
      assertEquals([train.classNames, test.classNames], [NAMES, NAMES]);
      const numbers = Array.from(
        { length: train.count },
        (_, index) => numberOf(train.images.subarray(index * 48, (index + 1) * 48)),
      );
      assertEquals(numbers, Array.from({ length: 12 }, (_, index) => index));
      assertEquals([...test.labels], [1, 2, 0]);
      assert(!train.provenance.includes("verified"));
    }
    // A list of hashes in the folder that was named counts for the folders below.
    const lines = Object.entries(SHARDS).map(([name, bytes]) => `${sha256(bytes)}  ${name}\n`);
    await Deno.writeTextFile(`${folder}/SHA256SUMS`, lines.join(""));
    const { train } = await loadImageSplits({ data: folder, size: 2 });
    assertEquals([train.height, train.count], [2, 12]);
    assert(train.provenance.endsWith("resized to 2 x 2, verified by SHA-256"), train.provenance);
  });
});

sharedTest("loadImageSplits() reads the real images that lie beside the repository", async () => {
  const data = new URL("data/hf/cifar10", SHARED).pathname;
  const { parts } = (await findShards(data))!;
  assertEquals([...parts.keys()].sort(), ["test", "train"]);
  await withFolder(async (folder) => {
    // Only the smaller part, twice: reading 60,000 pictures takes long.
    const [test] = parts.get("test")!;
    for (const part of ["train", "test"]) {
      await Deno.symlink(test!, `${folder}/${part}-00000-of-00001.parquet`);
    }
    const splits = await loadImageSplits({ data: folder });
    assertEquals([splits.train.count, splits.test.count], [10_000, 10_000]);
    assertEquals(splits.train.classNames[9], "truck");
  });
});

Deno.test("findShards() understands the names of the hub and misses no shard", async () => {
  const found = async (names: string[]) => {
    let result: Map<string, string[]> | undefined;
    await withFolder(async (folder) => {
      await write(folder, Object.fromEntries(names.map((name) => [name, new Uint8Array(1)])));
      const shards = await findShards(folder);
      const relative = (path: string) => path.slice(folder.length + 1);
      result = shards &&
        new Map([...shards.parts].map(([part, paths]) => [part, paths.map(relative)]));
    });
    return result;
  };
  const two = ["a/train-00000-of-00002.parquet", "a/train-00001-of-00002.parquet"];
  assertEquals(await found(two.toReversed()), new Map([["train", two]]));
  assertEquals(await found([]), undefined);
  assertEquals(await found(["a/readme.md"]), undefined);
  const hashed = "data/test-00000-of-00001-b42cd8b3d5b7c2a7.parquet";
  assertEquals(await found([hashed]), new Map([["test", [hashed]]]));
  const converted = ["default/train/0000.parquet", "default/train/0001.parquet"];
  assertEquals(await found(converted), new Map([["train", converted]]));
  assertEquals(await found(["x/train.parquet"]), new Map([["train", ["x/train.parquet"]]]));
  await assertRejects(
    () => found([two[1]!]),
    Error,
    "1 shards without number 0, expected each of 2",
  );
  await assertRejects(() => found([converted[1]!]), Error, "without number 0");
  const versions = [...two, "a/train-00000-of-00001.parquet"];
  await assertRejects(() => found(versions), Error, "expected each of");
  await assertRejects(() => found([...two, "b/train.parquet"]), Error, "expected one. Name one");
  await assertRejects(() => found(["a/b-c.parquet"]), Error, "a name of another form");
});

Deno.test("loadImageSplits() tells CIFAR-10, CIFAR-100 and parquet apart, and says what it wants", async () => {
  await withFolder(async (folder) => {
    await assertRejects(() => loadImageSplits({ data: folder }), Error, "no parquet file");
    await assertRejects(() => loadImageSplits({ data: `${folder}/no` }), Error, "no such folder");
    await assertRejects(() => loadImageSplits({ data: `${folder}/no` }), Error, "imagenet-1k");
    await write(`${folder}/ten`, Object.fromEntries(tinyCifar10()));
    const ten = await loadImageSplits({ data: `${folder}/ten`, size: 8 });
    assertEquals([ten.train.name, ten.train.height, ten.train.count], ["cifar-10", 8, 15]);
    const record = new Uint8Array(3074);
    record[0] = 4;
    await write(`${folder}/hundred`, { "train.bin": record, "test.bin": record });
    const hundred = await loadImageSplits({ data: `${folder}/hundred` });
    assertEquals([hundred.train.name, hundred.train.classNames[0]], ["cifar-100", "apple"]);
    const { train } = await loadImageSplits({
      ...{ data: "synthetic", syntheticTrainCount: 20, syntheticTestCount: 10 },
    });
    assertEquals(train.synthetic, true);
    await write(`${folder}/half`, { "train-00000-of-00001.parquet": shard(0, 5) });
    await assertRejects(
      () => loadImageSplits({ data: `${folder}/half` }),
      Error,
      "parts train, expected",
    );
  });
});
