/**
 * A file that only grows, whose length can be remembered in a checkpoint and restored on resume.
 *
 * @module
 */
import { fileError } from "./file_error.ts";

/**
 * Append-only file. Its `offset` is stored in a checkpoint; opening it again with that offset cuts
 * off what was written later, so that a resumed run writes the same file as one that never stopped.
 */
export class AppendFile implements Disposable {
  /** Where the file is. */
  readonly path: string;
  #file: Deno.FsFile;
  #offset: number;
  #open = true;

  private constructor(path: string, state: { file: Deno.FsFile; offset: number }) {
    this.path = path;
    this.#file = state.file;
    this.#offset = state.offset;
  }

  /**
   * Opens or creates the file.
   *
   * @param path The file; its folder must exist.
   * @param offset Bytes of an existing file to keep (default 0); the rest is cut off.
   * @throws {Error} If the file is shorter than `offset` or cannot be written.
   */
  static open(path: string, offset = 0): AppendFile {
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path, { read: true, write: true, create: true });
    } catch (cause) {
      throw fileError("open", { path, cause });
    }
    try {
      const { size, isFile } = file.statSync();
      if (size < offset) {
        throw new Error(
          `Cannot continue ${path}: it has ${size} bytes, expected at least ${offset} as noted in ` +
            `the checkpoint. Resume from an older checkpoint or start a new run.`,
        );
      }
      if (isFile && size > offset) file.truncateSync(offset);
      if (isFile) file.seekSync(offset, Deno.SeekMode.Start);
      return new AppendFile(path, { file, offset });
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Bytes written so far, the kept ones included. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * Appends bytes.
   *
   * @throws {Error} If the disk is full; what was written before stays.
   */
  write(bytes: Uint8Array): void {
    let written = 0;
    try {
      while (written < bytes.length) written += this.#file.writeSync(bytes.subarray(written));
    } catch (cause) {
      throw fileError("append to", { path: this.path, cause });
    }
    this.#offset += bytes.length;
  }

  /**
   * Waits until everything written is on the disk.
   *
   * @returns The offset to note in a checkpoint.
   */
  sync(): number {
    try {
      this.#file.syncSync();
    } catch (cause) {
      throw fileError("flush", { path: this.path, cause });
    }
    return this.#offset;
  }

  /** Closes the file; a second call does nothing. */
  close(): void {
    if (this.#open) this.#file.close();
    this.#open = false;
  }

  /** Closes it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}
