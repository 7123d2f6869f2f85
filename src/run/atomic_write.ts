/**
 * Writing a file so that a reader, or the next start after a crash, sees the old or the new content
 * and never a torn one.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { fileError } from "./file_error.ts";

/**
 * Writes a file atomically: temporary file in the same folder, sync, rename, sync of the folder.
 *
 * @param path File to create or replace; its folder must exist.
 * @param data Text (as UTF-8), bytes, or several pieces of bytes written one after the other.
 * @throws {Error} If the disk is full or the place is not writable; the old file stays as it was
 * and the temporary file is removed.
 *
 * @example
 * ```ts
 * import { writeFileAtomic } from "@mutasesumele/toolkit/run";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * await writeFileAtomic(`${folder}/a.txt`, "one");
 * await writeFileAtomic(`${folder}/a.txt`, "two");
 * assertEquals(await Deno.readTextFile(`${folder}/a.txt`), "two");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array | readonly Uint8Array[],
): Promise<void> {
  requireArguments("writeFileAtomic", { path, data }, {
    path: is.name,
    data: is.kind(
      "a text, a Uint8Array or an array of them",
      (found) => is.text.holds(found) || is.bytes.holds(found) || is.listOf(is.bytes).holds(found),
    ),
  });
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  const pieces = typeof data === "string"
    ? [new TextEncoder().encode(data)]
    : data instanceof Uint8Array
    ? [data]
    : data;
  try {
    const file = await Deno.open(temporary, { write: true, createNew: true });
    try {
      for (const piece of pieces) await writeAll(file, piece);
      await file.sync();
    } finally {
      file.close();
    }
    await Deno.rename(temporary, path);
    await syncFolder(folderOf(path));
  } catch (cause) {
    await Deno.remove(temporary).catch(() => undefined);
    throw fileError("write", { path, cause });
  }
}

/**
 * Removes the temporary files that killed writers have left in a folder and in the folders below it.
 *
 * @param folder The folder; nobody else may write into it meanwhile.
 * @returns Paths of the files removed.
 * @throws {Error} If a folder cannot be read or a file not removed.
 *
 * @example
 * ```ts
 * import { removeTemporaryFiles } from "@mutasesumele/toolkit/run";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${folder}/a.json.0123abcd.tmp`, "half");
 * await Deno.writeTextFile(`${folder}/notes.tmp`, "mine");
 * assertEquals(await removeTemporaryFiles(folder), [`${folder}/a.json.0123abcd.tmp`]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function removeTemporaryFiles(folder: string): Promise<string[]> {
  requireArguments("removeTemporaryFiles", { folder }, { folder: is.name });
  const removed: string[] = [];
  try {
    for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) removed.push(...await removeTemporaryFiles(path));
      if (!isFile || !/\.[0-9a-f]{8}\.tmp$/.test(name)) continue;
      await Deno.remove(path);
      removed.push(path);
    }
  } catch (cause) {
    throw fileError("remove the temporary files of", { path: folder, cause });
  }
  return removed.sort();
}

/** Writes all bytes; one `write` call may take only some of them. */
async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const count = await file.write(bytes.subarray(written));
    if (count === 0) throw new Error("the system wrote nothing");
    written += count;
  }
}

/** The folder that holds `path`. */
function folderOf(path: string): string {
  const end = Math.max(
    path.lastIndexOf("/"),
    Deno.build.os === "windows" ? path.lastIndexOf("\\") : -1,
  );
  return end < 0 ? "." : end === 0 ? "/" : path.slice(0, end);
}

/** Makes a rename durable. Windows has no handle on folders, and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  const handle = await Deno.open(folder, { read: true });
  try {
    await handle.sync();
  } finally {
    handle.close();
  }
}
