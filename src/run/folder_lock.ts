/** The lock of a folder in which a process works; the system releases it when the process ends, however it ends. */
import { fileError } from "./file_error.ts";

/** Name of the file that is locked. */
export const LOCK = "run.lock";

/**
 * Locks a folder.
 *
 * @param path The folder.
 * @returns The open file; closing it releases the lock.
 * @throws {Error} If another process, or another training of this one, works in the folder.
 */
export async function lockFolder(path: string): Promise<Deno.FsFile> {
  let lock: Deno.FsFile;
  try {
    lock = Deno.openSync(`${path}/${LOCK}`, { write: true, create: true });
  } catch (cause) {
    throw fileError("lock", { path, cause });
  }
  // Who only asks whether it is locked holds it for a moment.
  for (let attempt = 0; attempt < 5; attempt++) {
    if (lock.tryLockSync(true)) return lock;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  lock.close();
  throw new Error(
    `Cannot work in ${path}: another process holds its lock. Wait until that run ends or stop it.`,
  );
}
