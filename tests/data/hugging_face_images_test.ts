import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { parquetWriteBuffer } from "hyparquet-writer";
import { channelStatistics, ChecksumError, loadHuggingFaceImages } from "../../src/data/mod.ts";
import { sha256, withFolder } from "./fixtures.ts";
import { page, parquetFile, plainBytes, plainNumbers } from "./parquet_fixtures.ts";
import { IMAGE_FIXTURES } from "./image_fixtures.ts";
import { sharedTest } from "../shared.ts";

const CIFAR10 = ["test", "train"].map((part) =>
  new URL(
    `../../../shared/data/hf/cifar10/plain_text/${part}-00000-of-00001.parquet`,
    import.meta.url,
  )
    .pathname
);
const [RGB, GREY, JPEG] = ["PNG, RGB, 8 bits", "PNG, grey, 8 bits", "JPEG, half-size chroma"].map(
  (name) => IMAGE_FIXTURES.find((fixture) => fixture.name === name)!,
);

interface FileOptions {
  image?: string;
  label?: string;
  names?: string[];
  rowGroupSize?: number;
}

/** Writes images and labels in the hub's layout. */
async function write(
  path: string,
  rows: [bytes: Uint8Array | undefined, label: bigint][],
  { image = "image", label = "label", names, rowGroupSize = 2 }: FileOptions = {},
): Promise<void> {
  const features = { [label]: { names, _type: "ClassLabel" } };
  const buffer = parquetWriteBuffer({
    schema: [
      { name: "root", num_children: 2 },
      { name: image, num_children: 2, repetition_type: "OPTIONAL" },
      { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
      { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
      { name: label, type: "INT64", repetition_type: "OPTIONAL" },
    ],
    columnData: [
      { name: image, data: rows.map(([bytes], row) => ({ bytes, path: `${row}.png` })) },
      { name: label, data: rows.map(([, value]) => value) },
    ],
    rowGroupSize,
    ...(names && {
      kvMetadata: [{ key: "huggingface", value: JSON.stringify({ info: { features } }) }],
    }),
  });
  await Deno.writeFile(path, new Uint8Array(buffer));
}

const bytesOf = (fixture: typeof RGB) => Uint8Array.fromBase64(fixture!.file);

sharedTest("loadHuggingFaceImages() reads real images of the hub's layout", async () => {
  const dataset = await loadHuggingFaceImages({ paths: [CIFAR10[0]!], limit: 400, name: "c" });
  assertEquals([dataset.count, dataset.height, dataset.width, dataset.channels], [400, 32, 32, 3]);
  assertEquals(dataset.classNames[5], "dog");
  assertEquals(dataset.labels[0], 5);
  assertEquals(new Set(dataset.labels).size, 10);
  assert(dataset.provenance.startsWith("c: 400 of 10000 images from "));
  const { mean, standardDeviation } = channelStatistics(dataset);
  [0.4914, 0.4822, 0.4465].forEach((value, at) => assertAlmostEquals(mean[at]!, value, 0.03));
  [0.247, 0.2435, 0.2616].forEach((value, at) =>
    assertAlmostEquals(standardDeviation[at]!, value, 0.03)
  );
});

sharedTest("loadHuggingFaceImages() resizes and turns grey", async () => {
  const options = { paths: [CIFAR10[1]!], limit: 3 };
  const full = await loadHuggingFaceImages(options);
  const small = await loadHuggingFaceImages({ ...options, size: 8, channels: 1 });
  assertEquals([small.height, small.width, small.channels, small.images.length], [8, 8, 1, 192]);
  // Shrinking keeps the brightness, up to the border.
  for (let image = 0; image < 3; image++) {
    const bright = full.images.subarray(image * 3072, (image + 1) * 3072);
    const [r, g, b] = [0, 1, 2].map((channel) =>
      bright.filter((_, at) => at % 3 === channel).reduce((sum, byte) => sum + byte, 0) / 1024
    );
    const grey = small.images.subarray(image * 64, (image + 1) * 64)
      .reduce((sum, byte) => sum + byte, 0) / 64;
    assertAlmostEquals(grey, 0.299 * r! + 0.587 * g! + 0.114 * b!, 3);
  }
});

Deno.test("loadHuggingFaceImages() joins shards over row groups, PNG and JPEG, in order", async () => {
  await withFolder(async (folder) => {
    const paths = [`${folder}/0.parquet`, `${folder}/1.parquet`];
    const names = ["x", "y", "z"];
    const [rgb, grey, jpeg] = [bytesOf(RGB), bytesOf(GREY), bytesOf(JPEG)];
    const options = { image: "img", label: "fine_label", names };
    await write(paths[0]!, [[rgb, 2n], [grey, 0n], [jpeg, 1n]], options);
    await write(paths[1]!, [[grey, 1n], [rgb, 0n]], options);
    const hashes = await Promise.all(paths.map(async (path) => sha256(await Deno.readFile(path))));
    const all = await loadHuggingFaceImages({ paths, sha256: hashes });
    assertEquals([...all.labels], [2, 0, 1, 1, 0]);
    assertEquals([all.height, all.width, all.classNames], [5, 9, names]);
    const image = (index: number) => all.images.subarray(index * 135, (index + 1) * 135);
    assertEquals(image(0), Uint8Array.fromBase64(RGB!.pixels));
    assertEquals(image(2), Uint8Array.fromBase64(JPEG!.pixels));
    assertEquals(image(4), image(0));
    assertEquals(image(1), image(3));
    const greys = Uint8Array.fromBase64(GREY!.pixels);
    assertEquals(image(1), Uint8Array.from({ length: 135 }, (_, at) => greys[Math.floor(at / 3)]!));
    const four = await loadHuggingFaceImages({ paths, limit: 4 });
    assertEquals([...four.labels], [2, 0, 1, 1]);
    assertEquals(four.images, all.images.slice(0, 4 * 135));
    await assertRejects(
      () => loadHuggingFaceImages({ paths, sha256: [hashes[0]!, hashes[0]!] }),
      ChecksumError,
      `found SHA-256 ${hashes[1]}`,
    );
    await assertRejects(
      () => loadHuggingFaceImages({ paths, sha256: [] }),
      RangeError,
      "0 hashes",
    );
  });
});

Deno.test("loadHuggingFaceImages() numbers classes without names, beyond 256 too", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.parquet`;
    await write(path, [[bytesOf(RGB), 999n], [bytesOf(RGB), 3n]], { label: "labels" });
    const dataset = await loadHuggingFaceImages({ paths: [path] });
    assertEquals([...dataset.labels], [999, 3]);
    assertEquals([dataset.classNames.length, dataset.classNames[999]], [1000, "999"]);
  });
});

Deno.test("loadHuggingFaceImages() names file and row of what cannot be used", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.parquet`;
    const good = bytesOf(RGB);
    const load = (options = {}) => loadHuggingFaceImages({ paths: [path], ...options });
    await write(path, [[good, 0n], [good, 1n], [good.slice(0, -9), 1n]]);
    await assertRejects(load, Error, `row 2 of ${path}. Cannot decode a PNG image`);
    await write(path, [[good, 0n], [good, -1n]]);
    await assertRejects(load, Error, `row 1 of ${path}. Cannot read a label: found -1`);
    await write(path, [[good, 0n], [good, 2n]], { names: ["a", "b"] });
    await assertRejects(load, Error, "found 2, expected a whole number from 0 to 1");
    await write(path, [[undefined, 0n]]);
    await assertRejects(load, Error, "the cell holds no bytes");
    const tall = IMAGE_FIXTURES.find(({ name }) => name.includes("EXIF"))!;
    await write(path, [[good, 0n], [Uint8Array.fromBase64(tall.file), 0n]]);
    await assertRejects(load, Error, "5 x 9 pixels, expected 9 x 5");
    assertEquals((await load({ size: 4 })).images.length, 2 * 48);
    await write(path, [[good, 0n]], { image: "picture" });
    await assertRejects(load, Error, "columns picture, label, expected exactly one of img, image");
    assertEquals((await load({ imageColumn: "picture" })).count, 1);
  });
});

