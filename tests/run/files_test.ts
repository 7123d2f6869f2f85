import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { AppendFile } from "../../src/run/append_file.ts";
import { removeTemporaryFiles, writeFileAtomic } from "../../src/run/atomic_write.ts";
import { crc32c, maskCrc } from "../../src/run/crc32c.ts";
import { fileError } from "../../src/run/file_error.ts";
import { readGitCommit } from "../../src/run/git_commit.ts";

/** Calls `body` with a new folder and removes it. */
async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const bytes = (text: string) => new TextEncoder().encode(text);
const names = (folder: string) => [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();

Deno.test("writeFileAtomic() replaces a file and leaves no other", () =>
  inFolder(async (folder) => {
    await writeFileAtomic(`${folder}/a`, "one, and longer");
    await writeFileAtomic(`${folder}/a`, [bytes("tw"), bytes(""), bytes("o")]);
    assertEquals(await Deno.readTextFile(`${folder}/a`), "two");
    assertEquals(names(folder), ["a"]);
  }));

Deno.test("writeFileAtomic() leaves the old file and no temporary one when it fails", () =>
  inFolder(async (folder) => {
    // A folder in the place of the file: the temporary file is written, the rename fails.
    await Deno.mkdir(`${folder}/a/inner`, { recursive: true });
    await assertRejects(
      () => writeFileAtomic(`${folder}/a`, "x"),
      Error,
      `Cannot write ${folder}/a`,
    );
    assertEquals(names(folder), ["a"]);
    assertEquals(names(`${folder}/a`), ["inner"]);
    await assertRejects(() => writeFileAtomic(`${folder}/no/a`, "x"), Error, "no such file");
  }));

Deno.test("writeFileAtomic() never shows a torn file to a reader, even when killed", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a`;
    const module = import.meta.resolve("../../src/run/atomic_write.ts");
    const source = `
      import { removeTemporaryFiles, writeFileAtomic } from ${JSON.stringify(module)};
      for (let i = 0;; i++) {
        await writeFileAtomic(${
      JSON.stringify(path)
    }, String.fromCharCode(97 + i % 26).repeat(2e6));
        if (i === 0) console.log("ready");
      }`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--ext=ts", "-"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    await new Blob([source]).stream().pipeTo(child.stdin);
    const reader = child.stdout.getReader();
    await reader.read();
    for (let i = 0; i < 20; i++) {
      const text = await Deno.readTextFile(path);
      assertEquals(text, text[0]!.repeat(2e6));
      if (i === 10) child.kill("SIGKILL");
    }
    await child.status;
    await reader.cancel();
  }));

Deno.test("AppendFile.open() keeps the noted bytes and cuts off the rest", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a`;
    const first = AppendFile.open(path);
    first.write(bytes("123"));
    const noted = first.sync();
    assertEquals(noted, { bytes: 3, crc32c: crc32c(bytes("123")) });
    first.write(bytes("456"));
    first.close();
    first.close();
    using second = AppendFile.open(path, noted);
    second.write(bytes("x"));
    assertEquals(second.offset, 4);
    assertEquals(await Deno.readTextFile(path), "123x");
    for (
      const [position, message] of [
        [{ ...noted, bytes: 5 }, "it has 4 bytes, expected at least 5"],
        [{ ...noted, bytes: 2 }, "the checksum of its first 2 bytes"],
        [{ bytes: 3, crc32c: 1 }, `is ${noted.crc32c}, expected 1 as noted`],
        [{ bytes: 1.5, crc32c: 0 }, "expected two natural numbers"],
        [{ bytes: -1, crc32c: 0 }, "expected two natural numbers"],
      ] as const
    ) assertThrows(() => AppendFile.open(path, position), Error, message);
    assertThrows(() => AppendFile.open(`${folder}/none`, noted), Error, "none: no such file");
    assertEquals(names(folder), ["a"]);
    assertEquals(await Deno.readTextFile(path), "123x");
  }));

Deno.test({
  name: "AppendFile.write() names the file when the disk is full",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    inFolder(async (folder) => {
      await Deno.symlink("/dev/full", `${folder}/a`);
      using file = AppendFile.open(`${folder}/a`);
      const error = assertThrows(() => file.write(bytes("x"))) as Error;
      assertStringIncludes(error.message, `Cannot append to ${folder}/a: the disk is full`);
      assertEquals(file.offset, 0);
    }),
});

Deno.test("AppendFile.write() goes on with short writes, and takes back what a failed one left", () =>
  inFolder((folder) => {
    const real = Deno.FsFile.prototype.writeSync;
    using file = AppendFile.open(`${folder}/a`);
    const text = () => Deno.readTextFileSync(`${folder}/a`);
    try {
      Deno.FsFile.prototype.writeSync = function (piece) {
        return real.call(this, piece.subarray(0, 2));
      };
      file.write(bytes("12345"));
      assertEquals([text(), file.offset], ["12345", 5]);
      Deno.FsFile.prototype.writeSync = function (piece) {
        real.call(this, piece.subarray(0, 2));
        throw Object.assign(new Error("os error 28"), { code: "ENOSPC" });
      };
      assertThrows(() => file.write(bytes("678")), Error, "the disk is full");
      Deno.FsFile.prototype.writeSync = () => 0;
      assertThrows(() => file.write(bytes("678")), Error, "the system wrote nothing");
    } finally {
      Deno.FsFile.prototype.writeSync = real;
    }
    assertEquals([text(), file.offset], ["12345", 5]);
    file.write(bytes("6"));
    assertEquals(text(), "123456");
    assertEquals(file.sync(), { bytes: 6, crc32c: crc32c(bytes("123456")) });
    return Promise.resolve();
  }));

