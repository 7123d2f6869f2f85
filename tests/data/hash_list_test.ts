import { assertEquals, assertRejects } from "@std/assert";
import {
  ChecksumError,
  loadCifar10,
  loadOmniglot,
  sha256File,
  verifyFile,
} from "../../src/data/mod.ts";
import { listedHash, verifyListed } from "../../src/data/hash_list.ts";
import { readRegularFile } from "../../src/data/regular_file.ts";
import { sha256, tinyCifar10, withFolder } from "./fixtures.ts";

const bytes = Uint8Array.of(1, 2, 3);

Deno.test("verifyListed() takes hashes of lists beside and above, up to the root, and of the cache", async () => {
  await withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/a/b`, { recursive: true });
    const path = `${folder}/a/b/c.bin`;
    await Deno.writeFile(path, bytes);
    assertEquals(await verifyListed(path), undefined);
    await Deno.writeTextFile(`${folder}/SHA256SUMS`, `${sha256(bytes)}  a/b/c.bin\n`);
    assertEquals(await verifyListed(path), undefined);
    assertEquals(await verifyListed(path, { root: `${folder}/a` }), undefined);
    assertEquals(await verifyListed(path, { root: `${folder}/` }), "SHA256SUMS");
    await Deno.writeTextFile(`${folder}/a/b/SHA256SUMS`, `${"0".repeat(64)} *./c.bin\r\n\r\n`);
    await assertRejects(() => verifyListed(path), ChecksumError, sha256(bytes));
    await Deno.writeTextFile(`${folder}/a/b/SHA256SUMS`, `not a hash  c.bin\n`);
    await assertRejects(() => verifyListed(path), Error, "line 1 is not a hash");
    await Deno.remove(`${folder}/a/b/SHA256SUMS`);
    await Deno.symlink(`${folder}/a/b/c.bin`, `${folder}/plain`);
    assertEquals(await listedHash(`${folder}/plain`), undefined);
    await Deno.writeFile(`${folder}/${sha256(bytes)}`, bytes);
    await Deno.symlink(`./${sha256(bytes)}`, `${folder}/link`);
    assertEquals(await verifyListed(`${folder}/link`), "its name in the cache");
    await Deno.writeFile(`${folder}/${sha256(bytes)}`, bytes.slice(1));
    await assertRejects(() => verifyListed(`${folder}/link`), ChecksumError, "name in the cache");
  });
});

Deno.test("loadCifar10() compares a folder with its list: one changed pixel is refused", async () => {
  await withFolder(async (folder) => {
    const files = tinyCifar10();
    const lines: string[] = [];
    for (const [name, content] of files) {
      await Deno.writeFile(`${folder}/${name}`, content);
      lines.push(`${sha256(content)}  ${name}\n`);
    }
    await Deno.writeTextFile(`${folder}/SHA256SUMS`, lines.join(""));
    const { train } = await loadCifar10({ data: folder });
    assertEquals(train.provenance.endsWith(", verified by SHA-256"), true);
    const changed = files.get("data_batch_2.bin")!;
    changed[100]! ^= 1;
    await Deno.writeFile(`${folder}/data_batch_2.bin`, changed);
    await assertRejects(() => loadCifar10({ data: folder }), ChecksumError, "data_batch_2.bin");
  });
});

Deno.test("data files that have no end, are too long or grow are refused", async () => {
  const ends = "expected a regular file";
  await assertRejects(() => sha256File("/dev/zero"), Error, ends);
  await assertRejects(() => verifyFile("/dev/zero", { size: 0, sha256: "" }), Error, ends);
  await assertRejects(() => loadOmniglot({ paths: ["/dev/zero"] }), Error, ends);
  await assertRejects(() => loadCifar10({ data: "/dev/zero" }), Error, ends);
  await withFolder(async (folder) => {
    const path = `${folder}/a`;
    await new Deno.Command("mkfifo", { args: [path] }).output();
    await assertRejects(() => readRegularFile(path, 10), Error, ends);
    await assertRejects(() => readRegularFile(folder, 10), Error, "it is a folder");
    for (const name of tinyCifar10().keys()) await Deno.symlink("/dev/zero", `${folder}/${name}`);
    await assertRejects(() => loadCifar10({ data: folder }), Error, ends);
    await Deno.writeFile(`${folder}/b`, bytes);
    assertEquals(await readRegularFile(`${folder}/b`, 3), bytes);
    await assertRejects(() => readRegularFile(`${folder}/b`, 2), RangeError, "at most 2");
  });
  // The kernel's own files announce no length.
  await assertRejects(() => readRegularFile("/proc/self/status", 10), Error, "more bytes came");
});
