/**
 * A file that only grows, whose length can be remembered in a checkpoint and restored on resume.
 *
 * @module
 */
import { crc32c } from "./crc32c.ts";
import { fileError } from "./file_error.ts";

/** How far a file has been written, and what stands there: what a checkpoint notes of it. */
export interface FilePosition {
  /** Bytes from the start. */
  readonly bytes: number;
  /** CRC-32C of these bytes: a wrong length, or another file, is noticed before anything is cut. */
  readonly crc32c: number;
}

/** The position in a file that does not exist yet. */
export const FILE_START: FilePosition = { bytes: 0, crc32c: 0 };

/**
 * Checks that a file still begins with what it held when its position was noted.
 *
 * @param path The file; it is not changed. At {@linkcode FILE_START} it need not exist.
 * @param position What was noted.
 * @throws {Error} If the file is missing, shorter, or holds something else.
 */
export function checkFilePosition(path: string, position: FilePosition): void {
  const { bytes, crc32c: expected } = position;
  if (![bytes, expected].every((number) => Number.isSafeInteger(number) && number >= 0)) {
    throw new SyntaxError(
      `Cannot continue ${path}: its noted position is ${JSON.stringify(position)}, expected two ` +
        `natural numbers, bytes and crc32c.`,
    );
  }
  const found = bytes === 0 ? FILE_START : readPosition(path, bytes);
  if (found.bytes < bytes) {
    throw new Error(
      `Cannot continue ${path}: it has ${found.bytes} bytes, expected at least ${bytes} as noted ` +
        `in the checkpoint. Put the file back, or start a new run.`,
    );
  }
  if (found.crc32c !== expected) {
    throw new Error(
      `Cannot continue ${path}: the checksum of its first ${bytes} bytes is ${found.crc32c}, ` +
        `expected ${expected} as noted in the checkpoint. The file was changed: put it back, or ` +
        `start a new run.`,
    );
  }
}

/** What stands in the first bytes of a file; fewer where it is shorter. */
function readPosition(path: string, bytes: number): FilePosition {
  const buffer = new Uint8Array(Math.min(bytes, 1 << 20));
  let position = FILE_START;
  try {
    using file = Deno.openSync(path, { read: true });
    while (position.bytes < bytes) {
      const wanted = Math.min(bytes - position.bytes, buffer.length);
      const count = file.readSync(buffer.subarray(0, wanted));
      if (count === null) break;
      position = {
        bytes: position.bytes + count,
        crc32c: crc32c(buffer.subarray(0, count), position.crc32c),
      };
    }
  } catch (cause) {
    throw fileError("continue", { path, cause });
  }
  return position;
}

/**
 * Append-only file. Its position is stored in a checkpoint; opening it again at that position cuts
 * off what was written later, so that a resumed run writes the same file as one that never stopped.
 *
 * A file that was removed or moved away under the writer's hands is noticed by the next write.
 */
export class AppendFile implements Disposable {
  /** Where the file is. */
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #opened: Deno.FileInfo;
  #offset: number;
  #crc: number;
  #open = true;
  #torn = false;

  private constructor(
    path: string,
    { file, opened, position }: {
      readonly file: Deno.FsFile;
      readonly opened: Deno.FileInfo;
      readonly position: FilePosition;
    },
  ) {
    this.path = path;
    this.#file = file;
    this.#opened = opened;
    this.#offset = position.bytes;
    this.#crc = position.crc32c;
  }

  /**
   * Opens or creates the file.
   *
   * @param path The file; its folder must exist.
   * @param position What to keep of an existing file (default nothing); the rest is cut off.
   * @throws {Error} If the file does not begin with what was noted, or cannot be written; then
   * nothing is cut off.
   */
  static open(path: string, position: FilePosition = FILE_START): AppendFile {
    checkFilePosition(path, position);
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path, { read: true, write: true, create: true });
    } catch (cause) {
      throw fileError("open", { path, cause });
    }
    try {
      const opened = file.statSync();
      const { size, isFile } = opened;
      if (isFile && size > position.bytes) file.truncateSync(position.bytes);
      if (isFile) file.seekSync(position.bytes, Deno.SeekMode.Start);
      return new AppendFile(path, { file, opened, position });
    } catch (cause) {
      file.close();
      throw fileError("open", { path, cause });
    }
  }

  /** Bytes written so far, the kept ones included. */
  get offset(): number {
    return this.#offset;
  }

  /** What a checkpoint notes; call {@linkcode AppendFile.sync} first where it must be on the disk. */
  get position(): FilePosition {
    return { bytes: this.#offset, crc32c: this.#crc };
  }

  /**
   * Appends bytes.
   *
   * @throws {Error} If the disk is full, or the file was removed or moved away; what was written
   * before stays.
   */
  write(bytes: Uint8Array): void {
    this.#checkPlace();
    let written = 0;
    try {
      if (this.#torn) throw new Error("an earlier write failed in its middle");
      while (written < bytes.length) {
        const count = this.#file.writeSync(bytes.subarray(written));
        if (count === 0) throw new Error("the system wrote nothing");
        written += count;
      }
    } catch (cause) {
      this.#cutTornEnd();
      throw fileError("append to", { path: this.path, cause });
    }
    this.#offset += bytes.length;
    this.#crc = crc32c(bytes, this.#crc);
  }

  /**
   * Waits until everything written is on the disk.
   *
   * @returns The position to note in a checkpoint.
   * @throws {Error} If the disk does not take it, or the file was removed or moved away.
   */
  sync(): FilePosition {
    this.#checkPlace();
    try {
      this.#file.syncSync();
    } catch (cause) {
      throw fileError("flush", { path: this.path, cause });
    }
    return this.position;
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

  /** An open file can be written after it lost its name: everything would seem well until the end. */
  #checkPlace(): void {
    const { isFile, dev, ino } = this.#opened;
    if (!isFile || ino === null) return;
    let found: Deno.FileInfo;
    try {
      found = Deno.statSync(this.path);
    } catch (cause) {
      const gone = cause instanceof Deno.errors.NotFound;
      throw gone ? this.#goneError(cause) : fileError("append to", { path: this.path, cause });
    }
    if (found.dev !== dev || found.ino !== ino) throw this.#goneError();
  }

  #goneError(cause?: unknown): Error {
    return new Error(
      `Cannot append to ${this.path}: the file, or the folder it is in, was removed, moved away or ` +
        `replaced while this process wrote it. If it was moved, resume from its new place.`,
      { cause },
    );
  }

  /** A write that failed in its middle leaves half a record, which must not be continued. */
  #cutTornEnd(): void {
    if (!this.#opened.isFile) return;
    try {
      this.#file.truncateSync(this.#offset);
      this.#file.seekSync(this.#offset, Deno.SeekMode.Start);
    } catch {
      this.#torn = true;
    }
  }
}