Deno.test({
  name: "AppendFile notices that its file was removed, moved away or replaced",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const changes: ((path: string) => void)[] = [
        (path) => Deno.removeSync(path),
        (path) => Deno.renameSync(path, `${path}-elsewhere`),
        (path) => {
          Deno.renameSync(path, `${path}-elsewhere`);
          Deno.copyFileSync(`${path}-elsewhere`, path);
        },
        () => Deno.renameSync(`${folder}/run`, `${folder}/moved`),
      ];
      for (const change of changes) {
        await Deno.mkdir(`${folder}/run`);
        const path = `${folder}/run/a`;
        using file = AppendFile.open(path);
        file.write(bytes("1"));
        change(path);
        const message = `Cannot append to ${path}: the file, or the folder it is in, was removed`;
        assertThrows(() => file.write(bytes("2")), Error, message);
        assertThrows(() => file.sync(), Error, message);
        await Deno.remove(`${folder}/run`, { recursive: true }).catch(() => {});
      }
    }),
});

Deno.test("removeTemporaryFiles() removes what writeFileAtomic() leaves when it is killed", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/deep/er`, { recursive: true });
    const keep = ["a.tmp", "b.0123456.tmp", "deep/c.0123abcd.tmp.txt", "deep/er/d"];
    const stale = ["a.0123abcd.tmp", "deep/b.txt.ffffffff.tmp", "deep/er/c.00000000.tmp"];
    for (const name of [...keep, ...stale]) await Deno.writeTextFile(`${folder}/${name}`, "");
    // A link to a folder elsewhere is not followed.
    await Deno.mkdir(`${folder}/../elsewhere-${folder.split("/").at(-1)}`);
    const elsewhere = await Deno.realPath(`${folder}/../elsewhere-${folder.split("/").at(-1)}`);
    try {
      await Deno.writeTextFile(`${elsewhere}/e.0123abcd.tmp`, "");
      await Deno.symlink(elsewhere, `${folder}/link`);
      assertEquals(
        await removeTemporaryFiles(folder),
        stale.map((name) => `${folder}/${name}`).sort(),
      );
      assertEquals(names(elsewhere), ["e.0123abcd.tmp"]);
      for (const name of keep) await Deno.stat(`${folder}/${name}`);
      assertEquals(await removeTemporaryFiles(folder), []);
    } finally {
      await Deno.remove(elsewhere, { recursive: true });
    }
  }));

Deno.test("fileError() knows the way out of common failures", () => {
  const cases: [unknown, string][] = [
    [Object.assign(new Error("os error 28"), { code: "ENOSPC" }), "the disk is full. Free some"],
    [Object.assign(new Error("os error 5"), { code: "EIO" }), "the disk reports a fault"],
    [new Error("File too large (os error 27)"), "Raise the limit (ulimit -f)"],
    [Object.assign(new Error("os error 30"), { code: "EROFS" }), "read-only; choose another"],
    [new Deno.errors.NotCapable("Requires write access"), "Run with --allow-read --allow-write"],
    [new Deno.errors.PermissionDenied("x"), "Check the folder's owner"],
    [new Error("strange"), "strange."],
    ["text", "text."],
  ];
  for (const [cause, advice] of cases) {
    const error = fileError("write", { path: "p/q", cause });
    assertStringIncludes(error.message, "Cannot write p/q: ");
    assertStringIncludes(error.message, advice);
    assertEquals(error.cause, cause);
  }
});

Deno.test("crc32c() gives the check values of RFC 3720, in one piece or several", () => {
  assertEquals(crc32c(bytes("123456789")), 0xe3069283);
  assertEquals(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assertEquals(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assertEquals(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  assertEquals(crc32c(bytes("6789"), crc32c(bytes("12345"))), 0xe3069283);
  assertEquals(crc32c(new Uint8Array()), 0);
  // Mask of TFRecord: ((crc >> 15) | (crc << 17)) + 0xa282ead8.
  assertEquals(maskCrc(0), 0xa282ead8);
  assertEquals(maskCrc(0x8000), 0xa282ead9);
});

Deno.test("readGitCommit() reads loose, packed and detached heads, and worktrees", () =>
  inFolder(async (folder) => {
    const [one, two] = ["1".repeat(40), "2".repeat(40)];
    const git = `${folder}/repo/.git`;
    await Deno.mkdir(`${git}/refs/heads/topic`, { recursive: true });
    await Deno.mkdir(`${folder}/repo/src/deep`, { recursive: true });
    const commit = () => readGitCommit(`${folder}/repo/src/deep`);
    await Deno.writeTextFile(`${git}/HEAD`, "ref: refs/heads/topic/a\n");
    assertEquals(await commit(), undefined);
    await Deno.writeTextFile(
      `${git}/packed-refs`,
      `# pack-refs\n${two} refs/heads/topic/ab\n${one} refs/heads/topic/a\n^${two}\n`,
    );
    assertEquals(await commit(), one);
    await Deno.writeTextFile(`${git}/refs/heads/topic/a`, `${two}\n`);
    assertEquals(await commit(), two);
    await Deno.writeTextFile(`${git}/HEAD`, `${one}\n`);
    assertEquals(await commit(), one);

    await Deno.mkdir(`${git}/worktrees/w`, { recursive: true });
    await Deno.mkdir(`${folder}/w`);
    await Deno.writeTextFile(`${folder}/w/.git`, `gitdir: ${git}/worktrees/w\n`);
    await Deno.writeTextFile(`${git}/worktrees/w/HEAD`, "ref: refs/heads/topic/a\n");
    await Deno.writeTextFile(`${git}/worktrees/w/commondir`, "../..\n");
    assertEquals(await readGitCommit(`${folder}/w`), two);
    assertEquals(await readGitCommit(`${folder}/nowhere`), undefined);
  }));
