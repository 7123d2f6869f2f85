import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ChecksumError,
  CIFAR10_ARCHIVE,
  dataDirectory,
  decodeCifar10Records,
  DownloadError,
  loadCifar10,
} from "../../src/data/mod.ts";
import {
  CIFAR10_FOLDER,
  gzip,
  serveBytes,
  sha256,
  tar,
  tinyCifar10,
  withFolder,
  withServer,
} from "./fixtures.ts";
import { sharedTest } from "../shared.ts";

async function writeFiles(folder: string, files: Map<string, Uint8Array>): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await Deno.writeFile(`${folder}/${name}`, bytes);
}

/** The archive of some files, as published at `url`. */
async function published(files: Map<string, Uint8Array>, url = "http://127.0.0.1:1/tiny.tar.gz") {
  const entries = [...files].map(([name, bytes]) => ({
    path: `cifar-10-batches-bin/${name}`,
    bytes,
  }));
  const bytes = await gzip(tar([{ path: "cifar-10-batches-bin/", type: "5" }, ...entries]));
  return { bytes, archive: { url, size: bytes.length, sha256: sha256(bytes) } };
}

sharedTest("loadCifar10() reads the real records of a short folder", async () => {
  const { train, test } = await loadCifar10({ data: CIFAR10_FOLDER });
  assertEquals([train.count, test.count], [5085, 1017]);
  assertEquals(train.images.length, 5085 * 32 * 32 * 3);
  assertEquals(train.classNames[9], "truck");
  assertEquals([train.synthetic, train.source, train.name], [false, "folder", "cifar-10"]);
  assertEquals(
    train.provenance,
    `CIFAR-10 training: 5085 images (5 files of 1017) from ${CIFAR10_FOLDER}`,
  );
  // The first images of the official files: a frog, a truck, a truck; test: a cat, a ship, a ship.
  assertEquals([...train.labels.subarray(0, 3)], [6, 9, 9]);
  assertEquals([...test.labels.subarray(0, 3)], [3, 8, 8]);
  // The first pixels of the first training image, from the published planes.
  assertEquals([...train.images.subarray(0, 6)], [59, 62, 63, 43, 46, 45]);
  // Every pixel of a late record equals its planes.
  const raw = await Deno.readFile(`${CIFAR10_FOLDER}/data_batch_5.bin`);
  const record = raw.subarray(1016 * 3073);
  const image = train.images.subarray(5084 * 3072);
  assertEquals(train.labels[5084], record[0]);
  for (let pixel = 0; pixel < 1024; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      assertEquals(image[pixel * 3 + channel], record[1 + channel * 1024 + pixel]);
    }
  }
});

Deno.test("loadCifar10() finds files directly, in the official folder, and in the archive", async () => {
  const files = tinyCifar10();
  const { bytes, archive } = await published(files);
  await withFolder(async (folder) => {
    await writeFiles(`${folder}/direct`, files);
    await writeFiles(`${folder}/nested/cifar-10-batches-bin`, files);
    await writeFiles(`${folder}/packed`, new Map([["tiny.tar.gz", bytes]]));
    // A half-unpacked folder beside the archive: the archive counts.
    await writeFiles(`${folder}/both`, new Map([["tiny.tar.gz", bytes]]));
    await writeFiles(`${folder}/both/cifar-10-batches-bin`, new Map([...files].slice(0, 2)));
    const first = await loadCifar10({ data: `${folder}/direct`, archive });
    assertEquals(first.train.count, 1 + 2 + 3 + 4 + 5);
    assertEquals([...first.test.labels], [0, 1, 2, 3, 4, 5]);
    assert(first.train.provenance.includes("15 images (1 + 2 + 3 + 4 + 5)"));
    for (const place of ["nested", "packed", "packed/tiny.tar.gz", "both"]) {
      const other = await loadCifar10({ data: `${folder}/${place}`, archive });
      assertEquals(other.train.images, first.train.images);
      assertEquals(other.train.labels, first.train.labels);
      assertEquals(other.test.images, first.test.images);
    }
  });
});

