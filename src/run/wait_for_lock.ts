/** Locks between processes that take turns; the system releases them when a process ends, however it ends. */
import { fileError } from "./file_error.ts";

/**
 * Waits until no other process holds a lock, and takes it.
 *
 * @param path File of the lock, which is made where there is none and stays; its folder must exist.
 * @returns The open file; closing it releases the lock.
 * @throws {Error} If the file cannot be written, or its file system has no locks.
 */
export async function waitForLock(path: string): Promise<Deno.FsFile> {
  let file: Deno.FsFile | undefined;
  try {
    file = await Deno.open(path, { write: true, create: true });
    await file.lock(true);
    return file;
  } catch (cause) {
    file?.close();
    throw fileError("lock", { path, cause });
  }
}