Deno.test("loadHuggingFaceImages() refuses files that are cut, foreign or of other classes", async () => {
  await withFolder(async (folder) => {
    const paths = [`${folder}/a.parquet`, `${folder}/b.parquet`];
    await write(paths[0]!, [[bytesOf(RGB), 0n]], { names: ["a"] });
    await write(paths[1]!, [[bytesOf(RGB), 0n]], { names: ["b"] });
    await assertRejects(() => loadHuggingFaceImages({ paths }), Error, "class names a and b");
    const bytes = await Deno.readFile(paths[0]!);
    await Deno.writeFile(paths[0]!, bytes.slice(0, -20));
    await assertRejects(() => loadHuggingFaceImages({ paths }), Error, `Cannot read ${paths[0]}`);
    await Deno.writeTextFile(paths[0]!, "not parquet at all");
    await assertRejects(() => loadHuggingFaceImages({ paths }), Error, `Cannot read ${paths[0]}`);
    await assertRejects(
      () => loadHuggingFaceImages({ paths: [`${folder}/no`] }),
      Deno.errors.NotFound,
    );
    await assertRejects(() => loadHuggingFaceImages({ paths, limit: 0 }), RangeError, "limit 0");
  });
});

Deno.test("loadHuggingFaceImages() refuses labels that are too great or beside the statistics", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.parquet`;
    const load = (options = {}) => loadHuggingFaceImages({ paths: [path], ...options });
    for (const label of [2n ** 32n + 5n, 2n ** 32n - 6n, 1n << 20n, 2n ** 62n]) {
      await write(path, [[bytesOf(RGB), 0n], [bytesOf(RGB), label]]);
      await assertRejects(load, Error, `row 1 of ${path}. Cannot read a label: found ${label}`);
    }
    const images = page({ body: plainBytes([bytesOf(RGB), bytesOf(GREY)]), values: 2 });
    const labels = page({ body: plainNumbers([1n, 4n]), values: 2 });
    const noted = (least: bigint, greatest: bigint) =>
      Deno.writeFile(
        path,
        parquetFile([
          { name: "image", type: 6, pages: [images] },
          {
            name: "label",
            type: 2,
            pages: [labels],
            description: { 12: { 5: plainNumbers([greatest]), 6: plainNumbers([least]) } },
          },
        ], { rows: 2 }),
      );
    await noted(1n, 4n);
    assertEquals([...(await load()).labels], [1, 4]);
    await noted(1n, 5n);
    await assertRejects(load, Error, "labels go from 1 to 4, expected 1 to 5");
    assertEquals([...(await load({ limit: 1 })).labels], [1]);
    await noted(2n, 5n);
    await assertRejects(() => load({ limit: 1 }), Error, "from 1 to 1, expected 2 to 5");
  });
});

Deno.test("loadHuggingFaceImages() keeps images with faults only in a file of the right hash", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.parquet`;
    const load = () => loadHuggingFaceImages({ paths: [path] });
    const jpeg = bytesOf(JPEG);
    const faulty = new Uint8Array([...jpeg.slice(0, -2), ...new Uint8Array(9), 0xff, 0xd9]);
    await write(path, [[jpeg, 0n], [faulty, 1n]]);
    await assertRejects(load, Error, `row 1 of ${path}. Cannot decode a JPEG image: data at which`);
    const list = `${folder}/SHA256SUMS`;
    await Deno.writeTextFile(list, `${sha256(await Deno.readFile(path))}  a.parquet`);
    const dataset = await load();
    assertEquals(dataset.images.slice(135), dataset.images.slice(0, 135));
    assert(
      dataset.provenance.endsWith(
        "verified by SHA-256, 1 with faults that the decoder passed over",
      ),
      dataset.provenance,
    );
    await write(path, [[jpeg, 0n], [jpeg, 1n]]);
    await assertRejects(load, ChecksumError, `Cannot use ${path}: found SHA-256`);
  });
});

Deno.test("loadHuggingFaceImages() asks for no more memory than allowed, and reads only files with an end", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.parquet`;
    await write(path, [[bytesOf(RGB), 0n], [bytesOf(RGB), 1n]]);
    const load = (mostBytes: number) => loadHuggingFaceImages({ paths: [path], mostBytes });
    assertEquals((await load(270)).count, 2);
    await assertRejects(
      () => load(269),
      RangeError,
      "9 x 5 pixels: 270 bytes, expected at most 269",
    );
    await assertRejects(
      () => loadHuggingFaceImages({ paths: ["/dev/zero"] }),
      Error,
      "expected a regular file",
    );
  });
});