Deno.test("loadCifar10() takes class names from batches.meta.txt and refuses other than ten", async () => {
  await withFolder(async (folder) => {
    const names = "a b c d e f g h i j".split(" ");
    const meta = (lines: string[]) => new TextEncoder().encode(`${lines.join("\r\n")}\n\n`);
    const files = tinyCifar10().set("batches.meta.txt", meta(names));
    await writeFiles(folder, files);
    assertEquals((await loadCifar10({ data: folder })).test.classNames, names);
    const { bytes, archive } = await published(files);
    await writeFiles(`${folder}/packed`, new Map([["tiny.tar.gz", bytes]]));
    const packed = await loadCifar10({ data: `${folder}/packed`, archive });
    assertEquals(packed.train.classNames, names);
    await writeFiles(folder, new Map([["batches.meta.txt", meta(["only"])]]));
    await assertRejects(() => loadCifar10({ data: folder }), Error, "1 class names, expected 10");
  });
});

Deno.test("loadCifar10() throws on a given folder that lacks files, even where auto would help", async () => {
  await withFolder(async (folder) => {
    await assertRejects(() => loadCifar10({ data: `${folder}/no` }), Error, "no such folder");
    await assertRejects(() => loadCifar10({ data: folder }), Error, "none of its files");
    const files = tinyCifar10();
    files.delete("data_batch_4.bin");
    await writeFiles(`${folder}/cifar-10-batches-bin`, files);
    await assertRejects(() => loadCifar10({ data: folder }), Error, "without data_batch_4.bin");
  });
});

Deno.test("decodeCifar10Records() throws on cut files and foreign labels", () => {
  const decode = (bytes: Uint8Array) => decodeCifar10Records(new Map([["x.bin", bytes]]));
  assertThrows(() => decode(new Uint8Array(0)), RangeError, "at least one");
  assertThrows(
    () => decode(new Uint8Array(3073 * 2 - 1)),
    RangeError,
    "6145 bytes are 1 records and 3072 bytes",
  );
  const foreign = new Uint8Array(3073 * 2);
  foreign[3073] = 10;
  assertThrows(() => decode(foreign), RangeError, "record 1 has label 10");
});

Deno.test("loadCifar10() names the folder of a cut file", async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, tinyCifar10().set("test_batch.bin", new Uint8Array(5000)));
    const error = await assertRejects(() => loadCifar10({ data: folder }), RangeError, folder);
    assert(error.message.includes("test_batch.bin: 5000 bytes"));
  });
});

Deno.test("loadCifar10() throws on archives that are changed, cut or incomplete", async () => {
  await withFolder(async (folder) => {
    const { bytes, archive } = await published(tinyCifar10());
    const path = `${folder}/tiny.tar.gz`;
    const changed = bytes.slice();
    changed[bytes.length >> 1]! ^= 4;
    await Deno.writeFile(path, changed);
    await assertRejects(
      () => loadCifar10({ data: folder, archive }),
      ChecksumError,
      `found SHA-256 ${sha256(changed)}, expected ${archive.sha256}`,
    );
    await assertRejects(
      () => loadCifar10({ data: "auto", defaultDirectory: folder, archive }),
      ChecksumError,
      archive.sha256,
    );
    assertEquals(await Deno.readFile(path), changed, "the user's file is left alone");
    const cut = bytes.slice(0, bytes.length >> 1);
    await Deno.writeFile(path, cut);
    await assertRejects(
      () => loadCifar10({ data: folder, archive }),
      ChecksumError,
      `${cut.length} bytes`,
    );
    const cutArchive = { ...archive, size: cut.length, sha256: sha256(cut) };
    await assertRejects(
      () => loadCifar10({ data: folder, archive: cutArchive }),
      Error,
      "Cannot unpack",
    );
    const files = tinyCifar10();
    files.delete("test_batch.bin");
    const incomplete = await published(files);
    await Deno.writeFile(path, incomplete.bytes);
    await assertRejects(
      () => loadCifar10({ data: folder, archive: incomplete.archive }),
      Error,
      "the archive lacks test_batch.bin",
    );
  });
});

Deno.test("loadCifar10() downloads once, then finds the archive", async () => {
  const { bytes, archive } = await published(tinyCifar10());
  await withFolder(async (folder) => {
    await withServer((request) => serveBytes(bytes, request), async (origin, ranges) => {
      const lines: string[] = [];
      const options = {
        defaultDirectory: `${folder}/data`,
        archive: { ...archive, url: `${origin}/some/tiny.tar.gz` },
        onMessage: (line: string) => lines.push(line),
      };
      const first = await loadCifar10(options);
      assertEquals([first.train.source, first.train.count], ["download", 15]);
      assertEquals(first.train.synthetic, false);
      assert(lines[0]!.includes(`${bytes.length} bytes`) && lines[0]!.includes(archive.sha256));
      const second = await loadCifar10(options);
      assertEquals([second.train.source, ranges.length], ["folder", 1]);
      assertEquals(second.train.images, first.train.images);
    });
  });
});

Deno.test("loadCifar10() falls back to the stand-in only if there is no network, and says so", async () => {
  const { bytes, archive } = await published(tinyCifar10());
  await withFolder(async (folder) => {
    const lines: string[] = [];
    const options = {
      data: "auto",
      defaultDirectory: folder,
      archive,
      syntheticTrainCount: 20,
      syntheticTestCount: 10,
      onMessage: (line: string) => lines.push(line),
    };
    const { train, test } = await loadCifar10(options);
    assertEquals([train.synthetic, test.synthetic], [true, true]);
    assertEquals([train.source, train.count, test.count], ["synthetic", 20, 10]);
    for (const { provenance } of [train, test]) {
      assert(provenance.startsWith("NOT CIFAR-10 but a procedural stand-in"), provenance);
      assert(provenance.includes("127.0.0.1:1 cannot be reached"), provenance);
    }
    assert(lines.at(-1)!.includes("no connection"));
    assert(lines.at(-1)!.includes("Using a procedural stand-in, NOT CIFAR-10."));

    await withServer(() => new Response("", { status: 503 }), async (origin) => {
      const refused = { ...options, archive: { ...archive, url: `${origin}/tiny.tar.gz` } };
      await assertRejects(() => loadCifar10(refused), DownloadError, "503");
    });
    const changed = bytes.slice();
    changed[100]! ^= 1;
    await withServer(() => new Response(changed), async (origin) => {
      const wrong = { ...options, archive: { ...archive, url: `${origin}/tiny.tar.gz` } };
      await assertRejects(() => loadCifar10(wrong), ChecksumError, sha256(changed));
    });
  });
});

Deno.test("loadCifar10() makes the stand-in on request without looking anywhere", async () => {
  const options = { data: "synthetic", syntheticTrainCount: 10, syntheticTestCount: 10 };
  const { train } = await loadCifar10({ ...options, syntheticSeed: 4 });
  assert(train.provenance.includes("seed 4") && train.provenance.endsWith("(asked for)"));
});

Deno.test("CIFAR10_ARCHIVE is the published one", () => {
  assertEquals(CIFAR10_ARCHIVE, {
    url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    size: 170052171,
    sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
  });
});

Deno.test("dataDirectory() obeys the variables of each system in order", () => {
  const find = (os: "linux" | "windows" | "darwin", variables: Record<string, string>) =>
    dataDirectory({ os, environment: (name) => variables[name] });
  const home = { HOME: "/h", LOCALAPPDATA: "C:\\l" };
  assertEquals(find("linux", home), "/h/.local/share/mutasesumele");
  assertEquals(find("darwin", home), "/h/.local/share/mutasesumele");
  assertEquals(find("windows", home), "C:\\l\\mutasesumele");
  assertEquals(find("linux", { ...home, XDG_DATA_HOME: "/x" }), "/x/mutasesumele");
  assertEquals(
    find("linux", { ...home, XDG_DATA_HOME: "relative" }),
    "/h/.local/share/mutasesumele",
  );
  assertEquals(find("windows", { ...home, MUTASESUMELE_DATA: "D:\\d" }), "D:\\d");
  assertEquals(find("linux", { ...home, MUTASESUMELE_DATA: "" }), "/h/.local/share/mutasesumele");
  assertThrows(() => find("linux", {}), Error, "MUTASESUMELE_DATA");
});
